"""The demo's course: send, wait for the ticket, wait until it can be read, print."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import httpx
from elasticsearch import AsyncElasticsearch
from pydantic import SecretStr
from pydantic_settings import BaseSettings
from rich.console import Console
from rich.table import Table

from ingestors.email.settings import EmailSettings
from ingestors.registry import CHANNELS
from ingestors.vendor import Person, Photo, png, sent_now, vendor_of
from ingestors.whatsapp import vendor as whatsapp
from ingestors.whatsapp.settings import WhatsAppSettings
from pipeline.channel import Raw
from pipeline.clock import JAKARTA, SystemClock
from pipeline.errors import Unavailable
from pipeline.settings import DEMO_PREFIX, CoreSettings
from portal.elastic import ElasticCases
from schemas.base import encode
from schemas.case import Case
from vault.store import Vault

from ..demo_people import ACCOUNTS
from .entrances import DemoError, Entrances
from .files import Files
from .stories import STORIES, Story, flood

BURST = 50
WAIT_SECONDS = 90.0
NO_TICKET_SECONDS = 8.0
FLOOD_STORY = "WhatsApp: banjir"

__all__ = ["DemoError", "run"]


@dataclass(frozen=True)
class Sent:
    """One delivery: what it shows, the item's idempotency key, and whether a ticket should come of it."""

    story: str
    channel: str
    key: str
    ticket: bool = True
    photo: bool = False
    """Whether a photo came with it, to be fetched and kept."""
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

    def __init__(
        self, settings: CoreSettings, vault: Vault, entrances: Entrances, cases: ElasticCases, files: Files
    ) -> None:
        self._settings = settings
        self._vault = vault
        self._enter = entrances
        self._cases = cases
        self._files = files

    async def stories(self) -> list[Sent]:
        """Everything but the burst, in order: a follow-up needs the first message's ticket."""
        sent = [one for story in STORIES for one in await self._tell(story)]
        return [*sent, *await self._whatsapp(), await self._counter()]

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
        """Waits until it is complete. Raises ``DemoError``."""
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            try:
                case = await self._cases.get(ticket_id)
            except Unavailable:
                case = None
            if case is not None and _complete(case, sent):
                return case
            await asyncio.sleep(0.1)
        raise DemoError(f"{sent.story}: the case cannot be read after {WAIT_SECONDS:.0f} s: read .data/logs")

    async def _tell(self, story: Story) -> list[Sent]:
        person = Person(story.person)
        photo = self._files.add(story.channel, png(640, 480)) if story.photo else None
        first = self._compose(story.channel, person, story.words, photo=photo)
        title = f"{CHANNELS[story.channel].title}: {story.title}"
        sent = [await self._send(title, story.channel, first, ticket=story.ticket, photo=story.photo)]
        if story.then:
            await self._ticket(sent[0])
            again = self._compose(story.channel, person, story.then, after=first)
            sent.append(await self._send(f"{title}, susulan", story.channel, again))
        return sent

    def _compose(
        self, channel: str, person: Person, words: str, *, photo: Photo | None = None, after: bytes | None = None
    ) -> bytes:
        return vendor_of(channel).message(self._enter.settings[channel], person, words, photo=photo, after=after)

    async def _whatsapp(self) -> list[Sent]:
        """A place sent after the words joins their ticket."""
        settings, person = WhatsAppSettings(), Person("Budi Contoh")
        words = "Lampu jalan mati sudah 3 hari, gelap sekali, rawan. Nama saya Budi Contoh, hubungi " + person.phone
        place = whatsapp.location(-6.2349, 106.8497, "Jl. Tebet Barat Dalam")
        return [
            await self._send("WhatsApp: lampu jalan mati", "whatsapp", self._compose("whatsapp", person, words)),
            await self._send(
                "WhatsApp: lokasi menyusul, tiket sama", "whatsapp", whatsapp.delivery(settings, person, place)
            ),
        ]

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
        body = self._compose("whatsapp", Person(f"Warga Contoh {number + 1}"), flood(number))
        return await self._send(f"{FLOOD_STORY} {number + 1}", "whatsapp", body)

    async def _send(self, story: str, channel: str, body: bytes, *, ticket: bool = True, photo: bool = False) -> Sent:
        """Delivers; the key is what the channel's own decoder makes of the bytes that were sent."""
        await self._enter.deliver(channel, body)
        vendor = vendor_of(channel)
        raw = Raw(channel, vendor.account(self._enter.settings[channel]), body, vendor.content_type, sent_now())
        return Sent(story, channel, next(iter(CHANNELS[channel].decode(raw))).decoded.key, ticket, photo)


def _complete(case: Case, sent: Sent) -> bool:
    """Routed or in review, with a running clock, and with the photo that came with it."""
    routed = case.due_at is not None and bool(case.unit or case.status == "tinjauan")
    return routed and (not sent.photo or any(one.blob for one in case.attachments))


async def run(settings: CoreSettings, *, as_json: bool) -> None:
    """Sends everything and prints where each went. Raises ``DemoError``."""
    vault = await asyncio.to_thread(Vault.open, settings, SystemClock())
    search = AsyncElasticsearch(settings.elasticsearch, request_timeout=5)
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            entrances = Entrances(client, settings.base_url)
            files = Files(settings)
            with files.serving():
                demo = Demo(settings, vault, entrances, ElasticCases(search), files)
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
    mail = EmailSettings()
    doors: dict[str, dict[str, str]] = {
        "email": {"smtp": f"{mail.listen_host}:{mail.listen_port}", "address": mail.address},
        "counter": {"url": f"{settings.base_url}/loket"},
    }
    for name, channel in CHANNELS.items():
        if channel.webhook is not None:
            doors[name] = _door(settings, name, entrances.settings[name])
    return {
        "base_url": settings.base_url,
        "entrances": doors,
        "kafka": settings.kafka,
        "elasticsearch": settings.elasticsearch,
        "logins": [
            {"username": one.username, "password": one.password, "role": one.role, "unit": one.unit} for one in ACCOUNTS
        ],
        "complaints": [_row(outcome) for outcome in outcomes],
    }


def _door(core: CoreSettings, name: str, settings: BaseSettings) -> dict[str, str]:
    """Everything a script needs to deliver by a webhook; secrets under the names of their settings."""
    vendor = vendor_of(name)
    door = {"url": f"{core.base_url}/webhooks/{name}", "account": vendor.account(settings)}
    for field, value in settings:
        if isinstance(value, SecretStr) and value.get_secret_value().startswith(DEMO_PREFIX):
            door[field] = value.get_secret_value()
    return door


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
        "photos": sum(1 for one in case.attachments if one.blob) if case else 0,
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
