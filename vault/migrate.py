"""Brings the database to the newest revision, whoever comes first: one transaction, one process at a time."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from .engine import Database
from .errors import VaultError

FOLDER = Path(__file__).parent / "migrations"
_alembic = threading.Lock()
"""Alembic keeps its context in module globals."""


def migrate(database: Database) -> None:
    """Runs what is missing. Raises ``VaultError`` when a newer Tanggap made the database, ``Unavailable``."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    head = ScriptDirectory.from_config(config).get_current_head()
    with database.read() as connection:
        if _revision(connection) == head:
            return
    with _alembic, database.write("migrations") as connection:
        if _revision(connection) == head:
            return
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise VaultError(
                "the vault's database was made by a newer version: start that version or a later one"
            ) from error


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
