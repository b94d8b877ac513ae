"""Files too big for the bus, one sealed file each under a random name (DESIGN, "Where state lives")."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import structlog
from sqlalchemy import select

from pipeline.clock import Clock
from pipeline.errors import InvalidItem, Unavailable
from pipeline.sealing import seal, unseal

from .engine import Database
from .keyring import Keyring
from .keys import RecordKeys, new_key
from .schema import blobs, person_keys, record_keys

log = structlog.get_logger(__name__)


class Blobs:
    """A blob's name is the id of its record key: linking that key to a person makes the blob erasable with them."""

    def __init__(self, database: Database, keyring: Keyring, keys: RecordKeys, folder: Path, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._keys = keys
        self._folder = folder
        self._clock = clock

    def put(self, plain: bytes, idempotency: str, person: str | None, media_type: str) -> str:
        once = self._keyring.hash_of("blob", idempotency)
        existing = self._named(once)
        if existing is not None:
            return existing
        key = new_key()
        # The file comes first: a row promises that its file is there. A crash between leaves bytes nobody can open.
        self._write(key.id, seal(key.secret, plain, _context(key.id)))
        row = {"name": key.id, "idempotency": once, "media_type": media_type, "created_at": self._clock.now()}
        with self._database.write() as connection:
            insert = self._database.insert(blobs).values(row).on_conflict_do_nothing().returning(blobs.c.name)
            won = connection.scalar(insert) is not None
            if won:
                self._keys.keep(connection, [key])
                if person is not None:
                    connection.execute(self._database.insert(person_keys).values(person=person, key_id=key.id))
        if won:
            return key.id
        self.discard([key.id])
        return self.put(plain, idempotency, person, media_type)

    def get(self, name: str) -> bytes | None:
        query = select(blobs.c.name, record_keys.c.wrapped).where(blobs.c.name == name)
        with self._database.read() as connection:
            row = connection.execute(query.join(record_keys, record_keys.c.id == blobs.c.name)).one_or_none()
        if row is None:
            return None
        try:
            sealed = self._path(row.name).read_bytes()
        except FileNotFoundError:
            if self._folder.is_dir():
                raise InvalidItem("blob_missing", name) from None
            raise Unavailable("the blob folder is missing: mount the data folder of this vault") from None
        except OSError as error:
            raise Unavailable(f"a blob cannot be read ({error.strerror}): check the data folder") from error
        return unseal(self._keys.unwrap(row.name, row.wrapped)[1], sealed, _context(row.name))

    def media_type(self, name: str) -> str | None:
        with self._database.read() as connection:
            value: str | None = connection.scalar(select(blobs.c.media_type).where(blobs.c.name == name))
        return value

    def discard(self, names: Iterable[str]) -> None:
        """Removes files whose keys are gone. One that stays behind is noise without its key."""
        for name in names:
            try:
                self._path(name).unlink(missing_ok=True)
            except OSError as error:
                log.warning("vault.blob.left", blob=name, error=type(error).__name__)

    def _named(self, once: str) -> str | None:
        with self._database.read() as connection:
            name: str | None = connection.scalar(select(blobs.c.name).where(blobs.c.idempotency == once))
        return name

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name

    def _write(self, name: str, sealed: bytes) -> None:
        path = self._path(name)
        part = path.with_suffix(".part")
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            for folder in (path.parent, self._folder):
                _sync_folder(folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise Unavailable(
                f"a blob cannot be written ({error.strerror}): check space and rights of the data folder"
            ) from error


def _sync_folder(folder: Path) -> None:
    """Makes the names in ``folder`` survive power loss."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _context(name: str) -> str:
    return f"blob:{name}"
