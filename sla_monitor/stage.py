"""The live monitor: facts and the passing of time in, SLA events out."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
import structlog

from pipeline.clock import Clock
from pipeline.stage import Message, Outbox, State
from schemas.base import decode
from schemas.case import Fact
from schemas.events import SlaEvent
from schemas.topics import PROGRESS, SLA

from .calendar import CalendarGap
from .clocks import happening
from .index import DueIndex
from .instants import SECOND, to_us
from .journal import Journal, head
from .policy import Policy

BURST = 2000
"""Tickets looked at in one tick; after a long downtime the rest waits for the next."""

BREATH = 20
"""After this many tickets the event loop gets a turn: a tick never holds it for more than some milliseconds."""

RETRY = 3600 * SECOND
"""A ticket whose calendar has no data is looked at again after this."""

log = structlog.get_logger(__name__)


class SlaStage:
    """A ``pipeline.stage.TimedStage``. The table's rows are ``sla_monitor.journal.Ledger``, keyed by ticket id.

    The due index only ever repeats what the table holds: a ticket that was touched is entered again, from its stored
    row, at the next tick. So nothing is lost when a batch or a tick fails before its writes. The frame must run
    ``process``, ``tick`` and the writing of their results one after the other within a partition.
    """

    name = "sla-monitor"
    inputs = (PROGRESS,)
    table = "clocks"

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._due: dict[int, DueIndex] = defaultdict(DueIndex)
        self._touched: dict[int, set[str]] = defaultdict(set)

    async def process(self, messages: Sequence[Message], state: State, out: Outbox) -> None:
        """Emits ``scheduled``, ``met`` and ``retracted``, which follow from facts at once. Repeatable."""
        seen = to_us(self._clock.now())
        for message in messages:
            try:
                fact = decode(message.value, Fact)
            except msgspec.DecodeError as error:
                out.dead(message, "sla.not-a-fact", type(error).__name__)
                continue
            try:
                self._take(fact, message.partition, seen, state, out)
            except CalendarGap as error:
                log.exception("sla.calendar-gap", ticket_id=fact.ticket_id, hint=str(error))
                out.dead(message, "sla.calendar-gap", "the policy's calendar lacks a year")
            except OverflowError as error:
                out.dead(message, "sla.out-of-time", type(error).__name__)

    def _take(self, fact: Fact, partition: int, seen: int, state: State, out: Outbox) -> None:
        entry = happening(fact)
        if entry is None:
            return
        row = state.get(fact.ticket_id)
        if row is None:
            journal = Journal.begin(fact.tenant, fact.ticket_id, fact.channel, self._policy)
        else:
            journal = Journal.decode(row, self._policy)
        events = journal.apply(entry, seen)
        state.put(fact.ticket_id, journal.encode())
        self._touched[partition].add(fact.ticket_id)
        _send(events, out)

    def recovered(self, partition: int, rows: Iterable[tuple[str, bytes]]) -> None:
        """Rebuilds the partition's due index from its table; reads of each row only the beginning."""
        due = ((ticket, self._look(row)) for ticket, row in rows)
        self._due[partition] = DueIndex((ticket, instant) for ticket, instant in due if instant is not None)
        self._touched.pop(partition, None)
        log.info("sla.index-rebuilt", partition=partition, count=len(self._due[partition]))

    def revoked(self, partition: int) -> None:
        """Forgets the partition."""
        self._due.pop(partition, None)
        self._touched.pop(partition, None)

    async def tick(self, partition: int, now: datetime, state: State, out: Outbox) -> None:
        """Emits ``warned`` and ``breached`` for what is due at ``now``, each once; and what a new policy changes."""
        due, moment = self._due[partition], to_us(now)
        for ticket in self._touched.pop(partition, ()):
            row = state.get(ticket)
            due.put(ticket, self._look(row) if row is not None else None)
        touched = self._touched[partition]
        for count in range(BURST):
            if count % BREATH == BREATH - 1:
                await asyncio.sleep(0)
            ticket_id = due.pop(moment)
            if ticket_id is None:
                return
            touched.add(ticket_id)
            try:
                self._pass_time(ticket_id, moment, state, out)
            except (CalendarGap, OverflowError) as error:
                log.exception("sla.tick-failed", ticket_id=ticket_id, hint=str(error))
                touched.discard(ticket_id)
                due.put(ticket_id, moment + RETRY)

    def _pass_time(self, ticket_id: str, moment: int, state: State, out: Outbox) -> None:
        row = state.get(ticket_id)
        if row is not None:
            journal = Journal.decode(row, self._policy)
            events = journal.pass_time(moment)
            state.put(ticket_id, journal.encode())
            _send(events, out)

    def _look(self, row: bytes) -> int | None:
        """When to look at a ticket again; at once when its row was written under another policy."""
        beginning = head(row)
        return beginning.next if beginning.policy == self._policy.fingerprint else 0


def _send(events: Iterable[SlaEvent], out: Outbox) -> None:
    for event in events:
        out.send(SLA, event.ticket_id, event)
        if event.kind == "breached":
            log.info(
                "sla.breached", ticket_id=event.ticket_id, kind=event.clock, state="late" if event.late else "in-time"
            )
