"""One-time record keys: made in bulk, committed before they are used, found again by id."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from pipeline.sealing import RecordKey

from .engine import Database, chunks
from .keyring import Keyring, random_id
from .schema import record_keys


class RecordKeys:
    """The table of record keys, each wrapped by the master key and bound to its id."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    def lease(self, count: int) -> list[RecordKey]:
        keys = [new_key() for _ in range(count)]
        with self._database.write() as connection:
            self.keep(connection, keys)
        return keys

    def keep(self, connection: Connection, keys: Iterable[RecordKey]) -> None:
        """Writes keys in the caller's transaction."""
        rows = [{"id": key.id, "wrapped": self._keyring.seal(key.secret, context(key.id))} for key in keys]
        if rows:
            connection.execute(insert(record_keys), rows)

    def give_back(self, ids: Collection[str]) -> None:
        with self._database.write() as connection:
            for portion in chunks(ids):
                connection.execute(delete(record_keys).where(record_keys.c.id.in_(portion)))

    def find(self, ids: Collection[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        with self._database.read() as connection:
            for portion in chunks(ids):
                rows = connection.execute(select(record_keys).where(record_keys.c.id.in_(portion)))
                found.update(self.unwrap(row.id, row.wrapped) for row in rows)
        return found

    def unwrap(self, key_id: str, wrapped: Any) -> tuple[str, bytes]:
        return key_id, self._keyring.unseal(wrapped, context(key_id))


def new_key() -> RecordKey:
    """A random 256-bit key under a random 128-bit id."""
    return RecordKey(random_id(), secrets.token_bytes(32))


def context(key_id: str) -> str:
    """Binds a wrapped key to its id, so that two rows cannot be swapped."""
    return f"record-key:{key_id}"
