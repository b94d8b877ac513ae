"""Identities, each sealed under a data key of its person, which the master key wraps."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, insert, select, update

from pipeline.sealing import seal, unseal
from schemas.base import utc
from schemas.item import Author

from .engine import Database, chunks
from .keyring import Keyring
from .model import Registration
from .schema import persons


@dataclass(frozen=True, repr=False)
class Person:
    """A person's data key and who they are; None when nobody said yet."""

    secret: bytes
    identity: Author | None


class People:
    """The table of persons."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    def identity(self, pseudonym: str) -> Author | None:
        with self._database.read() as connection:
            person = self.load(connection, [pseudonym]).get(pseudonym)
        return person.identity if person else None

    def load(self, connection: Connection, pseudonyms: Iterable[str]) -> dict[str, Person]:
        """The persons of ``pseudonyms`` that exist."""
        found: dict[str, Person] = {}
        for portion in chunks(pseudonyms):
            rows = connection.execute(select(persons).where(persons.c.pseudonym.in_(portion)))
            found.update((row.pseudonym, self._open(row.pseudonym, row.wrapped, row.identity)) for row in rows)
        return found

    def remember(self, connection: Connection, batch: Iterable[Registration]) -> Mapping[str, bytes]:
        """Creates and completes the persons of ``batch``; their data keys by pseudonym."""
        meant = [r for r in batch if r.person is not None]
        known = self.load(connection, (r.person for r in meant if r.person is not None))
        now: dict[str, Person] = dict(known)
        seen: dict[str, datetime] = {}
        for registration in meant:
            pseudonym = str(registration.person)
            before = now.get(pseudonym) or Person(secrets.token_bytes(32), None)
            after = Person(before.secret, _merged(before.identity, registration.identity))
            if pseudonym not in now or after.identity != before.identity:
                seen[pseudonym] = utc(registration.received_at)
            now[pseudonym] = after
        self._write(connection, [(name, now[name], at) for name, at in seen.items()], known)
        return {pseudonym: person.secret for pseudonym, person in now.items()}

    def _write(
        self, connection: Connection, changed: list[tuple[str, Person, datetime]], known: Mapping[str, Person]
    ) -> None:
        new = [self._row(*each) for each in changed if each[0] not in known]
        if new:
            connection.execute(insert(persons), new)
        old = [{"who": each[0], **self._sealed(*each)} for each in changed if each[0] in known]
        if old:
            columns: dict[str, Any] = {"identity": bindparam("identity"), "seen_at": bindparam("seen_at")}
            connection.execute(update(persons).where(persons.c.pseudonym == bindparam("who")).values(columns), old)

    def _row(self, pseudonym: str, person: Person, at: datetime) -> dict[str, Any]:
        wrapped = self._keyring.seal(person.secret, f"person:{pseudonym}")
        return {"pseudonym": pseudonym, "wrapped": wrapped, **self._sealed(pseudonym, person, at)}

    def _sealed(self, pseudonym: str, person: Person, at: datetime) -> dict[str, Any]:
        identity = None
        if person.identity is not None:
            identity = seal(person.secret, msgspec.json.encode(person.identity), f"identity:{pseudonym}")
        return {"identity": identity, "seen_at": at}

    def _open(self, pseudonym: str, wrapped: bytes, identity: bytes | None) -> Person:
        secret = self._keyring.unseal(wrapped, f"person:{pseudonym}")
        if identity is None:
            return Person(secret, None)
        plain = unseal(secret, identity, f"identity:{pseudonym}")
        return Person(secret, msgspec.json.decode(plain, type=Author))


def _merged(old: Author | None, new: Author | None) -> Author | None:
    """The newer word counts; what it leaves out stays known (a delivery without the profile name, for example)."""
    if old is None or new is None:
        return new or old
    return Author(
        id=new.id,
        name=new.name or old.name,
        phone=new.phone or old.phone,
        email=new.email or old.email,
        handle=new.handle or old.handle,
    )
