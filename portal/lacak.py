"""``/lacak/{token}``: one complaint for its citizen."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from schemas.case import Actor, Case
from vault.model import Scope, Ticket

from . import files, forms, views
from .deps import PortalDeps
from .errors import PageError
from .guard import check_token, form_token, fresh
from .orders import Order, place
from .render import page, see_other
from .throttle import Throttle, client_of

TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
MISSES_A_MINUTE = 20
LONGEST = 2000
"""Characters of an answer or a reason to reopen."""


@dataclass(frozen=True)
class Opened:
    """What a tracking address leads to. ``case`` is None until the index has it."""

    token: str
    scope: Scope
    ticket: Ticket
    case: Case | None


class Tracking:
    """The tracking pages."""

    def __init__(self, deps: PortalDeps) -> None:
        self._deps = deps
        self._throttle = Throttle(MISSES_A_MINUTE, deps.clock)
        self._categories = dict(deps.categories)

    def add(self, router: APIRouter) -> None:
        """Adds the routes."""
        router.add_api_route("/lacak", self.about, methods=["GET"])
        router.add_api_route("/lacak/{token}", self.show, methods=["GET"])
        router.add_api_route("/lacak/{token}/jawab", self.answer, methods=["POST"])
        router.add_api_route("/lacak/{token}/nilai", self.rate, methods=["POST"])
        router.add_api_route("/lacak/{token}/buka", self.reopen, methods=["POST"])

    async def about(self, request: Request) -> Response:
        """Explains where the tracking link is found."""
        return page(request, "lacak_tautan.html")

    async def show(self, request: Request, token: str) -> Response:
        """The complaint, as much of it as the token's scope shows."""
        opened = await self._open(request, token)
        if opened.case is None:
            return page(request, "lacak_tunggu.html", number=opened.ticket.number)
        return self._page(request, opened, opened.case)

    async def answer(self, request: Request, token: str) -> Response:
        """The citizen's answer to the agency's question."""
        opened, case, form = await self._form(request, token)
        text = form.text("jawaban", "Jawaban", LONGEST, least=2)
        return await self._send(request, opened, case, form, Order("answer", form.nonce("sekali"), _seen(form), text))

    async def rate(self, request: Request, token: str) -> Response:
        """One to five stars, with a remark if they like."""
        opened, case, form = await self._form(request, token)
        stars = form.number("bintang", "Penilaian", 1, 5)
        remark = form.text("ulasan", "Ulasan", LONGEST)
        order = Order("rate", form.nonce("sekali"), _seen(form), remark or None, rating=stars)
        return await self._send(request, opened, case, form, order)

    async def reopen(self, request: Request, token: str) -> Response:
        """Not solved after all."""
        opened, case, form = await self._form(request, token)
        text = form.text("alasan", "Alasan", LONGEST, least=5)
        return await self._send(request, opened, case, form, Order("reopen", form.nonce("sekali"), _seen(form), text))

    async def _open(self, request: Request, token: str) -> Opened:
        """What the token opens. An unknown, malformed or erased one: 404, and 429 after twenty misses a minute."""
        client = client_of(request)
        if seconds := self._throttle.wait(client):
            raise PageError(429, "too-many-misses", retry_after=seconds)
        found = await asyncio.to_thread(self._deps.vault.resolve, token) if TOKEN.fullmatch(token) else None
        ticket = await asyncio.to_thread(self._deps.vault.ticket, found[0]) if found else None
        if found is None or ticket is None:
            self._throttle.miss(client)
            raise PageError(404, "unknown-token")
        return Opened(token, found[1], ticket, await self._deps.cases.get(found[0]))

    async def _form(self, request: Request, token: str) -> tuple[Opened, Case, forms.Form]:
        """The posted form of a reporter. A ``lihat`` token may not post: 403."""
        opened = await self._open(request, token)
        form = await forms.read(request)
        if opened.scope != "pelapor":
            raise PageError(403, "scope", "Tautan ini hanya untuk melihat. Gunakan tautan yang kami kirim kepada Anda.")
        check_token(form, token)
        if opened.case is None:
            raise PageError(404, "not-yet")
        return opened, opened.case, form

    async def _send(self, request: Request, opened: Opened, case: Case, form: forms.Form, order: Order) -> Response:
        if form.problems:
            return self._page(request, opened, case, form, 422)
        command, _, _ = await place(self._deps, opened.ticket.ticket_id, Actor(role="citizen"), order)
        return see_other(f"/lacak/{opened.token}?hasil={command}")

    def _page(
        self, request: Request, opened: Opened, case: Case, form: forms.Form | None = None, status: int = 200
    ) -> Response:
        reporter = opened.scope == "pelapor"
        now = self._deps.clock.now()
        shown = files.shown(self._deps, case, officer=False) if reporter else []
        return page(
            request,
            "lacak.html",
            status,
            files.headers(self._deps) if shown else None,
            files=shown,
            case=case,
            token=opened.token,
            reporter=reporter,
            steps=views.steps(case),
            lines=views.citizen_lines(case, with_text=reporter),
            badge=views.badge(case, now),
            unit=views.unit_of(case, "Biro Pemerintahan"),
            category=views.category_name(case, self._categories),
            notice=views.notice(case, request.query_params.get("hasil")),
            form_token=form_token(opened.token) if reporter else None,
            nonce=fresh(),
            form=form,
        )


def _seen(form: forms.Form) -> int:
    return form.number("versi", "Versi", 1, 1_000_000)
