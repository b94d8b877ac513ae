"""The three clocks of the shipped policy once more, naively: walking through time in steps of six minutes.

Written from the circulars' wording and the rules in data/policy.yaml, sharing no code with the monitor. All instants
of facts are whole steps; every percentage of the three limits is a whole number of steps too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

LIMITS = {"koordinasi": 60, "lurah": 240, "penyelesaian": 1680}
PERCENTS = (50, 75, 90, 100)


@dataclass(frozen=True)
class Event:
    """A fact at a whole step."""

    step: int
    kind: str
    unit: str | None = None
    until: int | None = None


Truth = tuple[str, str, int, Fraction]
"""Kind, clock, percent, step."""


@dataclass
class Walker:
    """One clock being counted."""

    clock: str
    unit: str | None = None
    limit: int = 0
    used: int = 0
    going: bool = False
    waiting: bool = False
    over: bool = False
    reached: set[int] = field(default_factory=set)
    unheard: list[Truth] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)

    def start(self, unit: str | None) -> None:
        self.unit, self.limit, self.used = unit, LIMITS[self.clock], 0
        self.going, self.waiting, self.over = True, False, False
        self.reached, self.unheard = set(), []

    def walk(self, step: int) -> None:
        """From ``step`` to the next one. After its end a clock is walked on in silence: it may be reopened."""
        if not self.going or self.waiting:
            return
        for percent in PERCENTS:
            ahead = self.limit * percent - self.used * 100
            if 0 <= ahead < 100 and percent not in self.reached:
                truth = ("breached" if percent == 100 else "warned", self.clock, percent, step + Fraction(ahead, 100))
                (self.unheard if self.over else self.truths).append(truth)
                self.reached.add(percent)
        self.used += 1

    def finish(self, step: int, in_time: bool) -> None:
        self.over, self.waiting = True, False
        if in_time and 100 not in self.reached:
            self.truths.append(("met", self.clock, 0, Fraction(step)))

    def reopen(self) -> None:
        self.over = False
        self.truths += self.unheard
        self.unheard = []

    def extend(self, step: int, until: int) -> None:
        if 100 in self.reached:
            return
        self.limit = max(LIMITS[self.clock], self.used + max(0, until - step))
        self.reached = {percent for percent in (50, 75, 90) if self.limit * percent < self.used * 100}


def truths(events: Sequence[Event], end: int) -> list[Truth]:
    """Everything that was true up to and including step ``end``; events in order."""
    coordination, lurah, completion = Walker("koordinasi"), Walker("lurah"), Walker("penyelesaian")
    holder: str | None = None
    waiting = list(events)
    for step in range(end + 1):
        while waiting and waiting[0].step == step:
            event = waiting.pop(0)
            holder = _happen(event, holder, coordination, lurah, completion)
        for walker in (coordination, lurah, completion):
            walker.walk(step)
    found = [truth for walker in (coordination, lurah, completion) for truth in walker.truths]
    return [truth for truth in found if truth[3] <= end]


def _happen(event: Event, holder: str | None, coordination: Walker, lurah: Walker, completion: Walker) -> str | None:
    kind, step = event.kind, event.step
    before = holder
    if kind in ("routed", "review", "assigned", "forwarded") or (kind in ("received", "accepted") and event.unit):
        holder = event.unit
    if kind == "withdrawn":
        for walker in (coordination, lurah, completion):
            if walker.going and not walker.over:
                walker.finish(step, in_time=False)
        return holder
    _coordinate(kind, step, coordination)
    _complete(event, completion)
    if lurah.going and not lurah.over:
        if kind in ("accepted", "progressed", "forwarded", "resolved"):
            lurah.finish(step, in_time=True)
        elif holder != lurah.unit:
            lurah.finish(step, in_time=False)
    gets = kind in ("received", "routed", "assigned", "forwarded") and holder != before
    if gets and holder is not None and holder.startswith("KEL:") and (not lurah.going or lurah.over):
        lurah.start(holder)
    return holder


def _coordinate(kind: str, step: int, clock: Walker) -> None:
    if kind == "received":
        clock.start(None)
    elif kind in ("routed", "assigned", "forwarded", "accepted") and clock.going and not clock.over:
        clock.finish(step, in_time=True)


def _complete(event: Event, clock: Walker) -> None:
    kind = event.kind
    if kind == "received":
        clock.start(None)
    elif not clock.going:
        return
    elif clock.over:
        if kind == "reopened":
            clock.reopen()
    elif kind == "resolved":
        clock.finish(event.step, in_time=True)
    elif kind == "asked":
        clock.waiting = True
    elif kind in ("answered", "accepted", "progressed", "assigned", "forwarded"):
        clock.waiting = False
    elif kind == "extended" and event.until is not None:
        clock.extend(event.step, event.until)
