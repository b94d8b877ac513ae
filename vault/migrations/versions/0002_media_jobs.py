"""Files of messages that are still to be fetched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Creates ``media_jobs``."""
    op.create_table(
        "media_jobs",
        sa.Column("job_id", sa.Text, primary_key=True, comment="keyed hash of item key and reference"),
        sa.Column("item_key", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, comment="waiting, kept or failed"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("held_at", MOMENT, nullable=False),
        sa.Column("deadline", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, comment="when a waiting job is tried, or tried again"),
        sa.Column("settled_at", MOMENT),
        sa.Column("reason", sa.Text, comment="code, of a failed one"),
        sa.Column("payload", sa.LargeBinary, comment="the vendor's reference, sealed; gone once settled"),
    )
    op.create_index("ix_media_jobs_person", "media_jobs", ["person"])
    op.create_index("ix_media_jobs_due_at", "media_jobs", ["due_at"])


def downgrade() -> None:
    """What was still to be fetched is forgotten."""
    op.drop_table("media_jobs")
