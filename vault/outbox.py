"""The responder's memory of what it sent, so that a restart does not send twice."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import and_, or_, select, update

from pipeline.clock import Clock

from .engine import Database, chunks
from .keyring import Keyring
from .model import ReplyMemory
from .schema import messages, replies


class Outbox:
    """One row an answer. A claim is committed before the vendor is called."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock

    def claim(self, reply_id: str, retake_after: timedelta | None) -> bool:
        now = self._clock.now()
        claimed = {"state": "claimed", "claimed_at": now}
        first = self._database.insert(replies).values(reply_id=reply_id, attempts=1, **claimed)
        first = first.on_conflict_do_nothing()
        free = replies.c.state == "waiting"
        if retake_after is not None:
            free = or_(free, and_(replies.c.state == "claimed", replies.c.claimed_at <= now - retake_after))
        again = (
            update(replies)
            .where(replies.c.reply_id == reply_id, free)
            .values(**claimed, settled_at=None, attempts=replies.c.attempts + 1)
        )
        with self._database.write() as connection:
            new = connection.scalar(first.returning(replies.c.reply_id)) is not None
            return new or connection.execute(again).rowcount == 1

    def settle(
        self,
        reply_id: str,
        state: Literal["sent", "recorded", "failed"],
        provider_id: str | None,
        joins: tuple[str, str] | None,
    ) -> None:
        provider = self._keyring.hash_of("provider", provider_id) if provider_id is not None else None
        settled = {
            "state": state, "settled_at": self._clock.now(), "provider": provider, "due_at": None, "payload": None,
        }  # fmt: skip
        with self._database.write() as connection:
            done = connection.execute(update(replies).where(replies.c.reply_id == reply_id).values(settled)).rowcount
            if done != 1:
                raise ValueError(f"reply {reply_id} was never claimed")
            if joins is not None:
                row = {"hash": joins[0], "ticket_id": joins[1]}
                connection.execute(self._database.insert(messages).values(row).on_conflict_do_nothing())

    def record(self, reply_ids: Collection[str]) -> set[str]:
        now = self._clock.now()
        settled = {"state": "recorded", "settled_at": now}
        wanted = list(dict.fromkeys(reply_ids))
        rows = [{"reply_id": one, "attempts": 1, "claimed_at": now, **settled} for one in wanted]
        if not rows:
            return set()
        recorded: set[str] = set()
        with self._database.write() as connection:
            connection.execute(self._database.insert(replies).on_conflict_do_nothing(), rows)
            for portion in chunks(wanted):
                mine = replies.c.reply_id.in_(portion)
                unsent = update(replies).where(mine, replies.c.state.in_(("claimed", "waiting")))
                connection.execute(unsent.values(**settled, due_at=None, payload=None))
                found = connection.scalars(select(replies.c.reply_id).where(mine, replies.c.state == "recorded"))
                recorded.update(found)
        return recorded

    def hold(self, reply_id: str, payload: bytes, due_at: datetime) -> None:
        held = {"state": "waiting", "payload": payload, "due_at": due_at}
        statement = update(replies).where(replies.c.reply_id == reply_id).values(held)
        with self._database.write() as connection:
            if connection.execute(statement).rowcount != 1:
                raise ValueError(f"reply {reply_id} was never claimed")

    def due(self, now: datetime, limit: int) -> list[bytes]:
        wanted = (
            select(replies.c.payload)
            .where(replies.c.state == "waiting", replies.c.due_at <= now)
            .order_by(replies.c.due_at)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [bytes(row.payload) for row in connection.execute(wanted)]

    def state(self, reply_id: str) -> ReplyMemory | None:
        with self._database.read() as connection:
            row = connection.execute(select(replies).where(replies.c.reply_id == reply_id)).one_or_none()
        if row is None:
            return None
        return ReplyMemory(row.state, row.attempts, row.claimed_at, row.settled_at, row.provider)
