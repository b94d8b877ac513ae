"""The vault's first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Creates every table; triggers make the audit append-only."""
    _keys_and_people()
    _register()
    _accounts()
    _memory()
    _append_only_audit()


def _keys_and_people() -> None:
    op.create_table(
        "meta",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "record_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "persons",
        sa.Column("pseudonym", sa.Text, primary_key=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=False, comment="the person's data key"),
        sa.Column("identity", sa.LargeBinary, comment="Author, sealed under the data key"),
        sa.Column("seen_at", MOMENT, nullable=False),
    )
    op.create_table(
        "person_keys",
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("person", "key_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_person_keys_key_id", "person_keys", ["key_id"])
    op.create_table(
        "tombstones",
        sa.Column("person_hash", sa.Text, primary_key=True),
        sa.Column("erased_at", MOMENT, nullable=False),
    )
    op.create_table(
        "blobs",
        sa.Column("name", sa.Text, primary_key=True, comment="also the id of its record key"),
        sa.Column("idempotency", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.UniqueConstraint("idempotency", name="uq_blobs_idempotency"),
    )


def _register() -> None:
    op.create_table(
        "counters",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("day", sa.Text, nullable=False, comment="yyMMdd in Jakarta"),
        sa.Column("last", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "day"),
    )
    op.create_table(
        "tickets",
        sa.Column("ticket_id", sa.Text, primary_key=True),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("token_version", sa.Integer, nullable=False),
        sa.UniqueConstraint("tenant", "number", name="uq_tickets_tenant_number"),
    )
    op.create_table(
        "tokens",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("ticket_id", sa.Text, sa.ForeignKey("tickets.ticket_id"), nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_tokens_ticket_id", "tokens", ["ticket_id"])
    op.create_table(
        "items",
        sa.Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column("item_key", sa.Text, nullable=False),
        sa.Column("ticket_id", sa.Text, sa.ForeignKey("tickets.ticket_id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("person", sa.Text),
        sa.Column("reference", sa.LargeBinary, comment="what an answer needs, sealed under the person's data key"),
        sa.Column("original_key", sa.Text, comment="record key that seals the original"),
        sa.Column("original", sa.LargeBinary),
        sa.Column("erased_at", MOMENT),
        sa.UniqueConstraint("item_key", name="uq_items_item_key"),
    )
    op.create_index("ix_items_person", "items", ["person"])
    op.create_index("ix_items_ticket_id_received_at", "items", ["ticket_id", "received_at"])
    op.create_table(
        "messages",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("ticket_id", sa.Text, sa.ForeignKey("tickets.ticket_id"), nullable=False),
        sqlite_with_rowid=False,
    )


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text, primary_key=True, comment="keyed hash of the username"),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("profile", sa.LargeBinary, nullable=False, comment="username and name, sealed"),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("unit_name", sa.Text, nullable=False),
    )
    op.create_table(
        "login_attempts",
        sa.Column("account_id", sa.Text, primary_key=True, comment="of any name that was tried, known or not"),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
    )


def _memory() -> None:
    op.create_table(
        "cursors",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("moved_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "channel", "account"),
    )
    op.create_table(
        "replies",
        sa.Column("reply_id", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT),
        sa.Column("provider", sa.Text, comment="keyed hash of the vendor's message id"),
        sa.Column("due_at", MOMENT, index=True, comment="when a waiting answer is tried again"),
        sa.Column("payload", sa.LargeBinary, comment="the waiting answer, masked and without its link"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("reason", sa.LargeBinary, nullable=False, comment="sealed: officers write names into it"),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"])


def _append_only_audit() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{act.lower()} BEFORE {act} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )


def downgrade() -> None:
    """There is no way back from the first revision but a backup."""
    raise NotImplementedError("restore a backup instead")
