"""Human ticket numbers: ``JK`` + yyMMdd + four digits, more when a day needs them (CONTRACT, "Ticket numbers")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy import Connection, select

from pipeline.clock import JAKARTA
from schemas.base import utc

from .engine import Database
from .schema import counters


def day_of(received_at: datetime) -> str:
    """yyMMdd of the day in Jakarta. Raises ``ValueError`` for a naive time."""
    return utc(received_at).astimezone(JAKARTA).strftime("%y%m%d")


def format_number(day: str, serial: int) -> str:
    """``JK2611230001``; the serial grows past 9999, so numbers of one day are told apart by their length."""
    return f"JK{day}{serial:04d}"


def allocate(database: Database, connection: Connection, tenant: str, times: Iterable[datetime]) -> Iterator[str]:
    """One fresh number for each receipt time, in order, without gaps but those of a rolled-back transaction's retry.

    The caller holds the register's lock, so reading and writing the counters cannot interleave with another register.
    """
    days = [day_of(moment) for moment in times]
    wanted = Counter(days)
    query = select(counters.c.day, counters.c.last).where(counters.c.tenant == tenant, counters.c.day.in_(list(wanted)))
    last = dict.fromkeys(wanted, 0) | {row.day: row.last for row in connection.execute(query)}
    if wanted:
        statement = database.insert(counters)
        statement = statement.on_conflict_do_update(
            index_elements=[counters.c.tenant, counters.c.day], set_={"last": statement.excluded.last}
        )
        connection.execute(
            statement, [{"tenant": tenant, "day": day, "last": last[day] + count} for day, count in wanted.items()]
        )
    for day in days:
        last[day] += 1
        yield format_number(day, last[day])
