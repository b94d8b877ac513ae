"""What the SLA monitor says of a ticket's clocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from schemas.case import Case, ClockDue, FactKind
from schemas.events import SlaEvent, SlaKind

from .facts import SYSTEM, Said

_FACTS: Mapping[SlaKind, FactKind] = {
    "scheduled": "sla_scheduled",
    "warned": "sla_warned",
    "breached": "sla_breached",
    "met": "sla_met",
    "retracted": "sla_retracted",
}
_STATES: Mapping[SlaKind, Literal["running", "warned", "breached", "met"]] = {
    "warned": "warned",
    "breached": "breached",
    "met": "met",
    "retracted": "running",
}


def on_sla(case: Case, event: SlaEvent) -> tuple[Case, Said]:
    """The case with its clocks as they now stand. ``due_at`` is the earliest due instant of a running or warned clock.

    An event that carries all clocks replaces them. Another changes the clock it names, unless it speaks of a due
    instant that the clock no longer has (the monitor rescheduled it meanwhile).
    """
    if event.clocks or event.kind == "scheduled":
        clocks = event.clocks
    else:
        clocks = tuple(_ticked(clock, event) for clock in case.clocks)
    running = [clock.due_at for clock in clocks if clock.state in {"running", "warned"}]
    said = Said(
        kind=_FACTS[event.kind],
        at=event.at,
        actor=SYSTEM,
        clock=event.clock,
        due_at=event.due_at,
        percent=event.percent,
        clocks=event.clocks,
    )
    return msgspec.structs.replace(case, clocks=clocks, due_at=min(running, default=None)), said


def _ticked(clock: ClockDue, event: SlaEvent) -> ClockDue:
    if clock.clock != event.clock or event.kind not in _STATES:
        return clock
    if event.due_at is not None and event.due_at != clock.due_at:
        return clock
    return msgspec.structs.replace(clock, state=_STATES[event.kind])
