"""The right to be forgotten (UU 27/2022 art. 42-45): a person's keys are destroyed, and what they sealed with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, Select, delete, select, update

from pipeline.clock import Clock
from schemas.base import utc

from .audit import Audit
from .blobs import Blobs
from .engine import Database, chunks
from .keyring import Keyring
from .media_jobs import forget
from .schema import blobs, items, person_keys, persons, record_keys, tombstones


class Erasure:
    """Destroys what belongs to a person, and remembers by a keyed hash that they are gone."""

    def __init__(self, database: Database, keyring: Keyring, files: Blobs, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._files = files
        self._audit = audit
        self._clock = clock

    def erase(self, pseudonym: str, actor: str, reason: str) -> int:
        now = self._clock.now()
        with self._database.write(f"register/{self._keyring.tenant}") as connection:
            linked = connection.scalars(select(person_keys.c.key_id).where(person_keys.c.person == pseudonym)).all()
            gone, files = self.destroy_own(connection, pseudonym, linked)
            forget(connection, pseudonym)
            connection.execute(delete(persons).where(persons.c.pseudonym == pseudonym))
            cleared = {"person": None, "reference": None, "original": None, "original_key": None, "erased_at": now}
            connection.execute(update(items).where(items.c.person == pseudonym).values(cleared))
            self._bury(connection, pseudonym, now)
            self._audit.note(connection, actor, "person.erased", pseudonym, reason)
        self.finish(files)
        return gone

    def shared(self, pseudonym: str) -> list[str]:
        mine = select(person_keys.c.key_id).where(person_keys.c.person == pseudonym)
        with self._database.read() as connection:
            return sorted(connection.scalars(_of_others(pseudonym, mine)))

    def destroy(self, key_ids: Collection[str], actor: str, reason: str) -> int:
        gone, files = 0, list[str]()
        with self._database.write(f"register/{self._keyring.tenant}") as connection:
            for portion in chunks(key_ids):
                for key_id in portion:
                    self._audit.note(connection, actor, "key.destroyed", key_id, reason)
                count, names = self._destroy(connection, portion)
                gone += count
                files += names
        self.finish(files)
        return gone

    def erased_at(self, connection: Connection, pseudonyms: Iterable[str]) -> dict[str, datetime]:
        """When those of ``pseudonyms`` that were erased were erased, the last time."""
        hashes = {self._keyring.hash_of("erased", pseudonym): pseudonym for pseudonym in pseudonyms}
        found: dict[str, datetime] = {}
        for portion in chunks(hashes):
            rows = connection.execute(select(tombstones).where(tombstones.c.person_hash.in_(portion)))
            found.update((hashes[row.person_hash], row.erased_at) for row in rows)
        return found

    def is_erased(self, pseudonym: str, at: datetime | None) -> bool:
        with self._database.read() as connection:
            erased_at = self.erased_at(connection, [pseudonym]).get(pseudonym)
        return erased_at is not None and (at is None or utc(at) <= erased_at)

    def destroy_own(self, connection: Connection, pseudonym: str, key_ids: Collection[str]) -> tuple[int, list[str]]:
        """Destroys those of ``key_ids`` that seal nobody else's words; their count, and the blob files to discard."""
        gone, files = 0, list[str]()
        for portion in chunks(key_ids):
            others = set(connection.scalars(_of_others(pseudonym, portion)))
            count, names = self._destroy(connection, [key_id for key_id in portion if key_id not in others])
            gone += count
            files += names
        return gone, files

    def finish(self, files: Collection[str]) -> None:
        """After the commit: removes what is left of the bytes."""
        self._files.discard(files)
        self._database.forget_deleted()

    def _destroy(self, connection: Connection, key_ids: Collection[str]) -> tuple[int, list[str]]:
        named = blobs.c.name.in_(key_ids)
        files = list(connection.scalars(select(blobs.c.name).where(named)))
        connection.execute(delete(blobs).where(named))
        connection.execute(delete(person_keys).where(person_keys.c.key_id.in_(key_ids)))
        return connection.execute(delete(record_keys).where(record_keys.c.id.in_(key_ids))).rowcount, files

    def _bury(self, connection: Connection, pseudonym: str, now: datetime) -> None:
        row = {"person_hash": self._keyring.hash_of("erased", pseudonym), "erased_at": now}
        statement = self._database.insert(tombstones).values(row)
        connection.execute(statement.on_conflict_do_update(index_elements=["person_hash"], set_={"erased_at": now}))


def _of_others(pseudonym: str, key_ids: Collection[str] | Select[str]) -> Select[str]:
    """Those of ``key_ids`` that somebody else is linked to as well."""
    others = person_keys.alias("others")
    return select(others.c.key_id).where(others.c.person != pseudonym, others.c.key_id.in_(key_ids)).distinct()
