"""Points in time as whole microseconds since 1970 in UTC: what calendars and clocks compute with, exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
DAY = 86_400 * SECOND


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 of an aware ``moment``. Raises ``TypeError`` for a naive one."""
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def from_us(instant: int) -> datetime:
    """``instant`` in UTC. Raises ``OverflowError`` outside the years 1 to 9999."""
    return EPOCH + timedelta(microseconds=instant)
