"""From what was decided to a numbered fact and the case that holds it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from schemas.case import Actor, Case, ClockDue, Fact, FactKind
from schemas.ids import derived_id
from schemas.ticket import AttachmentRef

SYSTEM = Actor(role="system")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a fact says beyond what it copies from its case. ``at`` is event time."""

    kind: FactKind
    at: datetime
    actor: Actor
    text: str | None = None
    reason: str | None = None
    until: datetime | None = None
    clock: str | None = None
    due_at: datetime | None = None
    percent: int | None = None
    clocks: tuple[ClockDue, ...] = ()
    rating: int | None = None
    evidence: tuple[AttachmentRef, ...] = ()
    source_event: str | None = None


def record(case: Case, said: Said, cause: str, recorded_at: datetime) -> tuple[Case, Fact]:
    """The fact with the next number, and ``case`` (already as it shall be) with the fact in its history.

    The fact's id derives from ticket and cause, so the same cause never makes a second one. It copies from the case
    what the responder and the SLA monitor need, so that they look nothing up.
    """
    fact = Fact(
        id=derived_id(case.id, "fact", cause),
        tenant=case.tenant,
        at=said.at,
        kind=said.kind,
        ticket_id=case.id,
        seq=case.seq + 1,
        cause=cause,
        number=case.number,
        channel=case.channel,
        status=case.status,
        recorded_at=recorded_at,
        actor=said.actor,
        unit=case.unit,
        unit_name=case.unit_name,
        text=said.text,
        reason=said.reason,
        until=said.until,
        category=case.category.value if case.category else None,
        account=case.account,
        author=case.author,
        public=case.public,
        clock=said.clock,
        due_at=said.due_at,
        percent=said.percent,
        clocks=said.clocks,
        rating=said.rating,
        evidence=said.evidence,
        source_event=said.source_event,
    )
    after = msgspec.structs.replace(case, seq=fact.seq, at=max(case.at, said.at), history=(*case.history, fact))
    return after, fact


def fact_of(case: Case, cause: str) -> Fact | None:
    """The fact that ``cause`` made, if it made one."""
    return next((fact for fact in reversed(case.history) if fact.cause == cause), None)
