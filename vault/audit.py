"""The append-only record of who saw or did what (UU 27/2022 art. 31: all processing is recorded)."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from pipeline.clock import Clock

from .engine import Database
from .keyring import Keyring
from .model import AuditEntry
from .schema import audit


class Audit:
    """Lines are added and read, never changed: triggers in the database refuse it."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock

    def add(self, actor: str, action: str, subject: str, reason: str) -> None:
        with self._database.write() as connection:
            self.note(connection, actor, action, subject, reason)

    def note(self, connection: Connection, actor: str, action: str, subject: str, reason: str) -> None:
        """Adds a line in the caller's transaction: what it records happens with it or not at all."""
        if not (actor and action and subject and reason.strip()):
            raise ValueError("an audit line needs actor, action, subject and reason")
        sealed = self._keyring.seal(reason.encode(), f"audit:{subject}")
        row = {"at": self._clock.now(), "actor": actor, "action": action, "subject": subject, "reason": sealed}
        connection.execute(insert(audit), row)

    def trail(self, subject: str) -> list[AuditEntry]:
        with self._database.read() as connection:
            rows = connection.execute(select(audit).where(audit.c.subject == subject).order_by(audit.c.seq)).all()
        return [
            AuditEntry(
                row.at, row.actor, row.action, subject, self._keyring.unseal(row.reason, f"audit:{subject}").decode()
            )
            for row in rows
        ]
