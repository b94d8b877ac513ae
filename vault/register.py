"""The register: which message made or joined which ticket, under which number. Decided once (DESIGN, promise 6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from pipeline.sealing import RecordKey
from schemas.base import utc

from .engine import Database, chunks
from .erasure import Erasure
from .errors import ErasedPerson, UnknownTicket
from .keyring import Keyring
from .keys import RecordKeys, new_key
from .model import Known, Registered, Registration, Ticket
from .originals import seal_original, seal_reference
from .people import People
from .schema import items, messages, person_keys, tickets
from .ticket_numbers import allocate
from .tokens import Tokens

FIRST_VERSION = 1


class Register:
    """Every write runs under one lock a tenant: the counter of the day is a queue anyway, and reads stay true."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        *,
        keys: RecordKeys,
        people: People,
        tokens: Tokens,
        erasure: Erasure,
    ) -> None:
        self._database = database
        self._tenant = keyring.tenant
        self._keys = keys
        self._people = people
        self._tokens = tokens
        self._erasure = erasure

    def register(self, batch: Sequence[Registration]) -> dict[str, Registered]:
        first: dict[str, Registration] = {}
        for registration in batch:
            first.setdefault(registration.item_key, registration)
        if not first:
            return {}
        with self._database.write(f"register/{self._tenant}") as connection:
            known, erased = self._known(connection, first)
            new = [registration for key, registration in first.items() if key not in known]
            self._refuse_erased(connection, new)
            numbers = self._number(connection, new)
            self._store(connection, new, numbers)
            self._link(connection, batch)
            files = self._shred_redelivered(connection, [r for r in batch if r.item_key in erased])
        if erased:
            self._erasure.finish(files)
        fresh = {r.item_key: Registered(r.item_key, r.ticket_id, r.kind, numbers[r.ticket_id]) for r in new}
        return {key: known.get(key) or fresh[key] for key in first}

    def lookup(self, item_keys: Iterable[str], hashes: Iterable[str], numbers: Iterable[str]) -> Known:
        with self._database.read() as connection:
            known, _ = self._known(connection, item_keys)
            return Known(known, self._messages(connection, hashes), self._by_number(connection, numbers))

    def ticket(self, ticket_id: str) -> Ticket | None:
        return self._ticket(tickets.c.ticket_id == ticket_id)

    def ticket_by_number(self, number: str) -> Ticket | None:
        return self._ticket(tickets.c.number == number)

    def _ticket(self, where: Any) -> Ticket | None:
        with self._database.read() as connection:
            row = connection.execute(select(tickets).where(where, tickets.c.tenant == self._tenant)).one_or_none()
        if row is None:
            return None
        return Ticket(row.ticket_id, row.number, row.tenant, row.channel, row.account, row.received_at)

    def _known(self, connection: Connection, item_keys: Iterable[str]) -> tuple[dict[str, Registered], set[str]]:
        """Decisions taken before, and which of them belong to somebody erased since."""
        known: dict[str, Registered] = {}
        erased: set[str] = set()
        columns = (items.c.item_key, items.c.ticket_id, items.c.kind, items.c.erased_at, tickets.c.number)
        for portion in chunks(item_keys):
            query = select(*columns).join(tickets, tickets.c.ticket_id == items.c.ticket_id)
            for row in connection.execute(query.where(items.c.item_key.in_(portion))):
                known[row.item_key] = Registered(row.item_key, row.ticket_id, row.kind, row.number)
                if row.erased_at is not None:
                    erased.add(row.item_key)
        return known, erased

    def _refuse_erased(self, connection: Connection, new: Sequence[Registration]) -> None:
        erased = self._erasure.erased_at(connection, {r.person for r in new if r.person is not None})
        for registration in new:
            erased_at = erased.get(registration.person or "")
            if erased_at is not None and utc(registration.received_at) <= erased_at:
                raise ErasedPerson(str(registration.person))

    def _number(self, connection: Connection, new: Sequence[Registration]) -> dict[str, str]:
        """Opens the tickets that are not yet there; the numbers of all tickets of ``new``."""
        numbers: dict[str, str] = {}
        for portion in chunks(r.ticket_id for r in new):
            query = select(tickets.c.ticket_id, tickets.c.number).where(tickets.c.ticket_id.in_(portion))
            numbers.update((row.ticket_id, row.number) for row in connection.execute(query))
        opening: dict[str, Registration] = {}
        for registration in new:
            if registration.ticket_id in numbers or registration.ticket_id in opening:
                continue
            if registration.kind != "opened":
                raise UnknownTicket(registration.ticket_id)
            opening[registration.ticket_id] = registration
        allocated = allocate(self._database, connection, self._tenant, (r.received_at for r in opening.values()))
        numbers.update(zip(opening, allocated, strict=True))
        self._open(connection, opening.values(), numbers)
        return numbers

    def _open(self, connection: Connection, opening: Iterable[Registration], numbers: Mapping[str, str]) -> None:
        rows = [
            {
                "ticket_id": r.ticket_id,
                "tenant": self._tenant,
                "number": numbers[r.ticket_id],
                "channel": r.channel,
                "account": r.account,
                "received_at": r.received_at,
                "token_version": FIRST_VERSION,
            }
            for r in opening
        ]
        if rows:
            connection.execute(insert(tickets), rows)
            self._tokens.keep(connection, [str(row["ticket_id"]) for row in rows], FIRST_VERSION)

    def _store(self, connection: Connection, new: Sequence[Registration], numbers: Mapping[str, str]) -> None:
        if not new:
            return
        secrets = self._people.remember(connection, new)
        keys = {r.item_key: new_key() for r in new if r.original is not None}
        self._keys.keep(connection, keys.values())
        connection.execute(insert(items), [_row(r, keys.get(r.item_key), secrets) for r in new])
        heard = [
            {"hash": one, "ticket_id": r.ticket_id}
            for r in new
            for one in dict.fromkeys((r.message, r.root))
            if one is not None
        ]
        if heard:
            connection.execute(self._database.insert(messages).on_conflict_do_nothing(), heard)
        self._link_keys(connection, [(r.person, keys[r.item_key].id) for r in new if r.person and r.item_key in keys])

    def _link(self, connection: Connection, batch: Sequence[Registration]) -> None:
        """Also for what was known: a redelivery was sealed with keys of its own."""
        self._link_keys(connection, [(r.person, key_id) for r in batch if r.person for key_id in r.key_ids])

    def _link_keys(self, connection: Connection, links: Sequence[tuple[str, str]]) -> None:
        rows = [{"person": person, "key_id": key_id} for person, key_id in links]
        if rows:
            connection.execute(self._database.insert(person_keys).on_conflict_do_nothing(), rows)

    def _shred_redelivered(self, connection: Connection, again: Sequence[Registration]) -> list[str]:
        """What an erased person sent once comes again: the keys of the new copy go the way of the old ones."""
        files: list[str] = []
        for registration in again:
            if registration.person is not None:
                files += self._erasure.destroy_own(connection, registration.person, registration.key_ids)[1]
        return files

    def _messages(self, connection: Connection, hashes: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for portion in chunks(hashes):
            rows = connection.execute(select(messages).where(messages.c.hash.in_(portion)))
            found.update((row.hash, row.ticket_id) for row in rows)
        return found

    def _by_number(self, connection: Connection, numbers: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for portion in chunks(numbers):
            query = select(tickets.c.number, tickets.c.ticket_id).where(
                tickets.c.tenant == self._tenant, tickets.c.number.in_(portion)
            )
            found.update((row.number, row.ticket_id) for row in connection.execute(query))
        return found


def _row(registration: Registration, key: RecordKey | None, secrets: Mapping[str, bytes]) -> dict[str, Any]:
    original = registration.original
    person = registration.person
    return {
        "item_key": registration.item_key,
        "ticket_id": registration.ticket_id,
        "kind": registration.kind,
        "channel": registration.channel,
        "account": registration.account,
        "received_at": registration.received_at,
        "person": person,
        "reference": seal_reference(secrets[person], registration) if person is not None else None,
        "original_key": key.id if key else None,
        "original": seal_original(key, original) if key and original else None,
    }
