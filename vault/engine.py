"""The database below the vault: SQLite or PostgreSQL, durable commits, and one error when it is away."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from pipeline.errors import Unavailable

from .errors import VaultError

log = structlog.get_logger(__name__)

WAIT: Final = 10.0
"""Seconds to wait for another writer, a pooled connection or a server before ``Unavailable``."""

PRAGMAS: Final = (
    "synchronous = FULL",
    "fullfsync = ON",
    "secure_delete = ON",
    "foreign_keys = ON",
    "cache_size = -16000",
    "wal_autocheckpoint = 4000",
)
"""Durability first (docs/decisions/0005-vault.md). Ids are random, so that a batch touches many pages: 16 MB of cache
and a checkpoint every 16 MB of log, instead of SQLite's 2 and 4, give 30 % more registrations a second."""

CHUNK: Final = 5_000
"""Values in one IN list: SQLite takes 32,766 variables in a statement, PostgreSQL 65,535."""

T = TypeVar("T")


class Database:
    """Connections and transactions. One per process; threads share it."""

    def __init__(self, engine: Engine, folder: Path | None) -> None:
        self._reader = engine
        self._writer = engine.execution_options(immediate=True)
        self._sqlite = folder is not None
        # SQLite's waiting is blind polling: threads of one process queue here first, so that each gets its turn.
        self._turn = threading.Lock()

    @classmethod
    def open(cls, url: str, data_dir: Path) -> Database:
        """Opens, without yet connecting to a server. Raises ``VaultError`` for an address that cannot be used."""
        if not url:
            path = data_dir / "vault.db"
            return cls(_sqlite(path), data_dir)
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise VaultError(
                "TANGGAP_DATABASE is no SQLAlchemy URL: use postgresql://user:password@host/name"
            ) from None
        if parsed.drivername in {"postgresql", "postgresql+psycopg"}:
            return cls(_postgres(parsed.set(drivername="postgresql+psycopg")), None)
        raise VaultError(
            f"TANGGAP_DATABASE names {parsed.drivername}: "
            "use postgresql://…, or leave it empty for SQLite in the data folder"
        )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises ``Unavailable``."""
        with _unavailable(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self, lock: str | None = None) -> Iterator[Connection]:
        """A transaction that is durable when the block ends. Raises ``Unavailable``, then nothing of it happened.

        ``lock`` names what must not run twice at a time in any process. SQLite has one writer anyway.
        """
        if self._sqlite and not self._turn.acquire(timeout=WAIT):
            raise Unavailable("the vault's database is busy")
        try:
            with _unavailable(), self._writer.begin() as connection:
                if lock is not None and not self._sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": lock})
                yield connection
        finally:
            if self._sqlite:
                self._turn.release()

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows ON CONFLICT."""
        return sqlite.insert(table) if self._sqlite else postgresql.insert(table)

    def forget_deleted(self) -> None:
        """Drops the write-ahead log, which still holds the pages as they were before an erasure.

        Deleted content is overwritten in the file itself (``secure_delete``). PostgreSQL's dead rows go with VACUUM.
        Does not fail: the erasure is committed, and a log that others are reading is overwritten soon anyway.
        """
        if not self._sqlite:
            return
        connection = self._reader.raw_connection()
        try:
            busy = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] != 0
        except sqlite3.OperationalError:
            busy = True
        finally:
            connection.close()
        if busy:
            log.warning("vault.wal.kept")

    def close(self) -> None:
        self._reader.dispose()

    def __repr__(self) -> str:
        return f"Database({'sqlite' if self._sqlite else 'postgresql'})"


def chunks(values: Iterable[T]) -> Iterator[Sequence[T]]:
    """``values`` without repetition, in portions that fit an IN list."""
    unique = list(dict.fromkeys(values))
    for start in range(0, len(unique), CHUNK):
        yield unique[start : start + CHUNK]


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, InternalError, PoolTimeout) as error:
        cause = type(getattr(error, "orig", None) or error).__name__
        raise Unavailable(f"the vault's database cannot be used now ({cause})") from error


def _sqlite(path: Path) -> Engine:
    # Created here, not by SQLite, for its mode; the -wal and -shm files copy it.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    engine = create_engine(
        f"sqlite:///{path}",
        hide_parameters=True,
        pool_timeout=WAIT,
        pool_use_lifo=True,
        connect_args={"timeout": WAIT, "isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        _enter_wal(cursor)
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE: a transaction that upgrades from reading to writing cannot wait for its turn, it fails.
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _enter_wal(cursor: Any) -> None:
    """Switching a new file to WAL needs it alone, and SQLite does not wait for that by itself."""
    deadline = time.monotonic() + WAIT
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _postgres(url: URL) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=WAIT,
        connect_args={"connect_timeout": int(WAIT), "tcp_user_timeout": int(WAIT * 1000)},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: ConnectionPoolEntry) -> None:
        # A number that was told to a citizen must not be forgotten by a crash of the server.
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('synchronous_commit')")
            if cursor.fetchone()[0] == "off":
                cursor.execute("SET synchronous_commit TO on")
        connection.commit()

    return engine
