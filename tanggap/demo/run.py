"""The demo's course: send, wait for the ticket, wait until it can be read, print."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import httpx
from elasticsearch import AsyncElasticsearch
from rich.console import Console
from rich.table import Table

from ingestors.registry import CHANNELS
from pipeline.channel import Raw
from pipeline.clock import JAKARTA, SystemClock
from pipeline.errors import Unavailable
from pipeline.settings import CoreSettings
from portal.elastic import ElasticCases
from schemas.base import encode
from schemas.case import Case
from vault.store import Vault

from ..demo_people import ACCOUNTS
from . import messages
from .entrances import DemoError, Entrances

BURST = 50
WAIT_SECONDS = 90.0
NO_TICKET_SECONDS = 8.0
FLOOD_STORY = "WhatsApp: banjir"
PARKING = "Jalur sepeda di Jl. Gunawarman dipakai buat parkir mobil, tolong ditertibkan @DKIJakarta"
REMARK = "Kapan ya Pemprov Sultra bisa begini?"

__all__ = ["DemoError", "run"]


@dataclass(frozen=True)
class Sent:
    """One delivery: what it shows, the item's idempotency key, and whether a ticket should come of it."""

    story: str
    channel: str
    key: str
    ticket: bool = True
    ticket_id: str | None = None
    """Where the entrance itself named the ticket (the counter's slip)."""


@dataclass(frozen=True)
class Outcome:
    """Where a delivery ended."""

    sent: Sent
    case: Case | None
    address: str | None


class Demo:
    """One run."""

    def __init__(self, settings: CoreSettings, vault: Vault, entrances: Entrances, cases: ElasticCases) -> None:
        self._settings = settings
        self._vault = vault
        self._enter = entrances
        self._cases = cases

    async def stories(self) -> list[Sent]:
        """Everything but the burst, in order: the follow-up needs the first mail's ticket."""
        return [
            await self._x("X: parkir di jalur sepeda", "Siti Contoh", "siti_contoh", PARKING),
            await self._x("X: obrolan, bukan laporan", "Wa Ode Contoh", "waode_contoh", REMARK, ticket=False),
            *await self._whatsapp(),
            *await self._mails(),
            await self._counter(),
        ]

    async def burst(self) -> list[Sent]:
        """Fifty people report the same flood at once."""
        return list(await asyncio.gather(*(self._flood(number) for number in range(BURST))))

    async def outcome(self, sent: Sent) -> Outcome:
        """Waits for ticket and readable case. Raises ``DemoError`` naming the story that got stuck."""
        found = await self._ticket(sent)
        if found is None:
            if sent.ticket:
                raise DemoError(f"{sent.story}: no ticket after {WAIT_SECONDS:.0f} s: read .data/logs")
            return Outcome(sent, None, None)
        if not sent.ticket:
            raise DemoError(f"{sent.story}: became ticket {found[1]}, expected none")
        case = await self._case(found[0], sent)
        token = await asyncio.to_thread(self._vault.token, found[0], "pelapor")
        return Outcome(sent, case, f"{self._settings.base_url}/lacak/{token}")

    async def _ticket(self, sent: Sent) -> tuple[str, str] | None:
        deadline = asyncio.get_running_loop().time() + (WAIT_SECONDS if sent.ticket else NO_TICKET_SECONDS)
        if sent.ticket_id:
            ticket = await asyncio.to_thread(self._vault.ticket, sent.ticket_id)
            return (ticket.ticket_id, ticket.number) if ticket else None
        hashed = self._vault.hash_of(sent.key)
        while asyncio.get_running_loop().time() < deadline:
            try:
                known = await asyncio.to_thread(self._vault.lookup, [hashed])
            except Unavailable:
                known = None
            if known is not None and hashed in known.items:
                return known.items[hashed].ticket_id, known.items[hashed].number
            await asyncio.sleep(0.1)
        return None

    async def _case(self, ticket_id: str, sent: Sent) -> Case:
        """Complete means: routed or in review, with a running clock."""
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            try:
                case = await self._cases.get(ticket_id)
            except Unavailable:
                case = None
            if case is not None and case.due_at is not None and (case.unit or case.status == "tinjauan"):
                return case
            await asyncio.sleep(0.1)
        raise DemoError(f"{sent.story}: the case cannot be read after {WAIT_SECONDS:.0f} s: read .data/logs")

    async def _x(self, story: str, name: str, handle: str, words: str, *, ticket: bool = True) -> Sent:
        body = messages.x_mention(self._enter.x_settings, name, handle, words)
        await self._enter.x(body)
        return self._sent(story, "x", body, ticket=ticket)

    async def _whatsapp(self) -> list[Sent]:
        person = messages.Person("Budi Contoh")
        settings = self._enter.whatsapp_settings
        words = "Lampu jalan mati sudah 3 hari, gelap sekali, rawan. Nama saya Budi Contoh, hubungi " + person.phone
        bodies = [
            ("WhatsApp: lampu jalan mati", messages.whatsapp(settings, person, messages.text(words))),
            (
                "WhatsApp: lokasi menyusul, tiket sama",
                messages.whatsapp(settings, person, messages.location(-6.2349, 106.8497, "Jl. Tebet Barat Dalam")),
            ),
        ]
        sent: list[Sent] = []
        for story, body in bodies:
            await self._enter.whatsapp(body)
            sent.append(self._sent(story, "whatsapp", body))
        return sent

    async def _mails(self) -> list[Sent]:
        first = messages.with_photo(
            messages.mail(
                self._enter.email_settings,
                "Dewi Contoh",
                "dewi@surel.contoh.id",
                "Trotoar rusak di Jl. Wolter Monginsidi",
                "Selamat siang,\n\ntrotoar di Jl. Wolter Monginsidi depan halte berlubang, membahayakan pejalan kaki.\n"
                "Foto terlampir.\n\nDewi Contoh\n081100000321\n",
            )
        )
        again = messages.answer(first, "Menyusul laporan saya: tadi pagi ada lansia yang jatuh di lubang itu.\n")
        sent: list[Sent] = []
        for story, mail in (("Surel: trotoar rusak, dengan foto", first), ("Surel: susulan, tiket sama", again)):
            body = await self._enter.mail(mail)
            sent.append(self._sent(story, "email", body))
            await self._ticket(sent[-1])
        return sent

    async def _counter(self) -> Sent:
        desk = next(account for account in ACCOUNTS if account.role == "counter")
        fields = {
            "nama": "Slamet Contoh",
            "telepon": "081100000654",
            "uraian": "Tumpukan sampah di Jl. Jatinegara Timur tidak diangkut sejak minggu lalu, baunya menyengat.",
            "lokasi": "Jl. Jatinegara Timur, dekat pasar",
            "kelurahan": "Balimester",
        }
        path = await self._enter.counter(desk, fields)
        ticket_id = path.rsplit("/", 1)[1]
        return Sent("Loket Balai Kota: sampah menumpuk", "counter", "", ticket_id=ticket_id)

    async def _flood(self, number: int) -> Sent:
        person = messages.Person(f"Warga Contoh {number + 1}")
        body = messages.whatsapp(self._enter.whatsapp_settings, person, messages.flood(number))
        await self._enter.whatsapp(body)
        return self._sent(f"{FLOOD_STORY} {number + 1}", "whatsapp", body)

    def _sent(self, story: str, channel: str, body: bytes, *, ticket: bool = True) -> Sent:
        """The key is what the channel's own decoder makes of the bytes that were sent."""
        account = {
            "x": self._enter.x_settings.user_id,
            "whatsapp": self._enter.whatsapp_settings.phone_number_id,
            "email": self._enter.email_settings.address,
        }[channel]
        parts = list(CHANNELS[channel].decode(Raw(channel, account, body, "application/json", messages.now())))
        return Sent(story, channel, parts[0].decoded.key, ticket)


async def run(settings: CoreSettings, *, as_json: bool) -> None:
    """Sends everything and prints where each went. Raises ``DemoError``."""
    vault = await asyncio.to_thread(Vault.open, settings, SystemClock())
    search = AsyncElasticsearch(settings.elasticsearch, request_timeout=5)
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            entrances = Entrances(client, settings.base_url)
            demo = Demo(settings, vault, entrances, ElasticCases(search))
            sent = await demo.stories()
            sent += await demo.burst()
            outcomes = await asyncio.gather(*(demo.outcome(one) for one in sent))
        if as_json:
            print(encode(_facts(settings, entrances, outcomes)).decode())
        else:
            _print(outcomes)
    finally:
        await search.close()
        await asyncio.to_thread(vault.close)


def _facts(settings: CoreSettings, entrances: Entrances, outcomes: Iterable[Outcome]) -> dict[str, object]:
    """Every entrance, port, demo secret and demo login, and what became of the deliveries."""
    mail = entrances.email_settings
    return {
        "base_url": settings.base_url,
        "entrances": {
            "whatsapp": {
                "url": f"{settings.base_url}/webhooks/whatsapp",
                "app_secret": entrances.whatsapp_settings.app_secret.get_secret_value(),
                "verify_token": entrances.whatsapp_settings.verify_token.get_secret_value(),
                "phone_number_id": entrances.whatsapp_settings.phone_number_id,
            },
            "x": {
                "url": f"{settings.base_url}/webhooks/x",
                "consumer_secret": entrances.x_settings.consumer_secret.get_secret_value(),
                "user_id": entrances.x_settings.user_id,
            },
            "email": {"smtp": f"{mail.listen_host}:{mail.listen_port}", "address": mail.address},
            "counter": {"url": f"{settings.base_url}/loket"},
        },
        "kafka": settings.kafka,
        "elasticsearch": settings.elasticsearch,
        "logins": [
            {"username": one.username, "password": one.password, "role": one.role, "unit": one.unit} for one in ACCOUNTS
        ],
        "complaints": [_row(outcome) for outcome in outcomes],
    }


def _row(outcome: Outcome) -> dict[str, object]:
    case = outcome.case
    place = case.place if case else None
    return {
        "story": outcome.sent.story,
        "channel": outcome.sent.channel,
        "number": case.number if case else None,
        "ticket_id": case.id if case else None,
        "category": case.category.value if case and case.category else None,
        "place": place.kelurahan if place else None,
        "unit": case.unit_name if case else None,
        "status": case.status if case else "bukan laporan",
        "due_at": case.due_at if case else None,
        "tracking": outcome.address,
    }


def _print(outcomes: Iterable[Outcome]) -> None:
    table = Table(title="Laporan contoh", show_lines=False)
    for column in ("Laporan", "Nomor", "Kategori", "Tempat", "Instansi", "Tenggat"):
        table.add_column(column, overflow="fold")
    rows = [_row(outcome) for outcome in outcomes]
    burst = [row for row in rows if str(row["story"]).startswith(FLOOD_STORY)]
    for row in rows:
        if row in burst:
            continue
        due = row["due_at"]
        when = due.astimezone(JAKARTA).strftime("%d-%m %H:%M WIB") if isinstance(due, datetime) else "–"
        unit = row["unit"] or ("meja tinjauan" if row["number"] else "tidak dijadikan tiket")
        table.add_row(
            str(row["story"]), str(row["number"] or "–"), str(row["category"] or "–"), str(row["place"] or "–"),
            str(unit), when,
        )  # fmt: skip
    console = Console()
    console.print(table)
    if burst:
        units = ", ".join(sorted({str(row["unit"] or "meja tinjauan") for row in burst}))
        numbers = len({row["number"] for row in burst})
        console.print(f"Lonjakan: {len(burst)} laporan banjir menjadi {numbers} tiket → {units}")
    for row in rows:
        if row["tracking"]:
            console.print(f"{row['number']}  {row['tracking']}", soft_wrap=True, highlight=False)
