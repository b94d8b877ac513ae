"""Alembic revisions of the vault, run by ``vault.migrate`` when the vault is opened."""
