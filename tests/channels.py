"""What stands around a channel, for its tests: an intake and cursors in memory, a clock that stands still."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from pipeline.channel import Raw
from pipeline.errors import Unavailable

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
"""Monday noon in Jakarta."""


@dataclass
class FixedClock:
    """Implements ``pipeline.clock.Clock``."""

    time: datetime = NOON

    def now(self) -> datetime:
        return self.time


@dataclass
class MemoryIntake:
    """Implements ``pipeline.channel.Intake``: keeps what was accepted, or is away."""

    away: bool = False
    raws: list[Raw] = field(default_factory=list)
    buried: list[tuple[Raw, str]] = field(default_factory=list)

    async def accept(self, raw: Raw) -> None:
        if self.away:
            raise Unavailable("Kafka is away")
        self.raws.append(raw)

    async def dead(self, raw: Raw, reason: str) -> None:
        if self.away:
            raise Unavailable("Kafka is away")
        self.buried.append((raw, reason))


@dataclass
class MemoryCursors:
    """Implements ``pipeline.channel.Cursors``."""

    values: dict[tuple[str, str], str] = field(default_factory=dict)

    async def get(self, channel: str, account: str) -> str | None:
        return self.values.get((channel, account))

    async def set(self, channel: str, account: str, value: str) -> None:
        self.values[channel, account] = value
