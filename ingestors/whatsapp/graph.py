"""Calls to the Graph API, and what its errors mean.

Sources: Meta, "Graph API > Error Handling", "Cloud API > Error Codes", "Cloud API > Rate Limits"
(X-Business-Use-Case-Usage, X-App-Usage).
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import msgspec
from pydantic import SecretStr

from pipeline.errors import Backpressure, TransientError

from .payload import Id

TIMEOUT_SECONDS = 10.0
THROTTLED = frozenset({4, 80007, 130429, 131048, 131056, 131064})
OURS_TO_MEND = frozenset({0, 3, 10, 190, 368, 131005, 131031, 131042, *range(200, 300)})
"""Token, permissions, a locked account, an unpaid bill: what waits for the operator is kept."""
TEMPLATE_FAULTS = frozenset({132000, 132001, 132005, 132007, 132012, 132015, 132016})
"""The template is missing, paused, or has other parameters: ours to mend, too."""
AWAY = frozenset({1, 2, 131000, 131016, 131057, 133004})
PAUSE_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 3600.0


class _Error(msgspec.Struct):
    code: int = 0
    is_transient: bool = False


class _Failure(msgspec.Struct):
    error: _Error | None = None


class _App(msgspec.Struct):
    call_count: float = 0
    total_time: float = 0
    total_cputime: float = 0


class _Business(_App):
    estimated_time_to_regain_access: float = 0


class Named(msgspec.Struct):
    """Anything of which only the id matters."""

    id: Id | None = None


class Refused(Exception):
    """Meta will not do this, however often it is asked."""

    def __init__(self, status: int, code: int) -> None:
        super().__init__(f"Graph API answered {status}, code {code}")
        self.status = status
        self.code = code


class TokenRefused(TransientError):
    """The access token has expired or was withdrawn: everything waits until the operator has set a new one."""


class PairLimited(Backpressure):
    """Too many messages to one person (131056); Meta asks to try again after 4^X seconds, X from 0."""


class Graph:
    """A client with a bearer token; without one only for a development API on loopback.

    ``used`` is what Meta last said of our budget, in per cent.
    """

    def __init__(self, url: str, token: SecretStr | None, client: httpx.AsyncClient | None = None) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._client = client or httpx.AsyncClient(timeout=TIMEOUT_SECONDS)
        self.used: float | None = None

    @property
    def bearer(self) -> dict[str, str]:
        """The header that Meta's API and its files ask for."""
        return {"Authorization": f"Bearer {self._token.get_secret_value()}"} if self._token is not None else {}

    async def get(self, path: str, **query: str) -> bytes:
        """The body. Raises ``Refused``, ``TokenRefused``, ``Backpressure``, ``TransientError``."""
        return await self._call("GET", path, params=query)

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """As :meth:`get`, with a JSON body."""
        return await self._call("POST", path, content=msgspec.json.encode(body))

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def _call(self, method: str, path: str, **options: Any) -> bytes:
        headers = self.bearer | {"Content-Type": "application/json"}
        try:
            response = await self._client.request(
                method, f"{self._url}/{quote(path)}", headers=headers, follow_redirects=False, **options
            )
        except httpx.HTTPError as error:
            raise TransientError(f"Graph API could not be reached ({type(error).__name__})") from error
        self.used, regain = usage(response.headers)
        if not response.is_success:
            raise _fate(response, regain)
        return response.content


def usage(headers: Mapping[str, str]) -> tuple[float | None, float]:
    """Per cent of the tightest budget (None: not told), and seconds until calls are taken again (0: now)."""
    shares: list[float] = []
    seconds = 0.0
    try:
        if "x-app-usage" in headers:
            shares.append(_share(msgspec.json.decode(headers["x-app-usage"], type=_App)))
        if "x-business-use-case-usage" in headers:
            cases = msgspec.json.decode(headers["x-business-use-case-usage"], type=dict[str, list[_Business]])
            for one in (one for many in cases.values() for one in many):
                shares.append(_share(one))
                seconds = max(seconds, one.estimated_time_to_regain_access * 60)
    except (msgspec.DecodeError, RecursionError):
        pass
    return max(shares, default=None), seconds


def _share(budget: _App) -> float:
    return max(budget.call_count, budget.total_time, budget.total_cputime)


def _fate(response: httpx.Response, regain: float) -> Exception:
    """An error without Graph's own body comes from something in between, and says nothing of the message."""
    try:
        error = msgspec.json.decode(response.content, type=_Failure).error
    except (msgspec.DecodeError, RecursionError):
        error = None
    status = response.status_code
    code, again = (error.code, error.is_transient) if error else (-1, False)
    if status == httpx.codes.TOO_MANY_REQUESTS or code in THROTTLED:
        wait = _asked(response) or regain
        kind = PairLimited if code == 131056 and not wait else Backpressure
        pause = wait or PAUSE_SECONDS * random.uniform(1, 2)  # noqa: S311 - jitter
        return kind(min(max(pause, 1.0), LONGEST_PAUSE_SECONDS))
    if code == 190 or status == httpx.codes.UNAUTHORIZED:
        return TokenRefused(f"Graph API does not take the access token (code {code}): set a new one")
    if code in OURS_TO_MEND or status == httpx.codes.FORBIDDEN:
        return TransientError(f"Graph API answered code {code}: mend the token's permissions or the account")
    if code in TEMPLATE_FAULTS:
        return TransientError(f"Graph API answered code {code}: mend the template at Meta, or its name here")
    foreign = error is None and status != httpx.codes.NOT_FOUND
    if foreign or code in AWAY or again or response.is_server_error or response.is_redirect:
        return TransientError(f"Graph API answered {status}, code {code}")
    return Refused(status, code)


def _asked(response: httpx.Response) -> float:
    """Seconds of Retry-After; 0 where there is none or it is a date."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0.0


def loopback_host(url: str) -> str | None:
    """The host of ``url`` when it is this machine: a development API, whose files may come from it as well."""
    host = urlsplit(url).hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return host if local else None
