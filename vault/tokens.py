"""Tracking tokens: derived from the id key when they are needed, stored as hashes only (DESIGN, promise 6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from .engine import Database, chunks
from .errors import UnknownTicket
from .keyring import Keyring, token_hash
from .model import Scope
from .schema import tickets, tokens

SCOPES: Final[tuple[Scope, ...]] = ("lihat", "pelapor")


class Tokens:
    """The table of token hashes, and the versions that rotate them."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    def derive(self, ticket_ids: Iterable[str], scope: Scope) -> dict[str, str]:
        found: dict[str, str] = {}
        with self._database.read() as connection:
            for portion in chunks(ticket_ids):
                query = select(tickets.c.ticket_id, tickets.c.token_version).where(
                    tickets.c.ticket_id.in_(portion), tickets.c.tenant == self._keyring.tenant
                )
                for row in connection.execute(query):
                    found[row.ticket_id] = self._keyring.token(row.ticket_id, scope, row.token_version)
        return found

    def keep(self, connection: Connection, ticket_ids: Iterable[str], version: int) -> None:
        """Writes the hashes of both scopes' tokens in the caller's transaction."""
        rows: list[dict[str, Any]] = [
            {"hash": token_hash(self._keyring.token(ticket_id, scope, version)), "ticket_id": ticket_id, "scope": scope}
            for ticket_id in ticket_ids
            for scope in SCOPES
        ]
        if rows:
            connection.execute(insert(tokens), rows)

    def resolve(self, token: str) -> tuple[str, Scope] | None:
        query = (
            select(tokens.c.ticket_id, tokens.c.scope)
            .join(tickets, tickets.c.ticket_id == tokens.c.ticket_id)
            .where(tokens.c.hash == token_hash(token), tickets.c.tenant == self._keyring.tenant)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return (row.ticket_id, row.scope) if row else None

    def rotate(self, ticket_id: str) -> None:
        with self._database.write(f"register/{self._keyring.tenant}") as connection:
            where = (tickets.c.ticket_id == ticket_id, tickets.c.tenant == self._keyring.tenant)
            version = connection.scalar(select(tickets.c.token_version).where(*where))
            if version is None:
                raise UnknownTicket(ticket_id)
            connection.execute(update(tickets).where(*where).values(token_version=version + 1))
            connection.execute(delete(tokens).where(tokens.c.ticket_id == ticket_id))
            self.keep(connection, [ticket_id], version + 1)
