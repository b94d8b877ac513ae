"""``tanggap sla replay``: lines of facts in, SLA events out, without broker or clock.

Input is NDJSON, in any order, duplicates allowed: whole ``schemas.case.Fact`` records, or the minimal shape

    {"ticket_id": "t1", "kind": "received", "at": "2026-11-23T01:00:00Z"}

with, where they matter, ``seq`` (order within one instant), ``unit`` (``KEL:31.74.07.1003``), ``until`` (of
``extended``), ``category``, ``channel``, and ``recorded_at`` or ``now``: when the monitor learned of it, ``at`` if
neither is there. A line ``{"now": "…"}`` lets time run on to that instant. Instants are RFC 3339 with a zone.

Facts take effect in the order in which they were learned, so one learned after the due instant but dated before it
gives ``breached`` and then ``retracted``, as it did live.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from schemas.base import Instant, Part
from schemas.case import FactKind
from schemas.events import SlaEvent
from schemas.ids import derived_id

from .calendar import CalendarGap
from .clocks import Happening
from .instants import to_us
from .journal import Journal
from .policy import KEPT_KINDS, KIND_ORDER, Policy

ANY_TENANT = "jakarta"


class Line(Part, frozen=True, kw_only=True):
    """One line of the input: a fact, or a point in time."""

    id: str | None = None
    tenant: str = ANY_TENANT
    ticket_id: str | None = None
    kind: FactKind | None = None
    at: Instant | None = None
    seq: int = 0
    unit: str | None = None
    until: Instant | None = None
    category: str | None = None
    channel: str | None = None
    recorded_at: Instant | None = None
    now: Instant | None = None


@dataclass
class _Ticket:
    line: int
    tenant: str
    channel: str | None
    facts: list[Happening] = field(default_factory=list)


_lines = msgspec.json.Decoder(Line)


def replay(lines: Iterable[bytes | str], policy: Policy, until: datetime | None = None) -> Iterator[dict[str, Any]]:
    """SLA events (``warned``, ``breached``, ``met``, ``retracted``) in event time, as JSON-ready objects.

    Time runs to ``until``, or else to the last instant that the input names; what was learned later is left out. A line
    that cannot be read gives ``{"error", "line"}`` at once, and the others go on; so does a ticket whose clock
    leaves its calendar, with the line of its first fact.
    """
    tickets: dict[str, _Ticket] = {}
    end = to_us(until) if until is not None else None
    last: int | None = None
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            moment = _read(_lines.decode(text), number, tickets)
        except (msgspec.DecodeError, UnicodeError, ValueError) as error:
            yield {"error": str(error), "line": number}
            continue
        last = moment if last is None else max(last, moment)
    events: list[SlaEvent] = []
    for ticket_id, ticket in tickets.items():
        try:
            events += _run(ticket_id, ticket, policy, end if end is not None else last or 0)
        except (CalendarGap, OverflowError) as error:
            yield {"error": str(error), "line": ticket.line, "ticket_id": ticket_id}
    for event in sorted(events, key=lambda event: (event.at, event.ticket_id)):
        yield {name: value for name, value in msgspec.to_builtins(event).items() if name != "tenant"}


def _read(line: Line, number: int, tickets: dict[str, _Ticket]) -> int:
    """Takes one line in; returns the instant up to which it lets time run."""
    if line.ticket_id is None and line.kind is None and line.now is not None:
        return to_us(line.now)
    if line.ticket_id is None or line.kind is None or line.at is None:
        raise ValueError('a fact needs "ticket_id", "kind" and "at"; a point in time needs "now"')
    learned = max(to_us(line.now or line.recorded_at or line.at), to_us(line.at))
    ticket = tickets.setdefault(line.ticket_id, _Ticket(number, line.tenant, line.channel))
    ticket.channel = ticket.channel or line.channel
    if line.kind in KEPT_KINDS:
        ticket.facts.append(
            Happening(
                id=line.id or _identity(line),
                kind=line.kind,
                at=to_us(line.at),
                seq=line.seq,
                recorded=learned,
                unit=line.unit,
                until=to_us(line.until) if line.until is not None else None,
                category=line.category,
            )
        )
    return learned


def _identity(line: Line) -> str:
    """The id of a line without one: two lines that say the same are the same fact."""
    said = (
        line.ticket_id,
        line.kind,
        line.at and to_us(line.at),
        line.seq,
        line.unit,
        line.until and to_us(line.until),
    )
    return derived_id(*(str(part) for part in said))


def _run(ticket_id: str, ticket: _Ticket, policy: Policy, end: int) -> list[SlaEvent]:
    """One ticket from its first fact to ``end``: time passes up to each fact's arrival, then the fact takes effect."""
    journal = Journal.begin(ticket.tenant, ticket_id, ticket.channel, policy)
    events: list[SlaEvent] = []
    arrivals = sorted(ticket.facts, key=lambda e: (e.recorded, e.at, e.seq, KIND_ORDER[e.kind], e.id))
    known: set[str] = set()
    for entry in arrivals:
        if entry.recorded > end or entry.id in known:
            continue
        known.add(entry.id)
        while journal.next is not None and journal.next < entry.recorded:
            events += journal.pass_time(journal.next)
        events += journal.apply(entry, entry.recorded)
    while journal.next is not None and journal.next <= end:
        events += journal.pass_time(journal.next)
    events += journal.pass_time(end)
    return [event for event in events if event.kind != "scheduled"]
