"""A normalizer of its own: the real vault and reader, keys, table and outbox in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from normalizer.joining import load_rules
from normalizer.reader import Reader
from normalizer.unify import UnifyStage
from pipeline import headers
from pipeline.sealing import RecordKey, seal
from pipeline.settings import CoreSettings
from pipeline.stage import Message
from schemas.base import Record, encode
from schemas.ids import derived_id
from schemas.item import Author, Decoded, Item, ItemEvent, Location, Outcome
from schemas.ticket import Sighting, TicketEvent
from schemas.topics import ITEMS, TICKETS, Topic
from vault.store import Vault

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
SITI = Author(id="ID.1", name="Siti Contoh", phone="+6281200000001")
BUDI = Author(id="ID.2", name="Budi Contoh", phone="+6281200000002")
COMPLAINT = "Lampu jalan di Jalan Gunawarman mati sudah tiga hari, mohon segera diperbaiki"
OTHER = "Sampah menumpuk di depan Pasar Santa, baunya sangat mengganggu, tolong diangkut"


@dataclasses.dataclass
class HandClock:
    """A clock that the test moves."""

    time: datetime = NOON

    def now(self) -> datetime:
        return self.time


def open_vault(folder: Path, clock: HandClock | None = None) -> Vault:
    settings = CoreSettings(
        data_dir=folder,
        master_key=SecretStr("a-master-key-of-the-tests-0123456789"),
        id_key=SecretStr("an-id-key-of-the-tests-0123456789"),
        _env_file=None,
    )
    return Vault.open(settings, clock or HandClock())


@cache
def reader() -> Reader:
    """One for all tests: it only reads."""
    return Reader.load()


class VaultKeys:
    """``pipeline.sealing.Keys`` over the vault, without a pool."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._fresh: Iterator[RecordKey] = iter(())

    def take(self) -> RecordKey:
        found = next(self._fresh, None)
        if found is None:
            self._fresh = iter(self._vault.lease_keys(50))
            found = next(self._fresh)
        return found

    async def find(self, ids: Collection[str]) -> Mapping[str, bytes]:
        return self._vault.find_keys(ids)


class Tray:
    """State and outbox of a batch."""

    def __init__(self, rows: dict[str, bytes]) -> None:
        self.rows = rows
        self.sent: list[tuple[Topic, str, Record]] = []
        self.sealed: list[tuple[Topic, str, bytes, Mapping[str, str]]] = []
        self.buried: list[tuple[int, str]] = []

    def get(self, key: str) -> bytes | None:
        return self.rows.get(key)

    def put(self, key: str, value: bytes) -> None:
        self.rows[key] = value

    def delete(self, key: str) -> None:
        self.rows.pop(key, None)

    def send(self, topic: Topic, key: str, record: Record) -> None:
        self.sent.append((topic, key, record))

    def send_sealed(self, topic: Topic, key: str, plain: bytes, extra: Mapping[str, str]) -> str:
        self.sealed.append((topic, key, plain, extra))
        return f"key-{len(self.sealed)}"

    def dead(self, message: Message, reason: str, detail: str = "") -> None:
        self.buried.append((message.offset, reason))

    @property
    def tickets(self) -> list[TicketEvent]:
        return [record for topic, _, record in self.sent if topic == TICKETS and isinstance(record, TicketEvent)]

    @property
    def sightings(self) -> list[Sighting]:
        return [record for _, _, record in self.sent if isinstance(record, Sighting)]


class Desk:
    """The unify stage and what it made so far."""

    def __init__(self, folder: Path) -> None:
        self.vault = open_vault(folder)
        self.keys = VaultKeys(self.vault)
        self.stage = UnifyStage(reader(), load_rules(), self.keys, self.vault)
        self.rows: dict[str, bytes] = {}
        self._offset = 0

    def message(self, decoded: Decoded, received: datetime) -> Message:
        """A record of ``crm.items``; every call seals anew, as a redelivery does."""
        raw, own = self.keys.take(), self.keys.take()
        event = ItemEvent(tenant="jakarta", decoded=decoded, received_at=received, raw_key=raw.id)
        assert decoded.item is not None
        author = self.vault.pseudonym("whatsapp", "1", decoded.item.author.id)
        self._offset += 1
        value = seal(own.secret, encode(event), ITEMS.name)
        return Message(ITEMS.name, 0, self._offset, author, value, {headers.KEY_ID: own.id})

    async def process(self, messages: Sequence[Message]) -> Tray:
        tray = Tray(self.rows)
        await self.stage.process(messages, tray, tray)
        return tray

    async def take(self, *many: Decoded, received: datetime | None = None) -> list[TicketEvent]:
        """All in one batch, each received when it was sent."""
        messages = []
        for one in many:
            assert one.item is not None
            messages.append(self.message(one, received or one.item.sent_at))
        return (await self.process(messages)).tickets


def said(
    name: str,
    text: str = COMPLAINT,
    *,
    author: Author = SITI,
    after: float = 0,
    outcome: Outcome = "complaint",
    channel: str = "whatsapp",
    **more: Any,
) -> Decoded:
    """A message ``after`` seconds past noon; its key follows from its name."""
    more.setdefault("location", Location())
    item = Item(
        channel=channel, account="1", external_id=name, author=author, text=text,
        sent_at=NOON + timedelta(seconds=after), **more,
    )  # fmt: skip
    reason = None if outcome == "complaint" else "test"
    return Decoded(outcome=outcome, key=f"{channel}:1:{derived_id(name)}", reason=reason, item=item)
