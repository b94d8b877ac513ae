"""Files that messages point at, still to be fetched: they wait here, apart from the message's own dedupe."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, delete, func, select, update

from pipeline.clock import Clock

from .engine import Database
from .keyring import Keyring
from .model import MediaJob
from .schema import media_jobs


class MediaJobs:
    """One row a file. A claim moves ``due_at`` on by a lease, so that a job of a killed process comes again."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock

    def hold(self, jobs: Sequence[MediaJob]) -> int:
        now = self._clock.now()
        rows = [
            {
                "job_id": job.job_id,
                "item_key": job.item_key,
                "person": job.person,
                "channel": job.channel,
                "state": "waiting",
                "attempts": 0,
                "held_at": now,
                "deadline": job.deadline,
                "due_at": now,
                "payload": self._keyring.seal(job.payload, _context(job.job_id)),
            }
            for job in jobs
        ]
        new = 0
        if rows:
            with self._database.write() as connection:
                for row in rows:
                    insert = self._database.insert(media_jobs).values(row).on_conflict_do_nothing()
                    new += connection.scalar(insert.returning(media_jobs.c.job_id)) is not None
        return new

    def claim(self, limit: int, lease: timedelta) -> list[MediaJob]:
        now = self._clock.now()
        due = (media_jobs.c.state == "waiting", media_jobs.c.due_at <= now)
        wanted = select(media_jobs).where(*due).order_by(media_jobs.c.due_at).limit(limit)
        with self._database.read() as connection:
            found = connection.execute(wanted).all()
        if not found:
            return []
        mine = []
        with self._database.write() as connection:
            for row in found:
                taking = update(media_jobs).where(media_jobs.c.job_id == row.job_id, *due)
                if connection.execute(taking.values(due_at=now + lease)).rowcount == 1:
                    mine.append(row)
        return [
            MediaJob(
                job_id=row.job_id,
                item_key=row.item_key,
                person=row.person,
                channel=row.channel,
                deadline=row.deadline,
                payload=self._keyring.unseal(row.payload, _context(row.job_id)),
                held_at=row.held_at,
                attempts=row.attempts,
            )
            for row in mine
        ]

    def postpone(self, job_id: str, due_at: datetime, failed: bool) -> None:
        later = {"due_at": due_at, "attempts": media_jobs.c.attempts + int(failed)}
        with self._database.write() as connection:
            waiting = update(media_jobs).where(media_jobs.c.job_id == job_id, media_jobs.c.state == "waiting")
            connection.execute(waiting.values(later))

    def settle(self, job_id: str, state: Literal["kept", "failed"], reason: str | None) -> bool:
        ended = {"state": state, "reason": reason, "settled_at": self._clock.now(), "due_at": None, "payload": None}
        with self._database.write() as connection:
            return (
                connection.execute(update(media_jobs).where(media_jobs.c.job_id == job_id).values(ended)).rowcount == 1
            )

    def waiting(self) -> dict[str, int]:
        tried = (media_jobs.c.state == "waiting", media_jobs.c.attempts > 0)
        query = select(media_jobs.c.channel, func.count()).where(*tried).group_by(media_jobs.c.channel)
        with self._database.read() as connection:
            return {row.channel: row[1] for row in connection.execute(query)}


def forget(connection: Connection, person: str) -> None:
    """Erases a person's jobs in the caller's transaction."""
    connection.execute(delete(media_jobs).where(media_jobs.c.person == person))


def _context(job_id: str) -> str:
    return f"media-job:{job_id}"
