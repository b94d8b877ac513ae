from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pipeline.stage import Message
from router.rulebook import Rulebook
from router.stage import RouterStage
from schemas.base import Record, encode
from schemas.ticket import Assignment, Reading, TicketEvent
from schemas.topics import ASSIGNMENTS, TICKETS, Topic

MakeReading = Callable[..., Reading]
NOON = datetime(2026, 11, 23, 5, tzinfo=UTC)


class Collected:
    """An outbox that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[tuple[Topic, str, Record]] = []
        self.buried: list[tuple[int, str]] = []

    def send(self, topic: Topic, key: str, record: Record) -> None:
        self.sent.append((topic, key, record))

    def send_sealed(self, topic: Topic, key: str, plain: bytes, headers: Mapping[str, str]) -> str:
        raise AssertionError("the router seals nothing")

    def dead(self, message: Message, reason: str, detail: str = "") -> None:
        self.buried.append((message.offset, reason))


class NoState:
    def get(self, key: str) -> bytes | None:
        raise AssertionError("the router has no table")

    def put(self, key: str, value: bytes) -> None:
        raise AssertionError("the router has no table")

    def delete(self, key: str) -> None:
        raise AssertionError("the router has no table")


def event(kind: Any, **more: Any) -> TicketEvent:
    return TicketEvent(
        id=f"event-{kind}",
        tenant="jakarta",
        at=NOON,
        kind=kind,
        ticket_id="t1",
        number="JK2611230001",
        channel="whatsapp",
        account="a",
        received_at=NOON,
        **more,
    )


async def run(rulebook: Rulebook, *values: bytes) -> Collected:
    out = Collected()
    messages = [Message(TICKETS.name, 0, offset, "t1", value, timestamp=NOON) for offset, value in enumerate(values)]
    await RouterStage(rulebook).process(messages, NoState(), out)
    return out


async def test_an_opened_ticket_is_assigned(rulebook: Rulebook, reading: MakeReading) -> None:
    opened = event("opened", reading=reading("parkir liar di trotoar", "parkir-liar"))
    out = await run(rulebook, encode(opened))
    [(topic, key, record)] = out.sent
    assert (topic, key) == (ASSIGNMENTS, "t1")
    assert isinstance(record, Assignment)
    assert (record.decision, record.opd[0].code, record.cause) == ("assigned", "DISHUB", opened.id)
    assert record.rulebook == rulebook.version


async def test_a_duplicate_emits_the_same_record(rulebook: Rulebook, reading: MakeReading) -> None:
    value = encode(event("opened", reading=reading("parkir liar", "parkir-liar")))
    out = await run(rulebook, value, value)
    assert out.sent[0] == out.sent[1]


async def test_another_edition_decides_anew(rulebook: Rulebook, reading: MakeReading) -> None:
    value = encode(event("opened", reading=reading("parkir liar", "parkir-liar")))
    [(_, _, first)] = (await run(rulebook, value)).sent
    [(_, _, second)] = (await run(replace(rulebook, version="2027.1"), value)).sent
    assert first.id != second.id


async def test_only_what_may_change_the_unit_is_routed(rulebook: Rulebook, reading: MakeReading) -> None:
    read = reading("parkir liar", "parkir-liar")
    values = [
        encode(event("followup", reading=read)),
        encode(event("withdrawn")),
        encode(event("amended")),
        encode(event("amended", reading=read)),
        encode(event("opened")),
    ]
    out = await run(rulebook, *values)
    assert [(record.cause, record.decision) for _, _, record in out.sent if isinstance(record, Assignment)] == [
        ("event-amended", "assigned"),
        ("event-opened", "review"),
    ]


async def test_what_is_no_ticket_event_is_buried_and_its_neighbours_go_on(
    rulebook: Rulebook, reading: MakeReading
) -> None:
    good = encode(event("opened", reading=reading("parkir liar", "parkir-liar")))
    out = await run(rulebook, b"{", b'{"kind":"opened"}', good)
    assert out.buried == [(0, "router.not-a-ticket-event"), (1, "router.not-a-ticket-event")]
    assert len(out.sent) == 1
