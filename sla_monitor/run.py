"""One counting of one clock: how much time has been used, when it is due, and what becomes true when.

All instants and amounts are microseconds (``sla_monitor.instants``).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from .policy import Rule

Phase = Literal["running", "paused", "met", "late", "cancelled"]
StepKind = Literal["start", "pause", "resume", "extend", "refused-extension", "met", "late", "cancelled", "reopen"]
FULL = 100


@dataclass(frozen=True)
class Mark:
    """Something that is true from ``at`` on, if no other fact comes. ``percent`` is 100 for a breach, 0 for met.

    ``promise`` is the extension (us) the warning belongs to, 0 without; ``lap`` counts starts and reopenings of the
    clock from 1; ``cause`` is the id of the fact that met the clock, or that started the run.
    """

    kind: Literal["warned", "breached", "met"]
    clock: str
    percent: int
    at: int
    due: int
    started: int
    promise: int
    lap: int
    rule: str
    unit: str | None
    cause: str

    @property
    def key(self) -> tuple[str | None, int, int]:
        """What makes a breach the same breach, whatever is learned of the time before it."""
        return self.clock, self.started, self.due


@dataclass(frozen=True)
class Step:
    """One line of the explanation: what a fact of ``kind`` did at ``at``; ``due`` is the due instant after it."""

    what: StepKind
    kind: str
    at: int
    due: int
    until: int | None = None


class Run:
    """Counts from ``started`` until it ends. Facts must be applied in event time, each after ``advance`` to it."""

    def __init__(self, rule: Rule, kind: str, started: int, cause: str, unit: str | None, lap: int) -> None:
        self.rule = rule
        self.started = started
        self.unit = unit if rule.applies.unit_prefix is not None else None
        self.lap = lap
        self.phase: Phase = "running"
        self.marks: list[Mark] = []
        self.promise = 0
        self.due = 0
        self._cause = cause
        self._holder = unit
        self._total = rule.limit
        self._spent = 0
        self._since = started
        self._promised = False
        self._reached: set[int] = set()
        self._ahead: deque[tuple[int, int]] = deque()
        self._plan()
        self.steps = [Step("start", kind, started, self.due)]

    @property
    def ended(self) -> bool:
        """Met, too late or cancelled; may be reopened."""
        return self.phase in ("met", "late", "cancelled")

    def _plan(self) -> None:
        """The instants of the percentages not yet reached, counting on from ``_since``."""
        add, share = self.rule.calendar.add, self._total - self._spent
        if FULL not in self._reached:
            self.due = self.promise if self._promised else add(self._since, share)
        ahead = []
        for percent in self.rule.warn_percent:
            need = self._total * percent // FULL - self._spent
            if percent not in self._reached and need >= 0:
                ahead.append((add(self._since, need), percent))
        if FULL not in self._reached:
            ahead.append((self.due, FULL))
        self._ahead = deque(ahead)

    def advance(self, until: int | None) -> None:
        """Records what becomes true before ``until`` (None: the end of time), unless the run stands still."""
        if self.phase != "running":
            return
        while self._ahead and (until is None or self._ahead[0][0] < until):
            at, percent = self._ahead.popleft()
            self._reached.add(percent)
            self._mark("breached" if percent == FULL else "warned", percent, at, self._cause)

    def _mark(self, kind: Literal["warned", "breached", "met"], percent: int, at: int, cause: str) -> None:
        self.marks.append(
            Mark(
                kind, self.rule.clock, percent, at, self.due, self.started, self.promise, self.lap, self.rule.id,
                self._holder, cause,
            )
        )  # fmt: skip

    def _note(self, what: StepKind, kind: str, at: int, until: int | None = None) -> None:
        self.steps.append(Step(what, kind, at, self.due, until))

    def hold(self, unit: str | None) -> None:
        """From now on ``unit`` answers for what becomes true."""
        self._holder = unit

    def pause(self, kind: str, at: int) -> None:
        """The counting stands still."""
        self._spent += self.rule.calendar.between(self._since, at)
        self._since = at
        self._promised = False
        self.phase = "paused"
        self._ahead.clear()
        self._note("pause", kind, at)

    def resume(self, kind: str, at: int) -> None:
        """The counting goes on after a pause."""
        self._continue(at)
        self._note("resume", kind, at)

    def _continue(self, at: int) -> None:
        self._since = at
        self.phase = "running"
        self._plan()

    def extend(self, kind: str, at: int, until: int) -> None:
        """Moves the due instant to ``until``, or back to the rule's own when that is later.

        The warnings of the new span that lie before ``at`` are not given: it was not known then.
        """
        if FULL in self._reached:
            self._note("refused-extension", kind, at, until)
            return
        between = self.rule.calendar.between
        if self.phase == "running":
            self._spent += between(self._since, at)
            self._since = at
        span = self._spent + between(at, until)
        longer = span >= self.rule.limit
        self._total = max(self.rule.limit, span)
        self.promise = until if longer else 0
        self._reached = {p for p in self.rule.warn_percent if self._total * p // FULL < self._spent}
        if self.phase == "running":
            self._promised = longer
            self._plan()
        else:
            self.due = self.rule.calendar.add(at, self._total - self._spent)
        self._note("extend", kind, at, until)

    def end(self, what: Literal["met", "cancelled"], kind: str, at: int, cause: str) -> None:
        """The counting is over: in time, too late, or because the clock no longer counts for this ticket."""
        if self.phase == "paused":
            self._continue(at)
        self.phase = "late" if what == "met" and FULL in self._reached else what
        if self.phase == "met":
            self._mark("met", 0, at, cause)
        self._note(self.phase, kind, at)

    def reopen(self, kind: str, at: int) -> None:
        """As if it had never ended: what would have become true meanwhile is true after all."""
        self.phase = "running"
        self.lap += 1
        self._note("reopen", kind, at)
