"""Catch-up: hands over what the vendor lists and its webhook or poller did not bring (edge-cases, section 4, 1).

A short look often and a long one nightly. The cursor is the instant at which the last complete look *began*; it moves
only when every page of a look is on Kafka, so whatever stops us in between, the next look reads the same pages again.
What comes twice keeps its key, and a key is one ticket.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from pipeline.channel import Channel, Cursors, History, Intake, Raw
from pipeline.clock import JAKARTA, Clock
from pipeline.metrics import CAUGHT_UP

log = structlog.get_logger(__name__)

CURSOR: Final = "catchup"
NIGHT_CURSOR: Final = "catchup-night"
"""Names of the two positions in ``Cursors``, where pollers have an account; their values are RFC 3339 instants."""
NIGHT_HOURS: Final = (2, 4)
"""Between these hours in Jakarta the long look begins; each process and channel at its own moment."""
FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 300.0
"""Seconds of back-off. An expired token waits like everything else: five minutes after it was renewed, we catch up."""
LONGEST_ASKED: Final = 86_400.0
"""Seconds that a vendor may ask us to wait: its longest window is a day, and a garbled header must not stop us."""
CHECK_SECONDS: Final = 300.0
"""Pause of a channel that has only the nightly look."""
REMEMBERED: Final = 100_000
OFF_LOOP_BYTES: Final = 64 * 1024


class Memory:
    """Keys handed over lately, as digests; bounded, the oldest go first. Lost on restart: then pages come twice."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size = size
        self._keys: OrderedDict[bytes, None] = OrderedDict()

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._keys)

    def knows(self, keys: list[str]) -> bool:
        """Whether none of ``keys`` is new; true of no keys at all."""
        return all(_digest(key) in self._keys for key in keys)

    def add(self, keys: list[str]) -> None:
        """Remembers them as the newest."""
        for key in map(_digest, keys):
            self._keys[key] = None
            self._keys.move_to_end(key)
        while len(self._keys) > self._size:
            self._keys.popitem(last=False)


class CatchUp:
    """The looks of one channel. ``spread`` gives numbers from 0 to 1 for jitter."""

    def __init__(
        self,
        channel: Channel,
        history: History,
        intake: Intake,
        cursors: Cursors,
        clock: Clock,
        *,
        memory: Memory | None = None,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._channel = channel
        self._history = history
        self._intake = intake
        self._cursors = cursors
        self._clock = clock
        self._memory = memory or Memory()
        self._sleep = sleep
        self._spread = spread
        self._night_offset = timedelta(hours=(NIGHT_HOURS[1] - NIGHT_HOURS[0]) * spread())
        self._failures = 0

    async def run(self) -> None:
        """Until it is cancelled; no error ends it, because whoever waits for the vendor must still be here then."""
        name = self._channel.name
        while True:
            try:
                await self.round()
            except Exception as error:
                delay = self._delay(error)
                self._failures += 1
                log.warning(
                    "catchup.waiting", channel=name, error=type(error).__name__, attempt=self._failures,
                    seconds=round(delay), hint="nothing is lost: the cursor stays until every page is in",
                    exc_info=error,
                )  # fmt: skip
            else:
                if self._failures:
                    log.warning("catchup.resumed", channel=name, attempt=self._failures)
                self._failures = 0
                every = self._history.every
                delay = (every.total_seconds() if every else CHECK_SECONDS) * (1 + 0.1 * self._spread())
            await self._sleep(delay)

    async def round(self) -> int:
        """The look that is due now, if one is; returns the pages handed over.

        Raises what the vendor or the intake raised; both cursors then stand where they stood.
        """
        began = self._clock.now()
        last = await self._instant(CURSOR, began)
        night = await self._instant(NIGHT_CURSOR, began)
        tonight = self._tonight(began)
        long = last is None or night is None or (night < tonight and began >= tonight + self._night_offset)
        if not long and self._history.every is None:
            return 0
        since = last - self._history.overlap if last else began - self._history.nightly
        if long:
            since = min(since, began - self._history.nightly)
        count = await self._look(since)
        await self._cursors.set(self._channel.name, CURSOR, began.isoformat())
        if long:
            await self._cursors.set(self._channel.name, NIGHT_CURSOR, began.isoformat())
        CAUGHT_UP.labels(self._channel.name).set(began.timestamp())
        return count

    async def _look(self, since: datetime) -> int:
        count = 0
        async for page in self._history.pages(since):
            keys = await keys_of(self._channel, page)
            if self._memory.knows(keys):
                continue
            await self._intake.accept(page)
            self._memory.add(keys)
            count += 1
        if count:
            log.info("catchup.handed-over", channel=self._channel.name, count=count)
        return count

    def _tonight(self, now: datetime) -> datetime:
        """When the night hours of the day of ``now`` begin. A look missed in them is made up for later that day."""
        local = now.astimezone(JAKARTA)
        return local.replace(hour=NIGHT_HOURS[0], minute=0, second=0, microsecond=0).astimezone(UTC)

    async def _instant(self, cursor: str, now: datetime) -> datetime | None:
        """A cursor, never later than ``now``: a clock that was ahead must not open a gap. None where none is usable."""
        text = await self._cursors.get(self._channel.name, cursor)
        if text is None:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            log.error("catchup.cursor-unreadable", channel=self._channel.name, field=cursor, hint="looking far back")
            return None
        return min(found, now)

    def _delay(self, error: Exception) -> float:
        """Seconds: what the vendor asked for, and a little more; else doubled at each failure, spread by a half."""
        asked: float | None = getattr(error, "retry_after", None)
        if asked is not None and math.isfinite(asked):
            return min(max(asked, 1.0), LONGEST_ASKED) + FIRST_PAUSE * self._spread()
        pause = min(FIRST_PAUSE * 2.0 ** min(self._failures, 10), LONGEST_PAUSE)
        return pause * (0.5 + 0.5 * self._spread())


async def keys_of(channel: Channel, page: Raw) -> list[str]:
    """Idempotency keys of everything in a page, in its order."""
    if len(page.body) < OFF_LOOP_BYTES:
        return [part.decoded.key for part in channel.decode(page)]
    return await asyncio.to_thread(lambda: [part.decoded.key for part in channel.decode(page)])


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


async def catch_up(channel: Channel, history: History, intake: Intake, cursors: Cursors, clock: Clock) -> None:
    """Runs the looks of a channel until cancelled, and closes its history."""
    try:
        await CatchUp(channel, history, intake, cursors, clock).run()
    finally:
        await history.close()
