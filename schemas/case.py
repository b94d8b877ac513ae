"""Casework: commands in, numbered facts and the whole case out (DESIGN, promise 5)."""

from __future__ import annotations

from typing import Literal

from .base import Instant, Part, Record
from .ticket import AttachmentRef, Candidate, Judgement, Place

Status = Literal["tinjauan", "menunggu", "koordinasi", "disposisi", "proses", "menunggu_warga", "selesai", "dicabut"]
"""Jakarta's own stages (JakRespons help page), plus ``tinjauan`` (the desk must choose the unit), ``menunggu_warga``
(the agency asked the citizen) and ``dicabut`` (withdrawn by the citizen)."""

CommandKind = Literal[
    "assign", "accept", "forward", "progress", "ask", "answer", "extend", "close", "reopen", "rate", "note", "attach"
]

FactKind = Literal[
    "received", "followup", "amended", "withdrawn", "routed", "review", "assigned", "accepted", "forwarded",
    "progressed", "asked", "answered", "extended", "resolved", "reopened", "rated", "noted", "refused",
    "sla_scheduled", "sla_warned", "sla_breached", "sla_met", "sla_retracted", "attached",
]  # fmt: skip


class Actor(Part, frozen=True, kw_only=True):
    """Who did it: a role, the unit acted for, and a pseudonymous account id (never a name)."""

    role: Literal["citizen", "officer", "desk", "counter", "system"]
    unit: str | None = None
    account: str | None = None


class Command(Record, frozen=True, kw_only=True):
    """Value of ``crm.commands``: somebody asks for a change of a ticket.

    ``seen`` is the case's sequence number the asker looked at; a command that no longer fits is refused, with a reason.
    """

    kind: CommandKind
    ticket_id: str
    actor: Actor
    seen: int | None = None
    text: str | None = None
    """Masked before it is published."""
    unit: str | None = None
    unit_name: str | None = None
    until: Instant | None = None
    """New estimated completion (EWS), for ``extend``."""
    rating: int | None = None
    evidence: tuple[AttachmentRef, ...] = ()


class ClockDue(Part, frozen=True, kw_only=True):
    """One running clock of a ticket: the policy rule, when it is due and how it stands."""

    clock: str
    due_at: Instant
    started_at: Instant
    state: Literal["running", "paused", "warned", "breached", "met", "cancelled"] = "running"
    rule: str = ""
    source: str = ""
    calendar: str = "wall"


class Fact(Record, frozen=True, kw_only=True):
    """Value of ``crm.progress``: something that happened to a ticket. ``seq`` counts from 1 without gaps.

    ``cause`` is the id of the record that led to it; the same cause never makes a second fact.
    ``at`` is event time: when the thing happened, whenever we learned of it.
    """

    kind: FactKind
    ticket_id: str
    seq: int
    cause: str
    number: str
    channel: str
    status: Status
    """Status after the fact."""
    recorded_at: Instant
    actor: Actor | None = None
    unit: str | None = None
    unit_name: str | None = None
    text: str | None = None
    reason: str | None = None
    """Stable code, for ``refused``."""
    until: Instant | None = None
    category: str | None = None
    account: str | None = None
    author: str | None = None
    public: bool = False
    clock: str | None = None
    due_at: Instant | None = None
    percent: int | None = None
    clocks: tuple[ClockDue, ...] = ()
    rating: int | None = None
    evidence: tuple[AttachmentRef, ...] = ()
    source_event: str | None = None
    """Id of the ticket event, for ``received``, ``followup`` and ``amended``: the key to the sealed original."""


class Case(Record, frozen=True, kw_only=True):
    """Value of ``crm.cases``, key ``id`` = ticket id: everything a page shows of a ticket. ``at`` = last change."""

    number: str
    seq: int
    status: Status
    channel: str
    account: str
    received_at: Instant
    opened_at: Instant
    """When the citizen sent it."""
    author: str | None = None
    public: bool = False
    subject: str | None = None
    text: str = ""
    intent: Judgement | None = None
    category: Judgement | None = None
    place: Place | None = None
    language: str | None = None
    unit: str | None = None
    unit_name: str | None = None
    candidates: tuple[Candidate, ...] = ()
    route_reasons: tuple[str, ...] = ()
    attachments: tuple[AttachmentRef, ...] = ()
    clocks: tuple[ClockDue, ...] = ()
    due_at: Instant | None = None
    """The earliest due instant among running clocks."""
    resolved_at: Instant | None = None
    rating: int | None = None
    question: str | None = None
    """The agency's open question to the citizen."""
    history: tuple[Fact, ...] = ()
