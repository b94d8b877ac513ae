"""A citizen with a ticket in a real vault, and the surroundings of the outbox in memory."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from pipeline.channel import Outgoing
from pipeline.settings import CoreSettings
from responder.wording import LINK
from schemas.base import decode
from schemas.case import Fact
from schemas.events import Reply
from schemas.item import Author
from tests.pipeline import memory
from vault.model import Original, Registration
from vault.store import Vault

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
ACCOUNT = "100000000000001"


@dataclasses.dataclass
class HandClock:
    """A clock that the test moves."""

    time: datetime = NOON

    def now(self) -> datetime:
        return self.time

    def advance(self, **span: float) -> None:
        self.time += timedelta(**span)


def open_vault(folder: Path, clock: HandClock) -> Vault:
    settings = CoreSettings(
        data_dir=folder,
        master_key=SecretStr("a-master-key-of-the-tests-0123456789"),
        id_key=SecretStr("an-id-key-of-the-tests-0123456789"),
        _env_file=None,
    )
    return Vault.open(settings, clock)


def register(vault: Vault, name: str = "m1") -> str:
    """A ticket of an invented citizen; its id."""
    ticket_id = vault.ticket_id("whatsapp", ACCOUNT, name)
    vault.register(
        [
            Registration(
                item_key=vault.hash_of(name),
                ticket_id=ticket_id,
                kind="opened",
                channel="whatsapp",
                account=ACCOUNT,
                received_at=NOON,
                message=vault.hash_of("message", "whatsapp", ACCOUNT, name),
                person=vault.pseudonym("whatsapp", ACCOUNT, "ID.1"),
                identity=Author(id="ID.1", name="Siti Contoh", phone="+6281200000001"),
                original=Original(subject=None, text="Lampu mati"),
                external_id=name,
            )
        ]
    )
    return ticket_id


class Paper(memory.Paper):
    """Reads the answers out of what was written down."""

    @property
    def replies(self) -> list[Reply]:
        return [decode(record.value or b"", Reply) for record in self.records]


class Vendor:
    """A sender that fails as told, then sends."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.sent: list[Outgoing] = []

    async def send(self, message: Outgoing) -> str | None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(message)
        return f"wamid.ours-{len(self.sent)}"

    async def close(self) -> None:
        """Nothing to close."""


def reply(ticket_id: str, name: str = "r1", **changes: Any) -> Reply:
    fields: dict[str, Any] = {
        "id": name, "tenant": "jakarta", "at": NOON, "ticket_id": ticket_id, "number": "JK2611230001",
        "channel": "whatsapp", "account": ACCOUNT, "recipient": "p1", "template": "diterima", "state": "queued",
        "text": f"Terima kasih, pantau di {LINK}", "cause": "f1", "scope": "pelapor",
    }  # fmt: skip
    return Reply(**(fields | changes))


def fact(kind: Any = "received", **changes: Any) -> Fact:
    fields: dict[str, Any] = {
        "id": f"f-{kind}", "tenant": "jakarta", "at": NOON, "kind": kind, "ticket_id": "t1", "seq": 1, "cause": "c1",
        "number": "JK2611230001", "channel": "whatsapp", "status": "menunggu", "recorded_at": NOON,
        "account": ACCOUNT, "author": "p1",
    }  # fmt: skip
    return Fact(**(fields | changes))
