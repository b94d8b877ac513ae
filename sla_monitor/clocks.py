"""A ticket's clocks, folded from its facts: pure, in event time, whatever the order of arrival.

Event time is ``(at, seq)``; a fact dated before the ticket's receipt counts as of the receipt, in sequence. A fact and
a threshold at the same instant: the fact comes first, so "within six hours" includes the sixth hour's last instant.

Rules of a run (one run is one counting of one clock):

- It starts at a fact of ``starts_on`` when the first rule that is in force applies; a rule bound to a unit counts for
  the unit that got the ticket, and is cancelled when the ticket goes elsewhere without a fact of ``meets_on``.
- A pause stops the counting; meeting the clock ends a pause.
- ``reopens_on`` after the end: the run goes on as if it had never stopped, pauses excepted.
- An extension (EWS) replaces the due instant, never by one earlier than the rule's own, and starts a new set of
  warnings. It must have been given before the due instant: a breach cannot be extended away.
- Another category picks the rule anew, from the start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import msgspec

from schemas.case import ClockDue, Fact
from schemas.ids import derived_id

from .instants import from_us, to_us
from .policy import KEPT_KINDS, KIND_ORDER, Policy
from .run import Mark, Run

GIVING_KINDS = frozenset({"routed", "review", "assigned", "forwarded"})
"""Facts that say who has the ticket from now on; ``review`` gives it to the desk."""

TAKING_KINDS = frozenset({"received", "accepted"})
"""Facts that say so when they name a unit."""

ClockState = Literal["running", "paused", "warned", "breached", "met", "cancelled"]


class Happening(msgspec.Struct, frozen=True, array_like=True):
    """What a clock needs of a fact. ``at`` and ``recorded`` (when it was learned) are microseconds since 1970, UTC.

    ``seen`` is when the monitor first had it; kept in the table, so that a repeated delivery says the same again.
    """

    id: str
    kind: str
    at: int
    seq: int
    recorded: int
    unit: str | None = None
    until: int | None = None
    category: str | None = None
    seen: int = 0


@dataclass(frozen=True)
class TicketClocks:
    """All runs of a ticket, by clock in the policy's order and then in time. ``marks`` are sorted by instant."""

    ticket_id: str
    runs: tuple[Run, ...]
    marks: tuple[Mark, ...]

    def due(self, now: int) -> tuple[ClockDue, ...]:
        """The clocks as they stand at ``now`` (us): of each clock the latest run."""
        latest = {run.rule.clock: run for run in self.runs}
        return tuple(
            ClockDue(
                clock=clock,
                due_at=from_us(run.due),
                started_at=from_us(run.started),
                state=_state(run, now),
                rule=run.rule.id,
                source=run.rule.document,
                calendar=run.rule.calendar.name,
            )
            for clock, run in latest.items()
        )

    def signature(self) -> str:
        """Changes with the set of clocks, due instants, reopenings, pauses and cancellations; empty without clocks."""
        latest = {run.rule.clock: run for run in self.runs}
        parts = [
            f"{clock} {run.rule.id} {run.lap} {run.started} {run.due} {run.phase if run.phase in QUIET_PHASES else ''}"
            for clock, run in latest.items()
        ]
        return derived_id(*parts)[:16] if parts else ""


QUIET_PHASES = frozenset({"paused", "cancelled"})
"""Phases that no other event announces."""


def _state(run: Run, now: int) -> ClockState:
    reached = [mark for mark in run.marks if mark.at <= now and mark.kind != "met"]
    if any(mark.kind == "breached" for mark in reached):
        return "breached"
    if run.phase in ("met", "cancelled", "paused"):
        return run.phase
    return "warned" if any(mark.promise == run.promise for mark in reached) else "running"


def happening(fact: Fact, seen: int = 0) -> Happening | None:
    """``fact`` as the clocks see it, or None when no clock can depend on it (the monitor's own echo among them)."""
    if fact.kind not in KEPT_KINDS:
        return None
    return Happening(
        id=fact.id,
        kind=fact.kind,
        at=to_us(fact.at),
        seq=fact.seq,
        recorded=to_us(fact.recorded_at),
        unit=fact.unit,
        until=to_us(fact.until) if fact.until is not None else None,
        category=fact.category,
        seen=seen,
    )


def fold(facts: Iterable[Fact], policy: Policy) -> TicketClocks:
    """The clocks that follow from a ticket's facts. Duplicates by id are ignored; order does not matter.

    Raises ``CalendarGap`` when a clock runs into a year without holiday data.
    """
    first: Fact | None = None
    kept: list[Happening] = []
    for fact in facts:
        first = first or fact
        if (entry := happening(fact)) is not None:
            kept.append(entry)
    if first is None:
        return TicketClocks("", (), ())
    return fold_happenings(first.ticket_id, first.channel, kept, policy)


def fold_happenings(ticket_id: str, channel: str | None, kept: Iterable[Happening], policy: Policy) -> TicketClocks:
    """As ``fold``, of facts already reduced."""
    ordered = in_event_time(kept)
    category = next((entry.category for entry in reversed(ordered) if entry.category is not None), None)
    runs = [run for clock in policy.clocks for run in _runs(policy, clock, ordered, channel, category)]
    marks = sorted((mark for run in runs for mark in run.marks), key=lambda mark: (mark.at, mark.clock, mark.percent))
    return TicketClocks(ticket_id, tuple(runs), tuple(marks))


def in_event_time(kept: Iterable[Happening]) -> list[Happening]:
    """Without duplicates, ordered by event time; of two copies of an id the one recorded first counts."""
    unique: dict[str, Happening] = {}
    for entry in sorted(kept, key=lambda entry: (entry.recorded, entry.at, entry.seq)):
        unique.setdefault(entry.id, entry)
    receipt = min((entry.at for entry in unique.values() if entry.kind == "received"), default=None)
    if receipt is not None:
        unique = {
            name: msgspec.structs.replace(entry, at=receipt) if entry.at < receipt else entry
            for name, entry in unique.items()
        }
    # Receipt first: at its own instant a lower sequence number cannot precede it.
    return sorted(unique.values(), key=lambda e: (e.at, e.kind != "received", e.seq, KIND_ORDER[e.kind], e.id))


def _runs(policy: Policy, clock: str, ordered: list[Happening], channel: str | None, category: str | None) -> list[Run]:
    """All runs of one clock, the last one advanced to the end of time: marks after now are yet to come."""
    runs: list[Run] = []
    unit: str | None = None
    for entry in ordered:
        before, unit = unit, _holder(entry, unit)
        run = runs[-1] if runs else None
        if run is not None:
            run.advance(entry.at)
            _apply(run, entry, unit)
        if run is None or run.ended:
            rule = policy.rule_for(clock, entry.kind, entry.at, unit, channel, category)
            if rule is not None and (rule.applies.unit_prefix is None or unit != before):
                runs.append(Run(rule, entry.kind, entry.at, entry.id, unit, run.lap + 1 if run else 1))
    if runs:
        runs[-1].advance(None)
    return runs


def _holder(entry: Happening, before: str | None) -> str | None:
    """The unit that has the ticket after a fact."""
    if entry.kind in GIVING_KINDS or (entry.kind in TAKING_KINDS and entry.unit is not None):
        return entry.unit
    return before


def _apply(run: Run, entry: Happening, unit: str | None) -> None:
    """What one fact does to the newest run of a clock, which has been advanced to it."""
    rule, kind, at = run.rule, entry.kind, entry.at
    if run.ended:
        if kind in rule.reopens_on:
            run.reopen(kind, at)
    elif kind in rule.cancels_on:
        run.end("cancelled", kind, at, entry.id)
    elif kind in rule.meets_on:
        run.end("met", kind, at, entry.id)
    elif run.unit is not None and unit != run.unit:
        run.end("cancelled", kind, at, entry.id)
    elif kind in rule.pauses_on and run.phase == "running":
        run.pause(kind, at)
    elif kind in rule.resumes_on and run.phase == "paused":
        run.resume(kind, at)
    elif kind == "extended" and rule.extension and entry.until is not None:
        run.extend(kind, at, entry.until)
    run.hold(unit)
