"""The live casework: ticket events, assignments, commands and SLA events in; facts and the whole case out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import structlog

from pipeline.stage import Message, Outbox, State
from schemas.base import decode, encode
from schemas.case import Command
from schemas.events import SlaEvent
from schemas.ticket import Assignment, TicketEvent
from schemas.topics import ASSIGNMENTS, CASES, COMMANDS, PROGRESS, SLA, TICKETS

from .folder import Event, Folder
from .machine import take

log = structlog.get_logger(__name__)

ROW_LIMIT = 480_000
"""Bytes of a row, at most: the case travels whole in one record, and records over 512 KB do not."""
_FACT_ROOM = 1_500
"""Bytes, generously, that a fact and its case take beyond the event they come from."""

_KINDS: Mapping[str, tuple[type[Event], str]] = {
    TICKETS.name: (TicketEvent, "casework.not-a-ticket-event"),
    ASSIGNMENTS.name: (Assignment, "casework.not-an-assignment"),
    COMMANDS.name: (Command, "casework.not-a-command"),
    SLA.name: (SlaEvent, "casework.not-an-sla-event"),
}


class CaseworkStage:
    """A ``pipeline.stage.Stage``: the single writer of each ticket (DESIGN, promise 5).

    A message sends its facts to ``crm.progress``; each ticket that a batch touched goes once, whole, to ``crm.cases``.
    What is not what its topic says, stands under another ticket's key, or would make the row too big to travel becomes
    a dead letter.
    """

    name = "casework"
    inputs = (TICKETS, ASSIGNMENTS, COMMANDS, SLA)
    table = "cases"

    async def process(self, messages: Sequence[Message], state: State, out: Outbox) -> None:
        """Takes each message in order; a ticket's row is read and written once a batch."""
        folders: dict[str, Folder] = {}
        sizes: dict[str, int] = {}
        for message in messages:
            event = _event(message, out)
            if event is None:
                continue
            key = event.ticket_id
            if key not in folders:
                row = state.get(key) or b"{}"
                folders[key], sizes[key] = decode(row, Folder), len(row)
            room = 2 * len(message.value) + _FACT_ROOM
            if sizes[key] + room > ROW_LIMIT:
                # The sum of generous guesses says full; the row itself decides.
                sizes[key] = len(encode(folders[key]))
            if sizes[key] + room > ROW_LIMIT:
                out.dead(message, "casework.row-full")
                continue
            recorded_at = message.timestamp or event.at
            after, facts = take(folders[key], event, recorded_at)
            if after is not folders[key]:
                folders[key] = after
                sizes[key] += room
            for fact in facts:
                log.debug("casework.fact", ticket_id=key, kind=fact.kind, seq=fact.seq, reason=fact.reason)
                out.send(PROGRESS, key, fact)
        for key, folder in folders.items():
            state.put(key, encode(folder))
            if folder.case is not None:
                out.send(CASES, key, folder.case)


def _event(message: Message, out: Outbox) -> Event | None:
    kind, reason = _KINDS[message.topic]
    try:
        event: Event = decode(message.value, kind)
    except msgspec.DecodeError as error:
        out.dead(message, reason, type(error).__name__)
        return None
    if event.ticket_id != message.key:
        out.dead(message, "casework.foreign-key")
        return None
    return event
