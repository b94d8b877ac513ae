"""``/opd``: an agency's inbox, the desk's review queue, and the page of one ticket."""

from __future__ import annotations

import asyncio
from typing import get_args

from fastapi import APIRouter, Request, Response

from schemas.case import Actor, Case, Status
from vault.model import Account

from . import files, forms, views
from .actions import ACTIONS, order_of
from .cases import PAGE, InboxQuery, Pressure
from .deps import PortalDeps
from .errors import PageError
from .guard import INBOX, Guard, Visitor, check_token, fresh
from .orders import place
from .render import page, see_other

STATUSES = get_args(Status)
DEEPEST = 400
"""Pages; Elasticsearch refuses to look past 10,000 hits."""


class Agency:
    """The inbox and its tickets."""

    def __init__(self, deps: PortalDeps, guard: Guard) -> None:
        self._deps = deps
        self._guard = guard
        self._units = dict(deps.units)
        self._categories = dict(deps.categories)

    def add(self, router: APIRouter) -> None:
        """Adds the routes."""
        router.add_api_route("/opd", self.inbox, methods=["GET"])
        router.add_api_route("/opd/tiket/{ticket_id}", self.ticket, methods=["GET"])
        router.add_api_route("/opd/tiket/{ticket_id}/asli", self.original, methods=["POST"])
        router.add_api_route("/opd/tiket/{ticket_id}/{action}", self.act, methods=["POST"])

    async def inbox(self, request: Request) -> Response:
        """Tickets of the visitor's unit, the most urgent first; the desk starts with the review queue."""
        visitor = await self._guard.require(request, INBOX)
        query = self._query(request, visitor)
        now = self._deps.clock.now()
        found = await self._deps.cases.inbox(query, now)
        rows = [(case, views.badge(case, now), views.category_name(case, self._categories)) for case in found.cases]
        return page(
            request, "opd.html", rows=rows, found=found, query=query, pages=max(1, -(-found.total // PAGE)),
            statuses=STATUSES, nonce=fresh(), moved=request.query_params.get("pindah") == "1",
        )  # fmt: skip

    async def ticket(self, request: Request, ticket_id: str) -> Response:
        """One ticket with everything an officer needs to act."""
        visitor = await self._guard.require(request, INBOX)
        return await self._page(request, visitor, await self._case(visitor, ticket_id))

    async def act(self, request: Request, ticket_id: str, action: str) -> Response:
        """Asks casework for a change. Back to the ticket, or to the inbox when it went to another unit."""
        visitor = await self._guard.require(request, INBOX)
        form = await forms.read(request)
        check_token(form, self._guard.secret(request))
        case = await self._case(visitor, ticket_id)
        if action not in ACTIONS:
            raise PageError(404, "action")
        if action not in allowed(visitor, case):
            raise PageError(403, "action", "Tindakan ini tidak tersedia bagi akun Anda pada tahap tiket sekarang.")
        units = self._units | {candidate.code: candidate.name for candidate in case.candidates}
        order = order_of(action, form, units, self._deps.clock.now())
        if form.problems:
            return await self._page(request, visitor, case, form, 422)
        actor = Actor(
            role="desk" if visitor.account.role == "desk" else "officer",
            unit=visitor.account.unit,
            account=visitor.account.id,
        )
        command, after, fact = await place(self._deps, ticket_id, actor, order)
        from_queue = form.values.get("dari") == "antrean" and fact is not None and fact.kind != "refused"
        if from_queue or (after is not None and not sees(visitor, after)):
            return see_other("/opd?tahap=tinjauan&pindah=1" if from_queue else "/opd?pindah=1")
        return see_other(f"/opd/tiket/{ticket_id}?hasil={command}")

    async def original(self, request: Request, ticket_id: str) -> Response:
        """What the citizen wrote, unmasked: only by form, with a reason, and the vault keeps who, when and why."""
        visitor = await self._guard.require(request, INBOX)
        form = await forms.read(request)
        check_token(form, self._guard.secret(request))
        case = await self._case(visitor, ticket_id)
        if visitor.account.role == "operations":
            raise PageError(403, "role")
        reason = form.text("alasan", "Alasan", 300, least=10)
        if form.problems:
            return await self._page(request, visitor, case, form, 422)
        originals = await asyncio.to_thread(self._deps.vault.originals, ticket_id, visitor.account.id, reason)
        return page(request, "opd_asli.html", case=case, originals=originals, note=self._deps.unseal_note)

    async def _case(self, visitor: Visitor, ticket_id: str) -> Case:
        """The case. Raises ``PageError`` 404, the same for a ticket of another unit as for none."""
        case = await self._deps.cases.get(ticket_id) if views.ID.fullmatch(ticket_id) else None
        if case is None or not sees(visitor, case):
            raise PageError(404, "ticket")
        return case

    def _query(self, request: Request, visitor: Visitor) -> InboxQuery:
        """The filters of the address; what is not known there counts as not given."""
        given = request.query_params
        status = given.get("tahap", "tinjauan" if visitor.account.role == "desk" and not given else "")
        pressure: Pressure = "terlambat" if given.get("tenggat") == "terlambat" else ""
        if given.get("tenggat") == "berisiko":
            pressure = "berisiko"
        number = given.get("hal", "1")
        number = number if number.isascii() and number.isdigit() and len(number) < 5 else "1"
        return InboxQuery(
            unit=visitor.account.unit if visitor.account.role == "officer" else None,
            statuses=(status,) if status in STATUSES else (),
            pressure=pressure,
            page=min(max(int(number), 1), DEEPEST),
        )

    async def _page(
        self, request: Request, visitor: Visitor, case: Case, form: forms.Form | None = None, status: int = 200
    ) -> Response:
        now = self._deps.clock.now()
        shown = await self._files(visitor, case)
        return page(
            request,
            "opd_tiket.html",
            status,
            files.headers(self._deps) if shown else None,
            files=shown,
            case=case,
            badge=views.badge(case, now),
            clocks=[(clock, views.clock_line(clock, now)) for clock in case.clocks],
            lines=views.officer_lines(case),
            category=views.category_name(case, self._categories),
            unit=views.unit_of(case, "belum ditentukan"),
            notice=views.notice(case, request.query_params.get("hasil")),
            actions=[(name, ACTIONS[name]) for name in ACTIONS if name in allowed(visitor, case)],
            may_unseal=visitor.account.role != "operations",
            units=[(code, name) for code, name in self._deps.units if code != case.unit],
            note=self._deps.unseal_note,
            nonce=fresh(),
            form=form,
        )

    async def _files(self, visitor: Visitor, case: Case) -> list[files.Shown]:
        """What officers see of the citizen's files; that they saw it is kept, as for the original words."""
        if visitor.account.role == "operations" or not case.attachments:
            return []
        shown = files.shown(self._deps, case, officer=True)
        if any(one.picture or one.download for one in shown):
            await asyncio.to_thread(self._deps.vault.audit, visitor.account.id, "files.shown", case.id, "halaman tiket")
        return shown


def _actor(account: Account) -> Actor:
    return Actor(role="desk" if account.role == "desk" else "officer", unit=account.unit, account=account.id)


def sees(visitor: Visitor, case: Case) -> bool:
    """Officers see the tickets of their unit; desk and operations see all."""
    return visitor.account.role != "officer" or case.unit == visitor.account.unit


def allowed(visitor: Visitor, case: Case) -> frozenset[str]:
    """Actions the page offers. Operations only look; casework has the last word on all others."""
    role, own = visitor.account.role, case.unit == visitor.account.unit
    return frozenset(
        name
        for name, action in ACTIONS.items()
        if case.status in action.stages
        and ((role == "officer" and own and action.officer) or (role == "desk" and (own or action.desk_any)))
    )
