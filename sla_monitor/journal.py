"""One ticket's journal: the facts its clocks depend on, what has been said about them, and what follows next.

Used by the live stage and by the replay alike, so that both say the same. Every SLA event is written down when it is
emitted: that, not the process's memory, is why each one is fired once (DESIGN, promises 3 and 10).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from schemas.events import SlaEvent
from schemas.ids import derived_id

from .clocks import Happening, TicketClocks, fold_happenings
from .instants import SECOND, from_us
from .policy import Policy
from .run import Mark

LATE = 60 * SECOND
"""An event detected this long after it was true is marked late (schemas.events.SlaEvent)."""

SETTLE = 60 * SECOND
"""What a fact makes overdue the moment it arrives waits this long: backdated facts come in groups (a counter's paper
form and its completion), and a breach that the next one takes back would be an injustice for nothing."""

BY_TIME = -1
BY_POLICY = -2


class Said(msgspec.Struct, frozen=True, array_like=True):
    """One emitted event. Instants are microseconds. ``by`` is the index of the fact it followed from, or ``BY_…``.

    ``turn`` tells repetitions apart: the lap of a met clock, the number of earlier retractions of a breach.
    """

    kind: Literal["scheduled", "warned", "breached", "met", "retracted"]
    at: int
    seen: int
    by: int
    clock: str | None = None
    percent: int = 0
    due: int = 0
    started: int = 0
    promise: int = 0
    turn: int = 0
    rule: str | None = None
    unit: str | None = None

    @property
    def key(self) -> tuple[str | None, int, int]:
        """As ``Mark.key``."""
        return self.clock, self.started, self.due


class Head(msgspec.Struct, frozen=True, array_like=True):
    """The beginning of a ``Ledger``: all that rebuilding the due index needs of a row."""

    policy: str
    next: int | None


class Ledger(msgspec.Struct, array_like=True):
    """Value of the table ``clocks``. ``next`` is when to look at the ticket again (us); None: never.

    ``facts`` are in order of arrival. ``plan`` is the signature of the schedule last announced, ``schedule`` its event.
    """

    policy: str
    next: int | None
    tenant: str
    ticket_id: str
    channel: str | None = None
    plan: str = ""
    schedule: str = ""
    facts: list[Happening] = []
    said: list[Said] = []


_encoder = msgspec.json.Encoder()
_ledgers = msgspec.json.Decoder(Ledger)
_heads = msgspec.json.Decoder(Head)


def head(row: bytes) -> Head:
    """The beginning of a row of the table."""
    return _heads.decode(row)


class Journal:
    """Applies facts and time to one ticket. What is returned must be published before ``encode`` is stored."""

    def __init__(self, ledger: Ledger, policy: Policy) -> None:
        self._ledger = ledger
        self._policy = policy

    @classmethod
    def begin(cls, tenant: str, ticket_id: str, channel: str | None, policy: Policy) -> Journal:
        """The journal of a ticket not heard of before."""
        return cls(Ledger(policy.fingerprint, None, tenant, ticket_id, channel), policy)

    @classmethod
    def decode(cls, row: bytes, policy: Policy) -> Journal:
        """From a row of the table. Raises ``msgspec.DecodeError``."""
        return cls(_ledgers.decode(row), policy)

    def encode(self) -> bytes:
        """The row to store."""
        return _encoder.encode(self._ledger)

    @property
    def next(self) -> int | None:
        """When ``pass_time`` has something to say (us)."""
        return self._ledger.next

    def apply(self, fact: Happening, seen: int) -> list[SlaEvent]:
        """A fact arrived at ``seen`` (us): the new schedule, clocks met, breaches taken back.

        A fact that is known already says again exactly what it said the first time.
        """
        for index, known in enumerate(self._ledger.facts):
            if known.id == fact.id:
                return self._again(index)
        self._ledger.facts.append(msgspec.structs.replace(fact, seen=seen))
        clocks = self._fold()
        said = self._consequences(clocks, len(self._ledger.facts) - 1, fact.at, max(fact.recorded, fact.at), seen)
        self._look_again(clocks, seen)
        return [self._event(entry, clocks) for entry in said]

    def pass_time(self, now: int) -> list[SlaEvent]:
        """It is ``now`` (us): what has become true and was not said yet. A new policy is first applied to the past."""
        ledger, clocks, said = self._ledger, self._fold(), list[Said]()
        if ledger.policy != self._policy.fingerprint:
            ledger.policy = self._policy.fingerprint
            said += self._consequences(clocks, BY_POLICY, now, now, now)
        said += self._overdue(clocks, now)
        waiting = [mark.at for mark in self._unsaid(clocks)]
        ledger.next = min(waiting, default=None)
        return [self._event(entry, clocks) for entry in said]

    def _fold(self, facts: int | None = None) -> TicketClocks:
        ledger = self._ledger
        return fold_happenings(ledger.ticket_id, ledger.channel, ledger.facts[:facts], self._policy)

    def _consequences(self, clocks: TicketClocks, by: int, at: int, learned: int, seen: int) -> list[Said]:
        """What follows at once from a fact or a policy. ``at`` is its event time, ``learned`` when it became known.

        The schedule comes last: it shows the clocks as they stand after all of it.
        """
        ledger = self._ledger
        said = [
            msgspec.structs.replace(breach, kind="retracted", at=max(learned, breach.due), seen=seen, by=by)
            for breach in self._standing(clocks)
        ]
        met = {(entry.clock, entry.started, entry.turn) for entry in ledger.said if entry.kind == "met"}
        said += [
            _said(mark, seen, by, mark.lap)
            for mark in clocks.marks
            if mark.kind == "met" and (mark.clock, mark.started, mark.lap) not in met
        ]
        plan = clocks.signature()
        if plan != ledger.plan:
            ledger.plan = plan
            said.append(Said("scheduled", at, seen, by))
            ledger.schedule = self._id(said[-1])
        ledger.said += said
        return said

    def _standing(self, clocks: TicketClocks) -> list[Said]:
        """Breaches that were announced, not taken back, and are not true."""
        standing: dict[tuple[str | None, int, int], Said] = {}
        for entry in self._ledger.said:
            if entry.kind == "breached":
                standing[entry.key] = entry
            elif entry.kind == "retracted":
                standing.pop(entry.key, None)
        true = {mark.key for mark in clocks.marks if mark.kind == "breached"}
        return [entry for key, entry in standing.items() if key not in true]

    def _unsaid(self, clocks: TicketClocks) -> list[Mark]:
        """Warnings and breaches, past and to come, that were not announced (or were taken back)."""
        warned, breached = set(), set()
        for entry in self._ledger.said:
            if entry.kind == "warned":
                warned.add((entry.clock, entry.started, entry.promise, entry.percent))
            elif entry.kind == "breached":
                breached.add(entry.key)
            elif entry.kind == "retracted":
                breached.discard(entry.key)
        return [
            mark
            for mark in clocks.marks
            if (mark.kind == "warned" and (mark.clock, mark.started, mark.promise, mark.percent) not in warned)
            or (mark.kind == "breached" and mark.key not in breached)
        ]

    def _overdue(self, clocks: TicketClocks, now: int) -> list[Said]:
        retracted = [entry.key for entry in self._ledger.said if entry.kind == "retracted"]
        said = [
            _said(mark, now, BY_TIME, retracted.count(mark.key) if mark.kind == "breached" else 0)
            for mark in self._unsaid(clocks)
            if mark.at <= now
        ]
        self._ledger.said += said
        return said

    def _look_again(self, clocks: TicketClocks, seen: int) -> None:
        """Sets ``next`` after a fact. A look that is due already is not put off by later facts."""
        ahead = min((mark.at for mark in self._unsaid(clocks)), default=None)
        if ahead is not None and ahead < seen:
            settled = seen + SETTLE
            ahead = settled if self._ledger.next is None else min(settled, self._ledger.next)
        self._ledger.next = ahead

    def _again(self, index: int) -> list[SlaEvent]:
        clocks = self._fold(index + 1)
        return [self._event(entry, clocks) for entry in self._ledger.said if entry.by == index]

    def _event(self, entry: Said, clocks: TicketClocks) -> SlaEvent:
        ledger = self._ledger
        cause = {BY_TIME: ledger.schedule, BY_POLICY: self._policy.fingerprint}.get(entry.by)
        scheduled = entry.kind == "scheduled"
        return SlaEvent(
            id=self._id(entry),
            tenant=ledger.tenant,
            at=from_us(entry.at),
            kind=entry.kind,
            ticket_id=ledger.ticket_id,
            cause=ledger.facts[entry.by].id if cause is None else cause,
            detected_at=from_us(entry.seen),
            clock=entry.clock,
            due_at=None if scheduled else from_us(entry.due),
            percent=entry.percent if entry.kind == "warned" else None,
            unit=entry.unit,
            rule=entry.rule,
            late=entry.seen - entry.at > LATE,
            clocks=clocks.due(entry.seen) if scheduled else (),
        )

    def _id(self, entry: Said) -> str:
        ledger = self._ledger
        if entry.kind == "scheduled":
            cause = self._policy.fingerprint if entry.by == BY_POLICY else ledger.facts[entry.by].id
            return derived_id(ledger.ticket_id, entry.kind, cause)
        return derived_id(
            ledger.ticket_id,
            entry.clock or "",
            entry.kind,
            str(entry.percent),
            from_us(entry.due).isoformat(),
            str(entry.started if entry.kind == "warned" else entry.turn),
        )


def _said(mark: Mark, seen: int, by: int, turn: int) -> Said:
    return Said(
        kind=mark.kind,
        at=mark.at,
        seen=seen,
        by=by,
        clock=mark.clock,
        percent=mark.percent,
        due=mark.due,
        started=mark.started,
        promise=mark.promise,
        turn=turn,
        rule=mark.rule,
        unit=mark.unit,
    )
