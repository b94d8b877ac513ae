"""What opening a vault takes: private folders, and the keys that it was made with."""

from __future__ import annotations

from pathlib import Path

import structlog
from sqlalchemy import select

from pipeline.sealing import Broken

from .engine import Database
from .errors import VaultError
from .keyring import Keyring
from .schema import meta

log = structlog.get_logger(__name__)


def private_folder(folder: Path) -> None:
    """Makes ``folder`` for its owner alone (0700)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        try:
            folder.chmod(0o700)
        except PermissionError:
            # A mounted volume may belong to root; its rights are then the operator's.
            log.warning("vault.folder.open", folder=str(folder))


def check_keys(database: Database, keyring: Keyring) -> None:
    """Raises ``VaultError`` unless both keys are those that the vault was made with.

    The first opening leaves a sealed and a keyed mark; later ones must be able to read both.
    """
    sealed, keyed = "master-key", f"id-key/{keyring.tenant}"
    marks = {sealed: keyring.seal(b"tanggap", sealed), keyed: keyring.hash_of("id-key").encode()}
    query = select(meta).where(meta.c.name.in_(marks))
    with database.read() as connection:
        found = {row.name: row.value for row in connection.execute(query)}
    if len(found) < len(marks):
        with database.write("meta") as connection:
            rows = [{"name": name, "value": value} for name, value in marks.items()]
            connection.execute(database.insert(meta).on_conflict_do_nothing(), rows)
            found = {row.name: row.value for row in connection.execute(query)}
    try:
        keyring.unseal(found[sealed], sealed)
    except Broken:
        raise VaultError(
            "TANGGAP_MASTER_KEY is not the key that this vault was made with: set that key, or use another database"
        ) from None
    if found[keyed] != marks[keyed]:
        raise VaultError(
            "TANGGAP_ID_KEY is not the key that this vault was made with: set that key, "
            "or every ticket id and tracking link would change"
        )
