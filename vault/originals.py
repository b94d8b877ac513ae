"""What was sealed with a message: the original words, and the reference that an answer needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import func, select

from pipeline.sealing import RecordKey, seal, unseal

from .audit import Audit
from .engine import Database, chunks
from .keyring import Keyring
from .keys import RecordKeys
from .model import Contact, Original, Registration
from .people import People
from .schema import items, record_keys, tickets


@dataclass(frozen=True, repr=False)
class Reference:
    """The vendor's ids of a message. They name the citizen (a wamid holds the phone number)."""

    external_id: str | None
    thread: str | None
    subject: str | None


def seal_reference(secret: bytes, registration: Registration) -> bytes:
    """Under the person's data key: it goes when they go."""
    subject = registration.original.subject if registration.original else None
    reference = Reference(registration.external_id, registration.thread, subject)
    return seal(secret, msgspec.json.encode(reference), f"reference:{registration.item_key}")


def seal_original(key: RecordKey, original: Original) -> bytes:
    """Under a record key of its own."""
    return seal(key.secret, msgspec.json.encode(original), f"original:{key.id}")


class Originals:
    """Reads what the register sealed."""

    def __init__(self, database: Database, keyring: Keyring, keys: RecordKeys, people: People, audit: Audit) -> None:
        self._database = database
        self._tenant = keyring.tenant
        self._keys = keys
        self._people = people
        self._audit = audit

    def read(self, ticket_id: str, actor: str, reason: str) -> list[Original]:
        """The audit line and the reading are one transaction: what was not recorded was not shown."""
        query = (
            select(items.c.original, record_keys.c.id, record_keys.c.wrapped)
            .join(record_keys, record_keys.c.id == items.c.original_key)
            .join(tickets, tickets.c.ticket_id == items.c.ticket_id)
            .where(items.c.ticket_id == ticket_id, tickets.c.tenant == self._tenant)
            .order_by(items.c.received_at, items.c.seq)
        )
        with self._database.write() as connection:
            self._audit.note(connection, actor, "originals.read", ticket_id, reason)
            rows = connection.execute(query).all()
        return [self._open(row.id, row.wrapped, row.original) for row in rows]

    def contacts(self, ticket_ids: Sequence[str]) -> dict[str, Contact]:
        """Newest first by receipt; a withdrawal is nothing to answer to."""
        newest = func.row_number().over(
            partition_by=items.c.ticket_id, order_by=(items.c.received_at.desc(), items.c.seq.desc())
        )
        ranked = select(items, newest.label("rank")).where(items.c.reference.is_not(None), items.c.kind != "withdrawn")
        found: dict[str, Contact] = {}
        with self._database.read() as connection:
            for portion in chunks(ticket_ids):
                inbound = ranked.where(items.c.ticket_id.in_(portion)).subquery()
                mine = (inbound.c.rank == 1, tickets.c.tenant == self._tenant)
                query = select(inbound).join(tickets, tickets.c.ticket_id == inbound.c.ticket_id).where(*mine)
                rows = connection.execute(query).mappings().all()
                people = self._people.load(connection, (row["person"] for row in rows))
                for row in rows:
                    person = people[row["person"]]
                    if person.identity is not None:
                        found[row["ticket_id"]] = Contact(
                            identity=person.identity,
                            person=row["person"],
                            channel=row["channel"],
                            account=row["account"],
                            last_inbound_at=row["received_at"],
                            **_reference(person.secret, row["item_key"], row["reference"]),
                        )
        return found

    def _open(self, key_id: str, wrapped: bytes, original: bytes) -> Original:
        _, secret = self._keys.unwrap(key_id, wrapped)
        return msgspec.json.decode(unseal(secret, original, f"original:{key_id}"), type=Original)


def _reference(secret: bytes, item_key: str, sealed: bytes) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.json.decode(unseal(secret, sealed, f"reference:{item_key}"))
    return plain
