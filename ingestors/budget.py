"""A vendor's bill, capped by the calendar month: what a month may cost is asked for before it is spent.

The account stands in ``Cursors`` under ``(channel, "budget:<name>")`` as ``yyyy-mm units`` (UTC, as vendors bill), so
that a restart forgets nothing. Units are whole numbers of whatever the channel counts (X: tenths of a US cent).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

from pipeline.channel import Cursors
from pipeline.clock import Clock
from pipeline.errors import Backpressure, TransientError

_LOCKS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], asyncio.Lock]] = WeakKeyDictionary()
_VALUE = re.compile(r"([0-9]{4}-[0-9]{2}) ([0-9]{1,15})")
LONGEST_PAUSE = 3600.0
"""Seconds; whoever waits for a new month looks again this often, and says so each time."""


class BudgetSpent(Backpressure):
    """Nothing more may be spent this month; try again after ``retry_after`` seconds, at most an hour."""


@dataclass(frozen=True)
class Grant:
    """Units that may be spent, and are counted as spent until they are given back."""

    month: str
    units: int


class Budget:
    """One account of one channel. Every instance of this process with the same name shares it; two processes that
    spend from one account at the same instant may count one grant too few, so each account has one spending process."""

    def __init__(self, cursors: Cursors, clock: Clock, channel: str, name: str, limit: int) -> None:
        """``limit`` are the units of one month; 0 lets nothing be spent."""
        self._cursors = cursors
        self._clock = clock
        self._channel = channel
        self._key = f"budget:{name}"
        self.limit = limit

    async def take(self, most: int, least: int | None = None) -> Grant | None:
        """Up to ``most`` units, fewer when less is left; None when not even ``least`` (default: all) is.

        Counted durably before it returns: a crash counts too much, never too little. Raises ``TransientError``.
        """
        async with self._lock():
            month, used = await self._read()
            units = min(most, self.limit - used)
            if units <= 0 or units < (most if least is None else least):
                return None
            await self._write(month, used + units)
            return Grant(month, units)

    async def give_back(self, grant: Grant, units: int) -> None:
        """What was not spent of a grant; nothing happens once its month is over. Raises ``TransientError``."""
        if units <= 0:
            return
        async with self._lock():
            month, used = await self._read()
            if month == grant.month:
                await self._write(month, max(used - min(units, grant.units), 0))

    async def used(self) -> int:
        """Units of the month so far. Raises ``TransientError``."""
        return (await self._read())[1]

    def spent(self) -> BudgetSpent:
        """The error for whoever must wait for the next month."""
        now = self._clock.now().astimezone(UTC)
        month = (now.replace(day=28) + timedelta(days=4)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return BudgetSpent(min(max((month - now).total_seconds(), 1.0), LONGEST_PAUSE))

    def _lock(self) -> asyncio.Lock:
        locks = _LOCKS.setdefault(asyncio.get_running_loop(), {})
        return locks.setdefault((self._channel, self._key), asyncio.Lock())

    async def _read(self) -> tuple[str, int]:
        """Month and units. A clock that was set back opens no second budget: the later month stays."""
        month = _month(self._clock.now())
        value = await self._cursors.get(self._channel, self._key)
        if value is None:
            return month, 0
        found = _VALUE.fullmatch(value)
        if found is None:
            raise TransientError(f"the account {self._key} of {self._channel} is unreadable: delete that cursor")
        return (found[1], int(found[2])) if found[1] >= month else (month, 0)

    async def _write(self, month: str, used: int) -> None:
        await self._cursors.set(self._channel, self._key, f"{month} {used}")


def _month(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m")
