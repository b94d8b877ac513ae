"""The vault's tables. ``migrations`` builds them; a test keeps the two alike.

Columns hold ids, pseudonyms, keyed hashes and times in clear. Whatever names a person or quotes them is sealed.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from schemas.base import utc


class Moment(TypeDecorator[datetime]):
    """An instant in UTC: ``timestamptz`` on PostgreSQL, sortable UTC text on SQLite. Refuses naive datetimes."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


NAMES = {"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}
metadata = MetaData(naming_convention=NAMES)
Sequence = BigInteger().with_variant(Integer, "sqlite")
"""Grows with every row; SQLite fills only INTEGER primary keys by itself."""

meta = Table("meta", metadata, Column("name", Text, primary_key=True), Column("value", LargeBinary, nullable=False))

record_keys = Table(
    "record_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

persons = Table(
    "persons",
    metadata,
    Column("pseudonym", Text, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False, comment="the person's data key"),
    Column("identity", LargeBinary, comment="Author, sealed under the data key"),
    Column("seen_at", Moment, nullable=False),
)

person_keys = Table(
    "person_keys",
    metadata,
    Column("person", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    PrimaryKeyConstraint("person", "key_id"),
    Index(None, "key_id"),
    sqlite_with_rowid=False,
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("person_hash", Text, primary_key=True),
    Column("erased_at", Moment, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("day", Text, nullable=False, comment="yyMMdd in Jakarta"),
    Column("last", Integer, nullable=False),
    PrimaryKeyConstraint("tenant", "day"),
)

tickets = Table(
    "tickets",
    metadata,
    Column("ticket_id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("token_version", Integer, nullable=False),
    UniqueConstraint("tenant", "number"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("ticket_id", Text, ForeignKey("tickets.ticket_id"), nullable=False),
    Column("scope", Text, nullable=False),
    Index(None, "ticket_id"),
    sqlite_with_rowid=False,
)

items = Table(
    "items",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("item_key", Text, nullable=False, unique=True),
    Column("ticket_id", Text, ForeignKey("tickets.ticket_id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("person", Text, index=True),
    Column("reference", LargeBinary, comment="what an answer needs, sealed under the person's data key"),
    Column("original_key", Text, comment="record key that seals the original"),
    Column("original", LargeBinary),
    Column("erased_at", Moment),
    Index(None, "ticket_id", "received_at"),
)

messages = Table(
    "messages",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("ticket_id", Text, ForeignKey("tickets.ticket_id"), nullable=False),
    sqlite_with_rowid=False,
)

blobs = Table(
    "blobs",
    metadata,
    Column("name", Text, primary_key=True, comment="also the id of its record key"),
    Column("idempotency", Text, nullable=False, unique=True),
    Column("media_type", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True, comment="keyed hash of the username"),
    Column("tenant", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("profile", LargeBinary, nullable=False, comment="username and name, sealed"),
    Column("role", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("unit_name", Text, nullable=False),
)

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("account_id", Text, primary_key=True, comment="of any name that was tried, known or not"),
    Column("since", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("expires_at", Moment, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("moved_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant", "channel", "account"),
)

replies = Table(
    "replies",
    metadata,
    Column("reply_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claimed_at", Moment, nullable=False),
    Column("settled_at", Moment),
    Column("provider", Text, comment="keyed hash of the vendor's message id"),
    Column("due_at", Moment, index=True, comment="when a waiting answer is tried again"),
    Column("payload", LargeBinary, comment="the waiting answer, masked and without its link"),
)

media_jobs = Table(
    "media_jobs",
    metadata,
    Column("job_id", Text, primary_key=True, comment="keyed hash of item key and reference"),
    Column("item_key", Text, nullable=False),
    Column("person", Text, nullable=False, index=True),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False, comment="waiting, kept or failed"),
    Column("attempts", Integer, nullable=False),
    Column("held_at", Moment, nullable=False),
    Column("deadline", Moment, nullable=False),
    Column("due_at", Moment, index=True, comment="when a waiting job is tried, or tried again"),
    Column("settled_at", Moment),
    Column("reason", Text, comment="code, of a failed one"),
    Column("payload", LargeBinary, comment="the vendor's reference, sealed; gone once settled"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("reason", LargeBinary, nullable=False, comment="sealed: officers write names into it"),
)
