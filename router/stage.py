"""The live router: ticket events in, assignments out."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from pipeline.stage import Message, Outbox, State
from schemas.base import decode
from schemas.ids import derived_id
from schemas.ticket import Assignment, TicketEvent
from schemas.topics import ASSIGNMENTS, TICKETS

from .route import route
from .rulebook import Rulebook

log = structlog.get_logger(__name__)


class RouterStage:
    """A ``pipeline.stage.Stage`` without state: each ticket event is routed by itself.

    An ``opened`` ticket is always routed, without a reading to the desk. An ``amended`` one is routed again when the
    normalizer read the new text; followups and withdrawals change no unit. The assignment's id derives from the event
    and the rulebook's version: a duplicate re-emits the same record, another edition of the rules decides anew.
    """

    name = "router"
    inputs = (TICKETS,)
    table = None

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook

    async def process(self, messages: Sequence[Message], state: State, out: Outbox) -> None:
        """Sends one assignment for each event that asks for one; what is no ticket event becomes a dead letter."""
        for message in messages:
            try:
                event = decode(message.value, TicketEvent)
            except msgspec.DecodeError as error:
                out.dead(message, "router.not-a-ticket-event", type(error).__name__)
                continue
            if event.kind == "opened" or (event.kind == "amended" and event.reading is not None):
                assignment = assign(event, self._rulebook)
                log.debug("router.routed", ticket_id=event.ticket_id, decision=assignment.decision)
                out.send(ASSIGNMENTS, event.ticket_id, assignment)


def assign(event: TicketEvent, rulebook: Rulebook) -> Assignment:
    """The assignment that follows from a ticket event; ``at`` is the event's receipt: a replay says the same."""
    decision = route(event.reading, rulebook)
    return Assignment(
        id=derived_id("assignment", event.id, rulebook.version),
        tenant=event.tenant,
        at=event.received_at,
        ticket_id=event.ticket_id,
        decision=decision.decision,
        opd=decision.opd,
        reasons=decision.reasons,
        rulebook=decision.rulebook,
        cause=event.id,
    )
