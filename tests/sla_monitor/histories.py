"""Generated histories of a ticket, for the oracle and for the monitor."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from schemas.case import Fact, FactKind
from tests.sla_monitor.harness import LURAH, START, make_fact
from tests.sla_monitor.oracle import Event

STEP = timedelta(minutes=6)
END = 3600
"""Fifteen days in steps."""

UNITS = (None, "DISHUB", LURAH, "KEL:31.74.07.1002")
KINDS: tuple[FactKind, ...] = (
    "routed", "review", "assigned", "accepted", "forwarded", "progressed", "asked", "answered", "extended",
    "resolved", "reopened", "withdrawn", "noted", "followup",
)  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """From the receipt on, in order; many facts at the same or neighbouring steps."""
    gaps = st.one_of(st.integers(0, 3), st.integers(0, 70), st.integers(0, 900))
    events, step = [Event(0, "received", draw(st.sampled_from((None, LURAH))))], 0
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=9)):
        step += draw(gaps)
        unit = draw(st.sampled_from(UNITS)) if kind in ("routed", "assigned", "forwarded", "accepted") else None
        until = step + draw(st.integers(-50, 2500)) if kind == "extended" else None
        events.append(Event(step, kind, unit, until))
    return [event for event in events if event.step <= END]


def facts_of(events: list[Event]) -> list[Fact]:
    """The same history as facts, learned when they happened."""
    return [
        make_fact(
            event.kind,  # type: ignore[arg-type]
            event.step / 10,
            seq=number,
            unit=event.unit,
            until=START + event.until * STEP if event.until is not None else None,
        )
        for number, event in enumerate(events, start=1)
    ]
