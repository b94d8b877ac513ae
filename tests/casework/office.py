"""One ticket's events, and a stage with state and outbox in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from casework.stage import CaseworkStage
from pipeline.stage import Message
from schemas.base import Record, encode
from schemas.case import Actor, Case, ClockDue, Command, Fact
from schemas.events import SlaEvent
from schemas.ticket import Assignment, Candidate, Judgement, Place, Reading, TicketEvent
from schemas.topics import ASSIGNMENTS, CASES, COMMANDS, PROGRESS, SLA, TICKETS, Topic

TICKET = "ticketa"
MONDAY = datetime(2026, 11, 23, 2, tzinfo=UTC)
UNITS = {
    "DBM": "Dinas Bina Marga",
    "DISHUB": "Dinas Perhubungan",
    "SATPOLPP": "Satuan Polisi Pamong Praja",
    "KEL:31.74.07.1009": "Kelurahan Selong",
}
CITIZEN = Actor(role="citizen", account="p1")
DESK = Actor(role="desk", unit="BIRO-PEM", account="a-desk")
COUNTER = Actor(role="counter", unit="BIRO-PEM", account="a-counter")
SYSTEM = Actor(role="system")


def officer(unit: str) -> Actor:
    return Actor(role="officer", unit=unit, account=f"a-{unit}")


def hours(count: float) -> datetime:
    return MONDAY + timedelta(hours=count)


def reading(category: str = "jalan-rusak", place: Place | None = None) -> Reading:
    sure = Judgement(value="complaint", confidence=0.9)
    return Reading(
        intent=sure,
        category=Judgement(value=category, confidence=0.9),
        place=place or Place(method="none", confidence=0),
        language=Judgement(value="id", confidence=1),
        masked_text="jalan rusak",
    )


def ticket(kind: Any = "opened", name: str | None = None, at: datetime = MONDAY, **more: Any) -> TicketEvent:
    fields = {"text": "Jalan berlubang", "author": "p1", "reading": reading(), **more}
    return TicketEvent(
        id=name or f"e-{kind}",
        tenant="jakarta",
        at=at,
        kind=kind,
        ticket_id=TICKET,
        number="JK2611230001",
        channel="whatsapp",
        account="628110000001",
        received_at=at + timedelta(minutes=1),
        **fields,
    )


def assignment(unit: str | None = "DBM", name: str = "r-1", at: datetime = MONDAY) -> Assignment:
    return Assignment(
        id=name,
        tenant="jakarta",
        at=at,
        ticket_id=TICKET,
        decision="assigned" if unit else "review",
        opd=(Candidate(code=unit, name=UNITS[unit], confidence=0.9),) if unit else (),
        reasons=("Aturan 2.",),
        rulebook="1",
        cause="e-opened",
    )


def command(kind: Any, actor: Actor, name: str | None = None, at: datetime = MONDAY, **more: Any) -> Command:
    unit = more.get("unit")
    more.setdefault("unit_name", UNITS.get(unit) if unit else None)
    return Command(id=name or f"c-{kind}", tenant="jakarta", at=at, kind=kind, ticket_id=TICKET, actor=actor, **more)


def clock(name: str, due: datetime, state: Any = "running") -> ClockDue:
    return ClockDue(clock=name, due_at=due, started_at=MONDAY, state=state)


def sla(kind: Any, name: str | None = None, at: datetime = MONDAY, **more: Any) -> SlaEvent:
    return SlaEvent(
        id=name or f"s-{kind}", tenant="jakarta", at=at, kind=kind, ticket_id=TICKET, cause="f", detected_at=at, **more
    )


def topic_of(record: Record) -> Topic:
    kinds: Mapping[type[Record], Topic] = {
        TicketEvent: TICKETS,
        Assignment: ASSIGNMENTS,
        Command: COMMANDS,
        SlaEvent: SLA,
    }
    return kinds[type(record)]


class Office:
    """The stage with its table (``rows``) and what it sent. Messages are stamped a second apart."""

    def __init__(self) -> None:
        self.rows: dict[str, bytes] = {}
        self.facts: list[Fact] = []
        self.cases: list[Case] = []
        self.buried: list[str] = []
        self._stage = CaseworkStage()
        self._offset = 0

    def get(self, key: str) -> bytes | None:
        return self.rows.get(key)

    def put(self, key: str, value: bytes) -> None:
        self.rows[key] = value

    def delete(self, key: str) -> None:
        del self.rows[key]

    def send(self, topic: Topic, key: str, record: Record) -> None:
        assert key == TICKET
        if isinstance(record, Fact):
            assert topic == PROGRESS
            self.facts.append(record)
        else:
            assert isinstance(record, Case)
            assert topic == CASES
            self.cases.append(record)

    def send_sealed(self, topic: Topic, key: str, plain: bytes, headers: Mapping[str, str]) -> str:
        raise AssertionError("casework seals nothing")

    def dead(self, message: Message, reason: str, detail: str = "") -> None:
        self.buried.append(reason)

    def message(self, record: Record) -> Message:
        self._offset += 1
        stamp = hours(1000) + timedelta(seconds=self._offset)
        return Message(topic_of(record).name, 0, self._offset, TICKET, encode(record), timestamp=stamp)

    def process(self, messages: Sequence[Message]) -> None:
        asyncio.run(self._stage.process(messages, self, self))

    def take(self, *records: Record) -> Case:
        """Each record in a batch of its own; the case after the last."""
        for record in records:
            self.process([self.message(record)])
        return self.case

    @property
    def case(self) -> Case:
        return self.cases[-1]

    @property
    def kinds(self) -> list[str]:
        return [fact.kind for fact in self.case.history]


def opened() -> Office:
    """An office with a ticket at Bina Marga, status menunggu."""
    office = Office()
    office.take(ticket(), assignment())
    return office
