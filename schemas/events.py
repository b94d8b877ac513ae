"""Clocks, answers to the citizen, and what could not be processed."""

from __future__ import annotations

from typing import Literal

from .base import Instant, Part, Record
from .case import ClockDue

SlaKind = Literal["scheduled", "warned", "breached", "met", "retracted"]


class SlaEvent(Record, frozen=True, kw_only=True):
    """Value of ``crm.sla``. ``at`` is the instant it is true of (the due instant of a breach), ``detected_at`` when
    the monitor saw it. ``scheduled`` carries all clocks of the ticket as they now stand in ``clocks``."""

    kind: SlaKind
    ticket_id: str
    cause: str
    """Id of the fact the state follows from; of the schedule for warned and breached."""
    detected_at: Instant
    clock: str | None = None
    due_at: Instant | None = None
    percent: int | None = None
    unit: str | None = None
    rule: str | None = None
    late: bool = False
    """Detected more than a minute after it was true."""
    clocks: tuple[ClockDue, ...] = ()


ReplyState = Literal["queued", "sent", "recorded", "failed", "given_up"]


class Reply(Record, frozen=True, kw_only=True):
    """Value of ``crm.replies``: the outbox. ``id`` derives from the fact it answers, so one fact makes one message.

    ``text`` is what the citizen reads with the tracking link replaced by ``{tautan}``: a token is a capability and
    stays off the bus. ``recorded`` means that the channel has no credentials here: shown, not sent.
    """

    ticket_id: str
    number: str
    channel: str
    account: str
    recipient: str | None
    """Pseudonym."""
    template: str
    state: ReplyState
    text: str
    cause: str
    scope: Literal["lihat", "pelapor"]
    attempt: int = 0
    error: str | None = None


class DeadLetter(Part, frozen=True, kw_only=True):
    """What the headers of a record of ``crm.deadletters`` say; its value is the failed record, sealed.

    ``reason`` is a stable code of ``docs/reasons.md``; ``origin`` is topic, partition and offset of the failed record.
    """

    id: str
    tenant: str
    at: Instant
    stage: str
    reason: str
    topic: str
    partition: int
    offset: int
    attempt: int = 1
    channel: str | None = None
    detail: str | None = None
    """Class of the error and where it was raised; never its message, which may quote the record."""
