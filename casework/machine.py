"""The state machine: pure, one event at a time. The same events in the same order give the same facts.

``take`` is the whole of it; ``stage.py`` only reads and writes.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from schemas.case import Case, Command, Fact
from schemas.ticket import Assignment, TicketEvent

from .clocks import on_sla
from .commands import on_command
from .facts import fact_of, record
from .folder import Event, Folder, park
from .tickets import on_assignment, on_opened, on_ticket_event


def take(folder: Folder, event: Event, recorded_at: datetime) -> tuple[Folder, tuple[Fact, ...]]:
    """The folder after ``event`` and the facts to publish, in order of their numbers.

    ``recorded_at`` (UTC) is when the event reached Kafka. What comes before ``opened`` waits in the folder and is
    applied, in order of arrival, when it comes; nothing is said until then. An event that was taken before changes
    nothing and says the same again.
    """
    if folder.case is not None:
        repeated = _again(folder, folder.case, event)
        if repeated:
            return folder, repeated
    applied = apply(folder, event, recorded_at)
    if applied is None:
        return _parked(folder, event, recorded_at), ()
    after, fact = applied
    facts = [fact]
    for waiting in folder.parked:
        woken = apply(after, waiting.event, waiting.recorded_at)
        if woken is not None:
            after, fact = woken
            facts.append(fact)
    if folder.parked:
        after = msgspec.structs.replace(after, parked=(), woken=tuple(waiting.event.id for waiting in folder.parked))
    return after, tuple(facts)


def apply(folder: Folder, event: Event, recorded_at: datetime) -> tuple[Folder, Fact] | None:
    """The folder after an event that was not taken before, and its one fact. None: the ticket is not opened yet."""
    version = folder.version
    if folder.case is None:
        if not isinstance(event, TicketEvent) or event.kind != "opened":
            return None
        case, said = on_opened(event)
        version = event.version
    elif isinstance(event, TicketEvent):
        case, said, version = on_ticket_event(folder.case, event, version)
    elif isinstance(event, Assignment):
        case, said = on_assignment(folder.case, event)
    elif isinstance(event, Command):
        case, said = on_command(folder.case, event)
    else:
        case, said = on_sla(folder.case, event)
    case, fact = record(case, said, event.id, recorded_at)
    return msgspec.structs.replace(folder, case=case, version=version), fact


def _again(folder: Folder, case: Case, event: Event) -> tuple[Fact, ...]:
    """What the event said the first time; what it woke then belongs to it."""
    fact = fact_of(case, event.id)
    if fact is None:
        return ()
    if fact.kind != "received":
        return (fact,)
    return (fact, *(woken for cause in folder.woken if (woken := fact_of(case, cause)) is not None))


def _parked(folder: Folder, event: Event, recorded_at: datetime) -> Folder:
    if any(waiting.event.id == event.id for waiting in folder.parked):
        return folder
    return msgspec.structs.replace(folder, parked=(*folder.parked, park(event, recorded_at)))
