"""``/loket``: an officer types in what somebody at the counter says, and prints the slip."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from urllib.parse import urlencode

import segno
from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from pipeline.errors import Rejected
from schemas.ids import derived_id
from vault.model import Account

from . import forms, views, waktu
from .deps import PortalDeps
from .errors import PageError
from .guard import COUNTER, Guard, check_token, fresh
from .orders import until
from .render import page, see_other

VISITOR_FIELDS = ("nama", "telepon", "surel", "alamat", "diterima")
"""What stays in the form when the same person has another complaint."""
FIELDS = (*VISITOR_FIELDS, "perihal", "uraian", "kategori", "lokasi", "kelurahan")
LONGEST_KEY = 300
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class Counter:
    """The counter's pages."""

    def __init__(self, deps: PortalDeps, guard: Guard) -> None:
        self._deps = deps
        self._guard = guard
        self._categories = dict(deps.categories)

    def add(self, router: APIRouter) -> None:
        """Adds the routes."""
        router.add_api_route("/loket", self.form, methods=["GET"])
        router.add_api_route("/loket", self.submit, methods=["POST"])
        router.add_api_route("/loket/tunggu", self.waiting, methods=["GET"])
        router.add_api_route("/loket/slip/{ticket_id}", self.slip, methods=["GET"])

    async def form(self, request: Request) -> Response:
        """An empty form with a new form number."""
        await self._guard.require(request, COUNTER)
        return self._form(request, {})

    async def submit(self, request: Request) -> Response:
        """Takes a complaint; then the slip, or the next form for the same person."""
        visitor = await self._guard.require(request, COUNTER)
        form = await forms.read(request)
        check_token(form, self._guard.secret(request))
        nonce = form.nonce("sekali")
        record = self._record(form, nonce, visitor.account)
        if form.problems:
            kept = {name: form.values.get(name, "") for name in FIELDS}
            return self._form(request, kept, form.problems, nonce, 422)
        try:
            key = await self._deps.submit_counter(record)
        except Rejected as error:
            raise PageError(error.status, error.reason) from error
        found = await self._decided(key)
        if form.values.get("aksi") == "lagi":
            kept = {name: form.values.get(name, "") for name in VISITOR_FIELDS}
            return self._form(request, kept, saved=(key, *(found or (None, None))))
        if found is None:
            return see_other("/loket/tunggu?" + urlencode({"kunci": key}))
        return see_other(f"/loket/slip/{found[0]}")

    async def waiting(self, request: Request) -> Response:
        """Refreshes itself until the ticket is there."""
        await self._guard.require(request, COUNTER)
        key = request.query_params.get("kunci", "")
        if not 0 < len(key) <= LONGEST_KEY:
            raise PageError(404, "key")
        found = await self._deps.ticket_of_item(key)
        return see_other(f"/loket/slip/{found[0]}") if found else page(request, "loket_tunggu.html")

    async def slip(self, request: Request, ticket_id: str) -> Response:
        """The slip for the citizen, with the QR code of their own tracking address. Handing it out is logged."""
        visitor = await self._guard.require(request, COUNTER)
        ticket = await asyncio.to_thread(self._deps.vault.ticket, ticket_id) if views.ID.fullmatch(ticket_id) else None
        own_desk = visitor.account.role != "counter" or (ticket is not None and ticket.account == visitor.account.unit)
        if ticket is None or ticket.channel != "counter" or not own_desk:
            raise PageError(404, "slip")
        token = await asyncio.to_thread(self._deps.vault.token, ticket_id, "pelapor")
        await asyncio.to_thread(self._deps.vault.audit, visitor.account.id, "slip", ticket_id, "slip loket")
        case = await self._deps.cases.get(ticket_id)
        address = f"{self._deps.base_url.rstrip('/')}/lacak/{token}"
        return page(
            request, "loket_slip.html", ticket=ticket, case=case, address=address, qr=_qr(address),
            desk=visitor.account.unit_name, category=views.category_name(case, self._categories) if case else None,
        )  # fmt: skip

    def _record(self, form: forms.Form, nonce: str, account: Account) -> dict[str, str | None]:
        """The form as ``submit_counter`` takes it.

        ``form_id`` covers what was typed: sending a form twice makes one complaint, changing it after going back makes
        another instead of being lost as a duplicate.
        """
        now = self._deps.clock.now()
        received = form.moment("diterima", "Waktu diterima", now - forms.OLDEST, now)
        typed = [form.values.get(name, "").strip() for name in FIELDS]
        fields = {
            "name": form.text("nama", "Nama", 120, least=2),
            "phone": form.text("telepon", "Telepon", 32),
            "email": form.text("surel", "Surel", 254),
            "address": form.text("alamat", "Alamat", 300),
            "subject": form.text("perihal", "Perihal", 150),
            "text": form.text("uraian", "Uraian", 5000, least=5),
            "category": form.choice("kategori", "Kategori", self._categories, required=False),
            "location_text": form.text("lokasi", "Lokasi", 300),
            "kelurahan": form.text("kelurahan", "Kelurahan", 80),
        }
        if fields["phone"] and sum(c.isdigit() for c in fields["phone"]) < 6:
            form.problems.setdefault("telepon", "Telepon: tulis nomor lengkap, misalnya 0812 0000 0001.")
        if fields["email"] and not EMAIL.fullmatch(fields["email"]):
            form.problems.setdefault("surel", "Surel: tulis alamat lengkap, misalnya nama@contoh.id.")
        return {
            "form_id": derived_id("loket", nonce, *typed),
            "desk": account.unit,
            "officer": account.id,
            **{name: value or None for name, value in fields.items()},
            "received_at": (received or now).isoformat(),
        }

    async def _decided(self, key: str) -> tuple[str, str] | None:
        """Ticket id and number, as soon as the normalizer decided; None after ``deps.wait`` seconds."""
        return await until(lambda: self._deps.ticket_of_item(key), self._deps.wait)

    def _form(
        self,
        request: Request,
        values: dict[str, str],
        problems: dict[str, str] | None = None,
        nonce: str | None = None,
        status: int = 200,
        saved: tuple[str, str | None, str | None] | None = None,
    ) -> Response:
        now: datetime = self._deps.clock.now()
        return page(
            request, "loket.html", status, values=dict.fromkeys(FIELDS, "") | values, problems=problems or {},
            nonce=nonce or fresh(), categories=self._deps.categories, saved=saved, now=now,
            latest=waktu.to_field(now), earliest=waktu.to_field(now - forms.OLDEST),
        )  # fmt: skip


def _qr(address: str) -> Markup:
    """The address as inline SVG, error correction M: it survives a crumpled slip."""
    svg = segno.make(address, error="m", micro=False).svg_inline(border=2, omitsize=True, svgclass="qr", lineclass=None)
    return Markup(svg)  # noqa: S704 - made by segno from an address that we made
