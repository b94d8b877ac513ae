"""Who is looking: sessions, roles, form tokens, and where a login may lead to."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request, Response

from vault.model import Account, Role

from .deps import PortalDeps
from .errors import LoginNeeded, PageError
from .forms import Form

FIELD = "csrf"
SESSION_SHAPE = re.compile(r"[A-Za-z0-9_-]{16,200}")
LOCAL = re.compile(r"/(?:loket|opd|operasi)(?:/[A-Za-z0-9_./-]*)?")

COUNTER: Collection[Role] = ("counter", "desk", "operations")
INBOX: Collection[Role] = ("officer", "desk", "operations")
OPERATIONS: Collection[Role] = ("operations", "desk")

HOME: dict[Role, str] = {"counter": "/loket", "officer": "/opd", "desk": "/opd", "operations": "/operasi"}


@dataclass(frozen=True)
class Visitor:
    """Somebody logged in, and the token their forms carry."""

    account: Account
    form_token: str

    def may(self, area: str) -> bool:
        """Whether the navigation offers them ``loket``, ``opd`` or ``operasi``."""
        return self.account.role in {"loket": COUNTER, "opd": INBOX, "operasi": OPERATIONS}[area]


def form_token(secret: str) -> str:
    """The token of forms shown to the holder of ``secret`` (a cookie that scripts of other sites cannot read)."""
    return hmac.new(secret.encode(), b"tanggap form", hashlib.sha256).hexdigest()


def check_token(form: Form, secret: str | None) -> None:
    """Raises ``PageError`` 403 unless the form was made for the holder of ``secret``."""
    given = form.values.get(FIELD, "")
    if secret is None or not hmac.compare_digest(given.encode(), form_token(secret).encode()):
        raise PageError(403, "csrf", "Formulir ini sudah kedaluwarsa. Muat ulang halamannya, lalu kirim lagi.")


def local_target(value: str | None) -> str | None:
    """``value`` if it is a page of ours; None for anything else, so that a login never leads elsewhere."""
    return value if value and len(value) <= 200 and LOCAL.fullmatch(value) and "//" not in value else None


class Guard:
    """Knows sessions. The cookie is HttpOnly, SameSite=Lax, and Secure with the ``__Host-`` prefix under https."""

    def __init__(self, deps: PortalDeps) -> None:
        self._vault = deps.vault
        self._secure = deps.base_url.startswith("https:")
        prefix = "__Host-" if self._secure else ""
        self.session_cookie = f"{prefix}sesi"
        self.login_cookie = f"{prefix}masuk"

    def secret(self, request: Request) -> str | None:
        """The session cookie, if it looks like one."""
        value = request.cookies.get(self.session_cookie, "")
        return value if SESSION_SHAPE.fullmatch(value) else None

    async def visitor(self, request: Request) -> Visitor | None:
        """Who is logged in. Raises ``Unavailable``."""
        secret = self.secret(request)
        account = await asyncio.to_thread(self._vault.session, secret) if secret else None
        if secret is None or account is None:
            return None
        request.state.visitor = visitor = Visitor(account, form_token(secret))
        return visitor

    async def require(self, request: Request, roles: Collection[Role]) -> Visitor:
        """Who is logged in. Raises ``LoginNeeded``, or ``PageError`` 403 where their role may not."""
        visitor = await self.visitor(request)
        if visitor is None:
            target = request.url.path if request.method == "GET" else ""
            raise LoginNeeded("/masuk" + (f"?lanjut={quote(target)}" if local_target(target) else ""))
        if visitor.account.role not in roles:
            raise PageError(403, "role")
        return visitor

    def set(self, response: Response, name: str, value: str, max_age: int) -> Response:
        """Sets one of the two cookies, for ``max_age`` seconds."""
        response.set_cookie(name, value, max_age=max_age, path="/", secure=self._secure, httponly=True, samesite="lax")
        return response

    def clear(self, response: Response, name: str) -> Response:
        """Removes one of the two cookies."""
        response.delete_cookie(name, path="/", secure=self._secure, httponly=True, samesite="lax")
        return response


def fresh() -> str:
    """A number to be used once (128 bits)."""
    return secrets.token_urlsafe(16)
