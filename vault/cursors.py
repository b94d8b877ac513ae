"""Durable positions of pollers."""

from __future__ import annotations

from sqlalchemy import select

from pipeline.clock import Clock

from .engine import Database
from .schema import cursors


class CursorTable:
    """One position for each channel and entrance."""

    def __init__(self, database: Database, tenant: str, clock: Clock) -> None:
        self._database = database
        self._tenant = tenant
        self._clock = clock

    def get(self, channel: str, account: str) -> str | None:
        where = (cursors.c.tenant == self._tenant, cursors.c.channel == channel, cursors.c.account == account)
        with self._database.read() as connection:
            value: str | None = connection.scalar(select(cursors.c.value).where(*where))
        return value

    def set(self, channel: str, account: str, value: str) -> None:
        moved = {"value": value, "moved_at": self._clock.now()}
        row = {"tenant": self._tenant, "channel": channel, "account": account, **moved}
        statement = self._database.insert(cursors).values(row)
        with self._database.write() as connection:
            key = [cursors.c.tenant, cursors.c.channel, cursors.c.account]
            connection.execute(statement.on_conflict_do_update(index_elements=key, set_=moved))
