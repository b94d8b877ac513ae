"""What casework keeps of a ticket between messages: a row of its table."""

from __future__ import annotations

from datetime import datetime

from schemas.base import Instant, Part
from schemas.case import Case, Command
from schemas.events import SlaEvent
from schemas.ticket import Assignment, TicketEvent

Event = TicketEvent | Assignment | Command | SlaEvent


class Parked(Part, frozen=True, kw_only=True):
    """An event that came before its ticket was opened; exactly one of the four is set."""

    recorded_at: Instant
    ticket: TicketEvent | None = None
    assignment: Assignment | None = None
    command: Command | None = None
    sla: SlaEvent | None = None

    @property
    def event(self) -> Event:
        event = self.ticket or self.assignment or self.command or self.sla
        if event is None:
            raise ValueError("a parked entry without an event: the row was not written by casework")
        return event


class Folder(Part, frozen=True, kw_only=True):
    """``version`` is that of the text in ``case``; ``woken`` the causes that waited for the ticket, as they arrived."""

    case: Case | None = None
    version: int = 0
    parked: tuple[Parked, ...] = ()
    woken: tuple[str, ...] = ()


def park(event: Event, recorded_at: datetime) -> Parked:
    """An entry for ``event``, which came at ``recorded_at``."""
    if isinstance(event, TicketEvent):
        return Parked(recorded_at=recorded_at, ticket=event)
    if isinstance(event, Assignment):
        return Parked(recorded_at=recorded_at, assignment=event)
    if isinstance(event, Command):
        return Parked(recorded_at=recorded_at, command=event)
    return Parked(recorded_at=recorded_at, sla=event)
