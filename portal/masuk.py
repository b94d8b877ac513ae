"""Login and logout of officers, and the start page."""

from __future__ import annotations

import asyncio

import structlog
from fastapi import APIRouter, Request, Response

from pipeline.errors import Rejected

from . import forms
from .deps import PortalDeps
from .errors import PageError
from .guard import HOME, SESSION_SHAPE, Guard, check_token, form_token, fresh, local_target
from .render import page, see_other, static_file
from .throttle import Throttle, client_of

log = structlog.get_logger(__name__)

FAILURES_A_MINUTE = 10
SESSION = 12 * 3600
"""Seconds the cookie lives; the vault decides when the session itself ends."""


class Entrance:
    """Start page, login, logout, static files."""

    def __init__(self, deps: PortalDeps, guard: Guard) -> None:
        self._deps = deps
        self._guard = guard
        self._throttle = Throttle(FAILURES_A_MINUTE, deps.clock)

    def add(self, router: APIRouter) -> None:
        """Adds the routes."""
        router.add_api_route("/", self.start, methods=["GET"])
        router.add_api_route("/masuk", self.form, methods=["GET"])
        router.add_api_route("/masuk", self.enter, methods=["POST"])
        router.add_api_route("/keluar", self.leave, methods=["POST"])
        router.add_api_route("/static/{version}/{name}", self.static, methods=["GET"])
        router.add_api_route("/robots.txt", self.robots, methods=["GET"])

    async def start(self, request: Request) -> Response:
        """Where to go from here."""
        await self._guard.visitor(request)
        return page(request, "mulai.html")

    async def form(self, request: Request) -> Response:
        """The login form; who is logged in already goes on."""
        target = local_target(request.query_params.get("lanjut"))
        visitor = await self._guard.visitor(request)
        if visitor is not None:
            return see_other(target or HOME[visitor.account.role])
        return self._form(request, target)

    async def enter(self, request: Request) -> Response:
        """Checks name and password. The same answer whether the name or the password is wrong."""
        form = await forms.read(request)
        cookie = request.cookies.get(self._guard.login_cookie, "")
        check_token(form, cookie if SESSION_SHAPE.fullmatch(cookie) else None)
        target = local_target(form.values.get("lanjut"))
        client = client_of(request)
        if seconds := self._throttle.wait(client):
            raise PageError(429, "too-many-logins", retry_after=seconds)
        username, password = form.text("akun", "Nama akun", 100, least=1), form.values.get("sandi", "")
        account = None
        if not form.problems and 0 < len(password) <= 200:
            try:
                account = await asyncio.to_thread(self._deps.vault.login, username, password)
            except Rejected as error:
                raise PageError(error.status, error.reason) from error
        if account is None:
            self._throttle.miss(client)
            log.info("portal.login_refused")
            return self._form(request, target, "Nama akun atau kata sandi tidak cocok.", 422)
        session = await asyncio.to_thread(self._deps.vault.open_session, account)
        response = see_other(target or HOME[account.role])
        self._guard.clear(response, self._guard.login_cookie)
        return self._guard.set(response, self._guard.session_cookie, session, SESSION)

    async def leave(self, request: Request) -> Response:
        """Ends the session."""
        form = await forms.read(request)
        secret = self._guard.secret(request)
        check_token(form, secret)
        if secret:
            await asyncio.to_thread(self._deps.vault.close_session, secret)
        return self._guard.clear(see_other("/"), self._guard.session_cookie)

    async def static(self, request: Request, version: str, name: str) -> Response:
        """One of our own files; ``version`` only makes the address change with the content."""
        response = static_file(name)
        if response is None:
            raise PageError(404, "static")
        return response

    async def robots(self, request: Request) -> Response:
        """Nothing here is for search engines."""
        return Response("User-agent: *\nDisallow: /\n", media_type="text/plain; charset=utf-8")

    def _form(self, request: Request, target: str | None, problem: str | None = None, status: int = 200) -> Response:
        cookie = fresh()
        response = page(request, "masuk.html", status, form_token=form_token(cookie), target=target, problem=problem)
        return self._guard.set(response, self._guard.login_cookie, cookie, 3600)
