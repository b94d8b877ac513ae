"""Doubles of the frame that the channel's tests hand mail to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ingestors.email import EmailSettings
from pipeline.channel import Raw
from pipeline.errors import Unavailable


class MemoryIntake:
    """Keeps what it accepts. It is away while ``away``, and once when it holds ``away_at`` records."""

    def __init__(self) -> None:
        self.taken: list[Raw] = []
        self.refused: list[tuple[Raw, str]] = []
        self.away = False
        self.away_at = -1
        self.expected = 0
        self.complete = asyncio.Event()

    async def accept(self, raw: Raw) -> None:
        if self.away or len(self.taken) == self.away_at:
            self.away_at = -1
            raise Unavailable("broker away")
        self.taken.append(raw)
        if len(self.taken) == self.expected:
            self.complete.set()

    async def dead(self, raw: Raw, reason: str) -> None:
        self.refused.append((raw, reason))


class MemoryCursors:
    """Cursors by channel and account; ``value`` is the mailbox's."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], str] = {}

    @property
    def value(self) -> str:
        return self.values["email", "dki@jakarta.go.id"]

    async def get(self, channel: str, account: str) -> str | None:
        return self.values.get((channel, account))

    async def set(self, channel: str, account: str, value: str) -> None:
        self.values[channel, account] = value


def configured(**options: Any) -> EmailSettings:
    """Settings with ``options`` as a user would write them."""
    return EmailSettings(**options)


@pytest.fixture
def intake() -> MemoryIntake:
    return MemoryIntake()


@pytest.fixture
def cursors() -> MemoryCursors:
    return MemoryCursors()
