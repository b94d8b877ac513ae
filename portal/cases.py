"""What pages ask of the search view, and the shapes that come back. ``portal.elastic`` answers from Elasticsearch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from schemas.case import Case

Pressure = Literal["", "terlambat", "berisiko"]
"""All tickets, only those past their due instant, or only those due within 24 hours."""

PAGE = 25
"""Tickets on one page of the inbox."""


@dataclass(frozen=True)
class InboxQuery:
    """Which tickets an inbox shows. ``unit`` None: of every unit. ``statuses`` empty: every open ticket."""

    unit: str | None = None
    statuses: tuple[str, ...] = ()
    pressure: Pressure = ""
    page: int = 1


@dataclass(frozen=True)
class Inbox:
    """One page of tickets, the most urgent first; ``counts`` are open tickets of the unit by status."""

    cases: tuple[Case, ...]
    total: int
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class UnitLoad:
    """Open and late tickets of one unit."""

    code: str
    name: str
    open: int
    late: int


@dataclass(frozen=True)
class Numbers:
    """The operations page. ``minutes`` holds 60 counts a channel, ``hours`` 24, oldest first, the running one last."""

    received_today: int
    open: int
    late: int
    at_risk: int
    review: int
    statuses: Mapping[str, int]
    units: tuple[UnitLoad, ...]
    minutes: Mapping[str, tuple[int, ...]]
    hours: Mapping[str, tuple[int, ...]]
    latest: tuple[Case, ...]


class CaseReader(Protocol):
    """Reads the search view. Every method raises ``pipeline.errors.Unavailable`` while it cannot be reached."""

    async def get(self, ticket_id: str) -> Case | None:
        """The newest indexed state of a ticket (a get by id sees it at once)."""

    async def inbox(self, query: InboxQuery, now: datetime) -> Inbox: ...

    async def numbers(self, now: datetime) -> Numbers: ...
