"""Runs revisions on the connection that ``vault.migrate`` hands over, inside its transaction and lock."""

from __future__ import annotations

from alembic import context

from vault.schema import metadata

# SQLite's DDL is transactional; Alembic assumes otherwise for the sake of old drivers.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
