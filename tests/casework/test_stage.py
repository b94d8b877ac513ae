from __future__ import annotations

import pytest

from casework.stage import ROW_LIMIT
from pipeline.stage import Message
from schemas.base import Record, encode
from schemas.ticket import TicketEvent
from schemas.topics import ASSIGNMENTS, COMMANDS, SLA, TICKETS
from tests.casework.office import DESK, Office, assignment, clock, command, hours, officer, opened, sla, ticket

EARLY: list[Record] = [
    assignment(),
    command("accept", officer("DBM")),
    sla("scheduled", clocks=(clock("a", hours(6)),)),
    ticket("followup"),
]


def test_what_comes_before_the_ticket_waits_for_it() -> None:
    office = Office()
    for record in EARLY:
        office.process([office.message(record)])
    assert (office.facts, office.cases, office.buried) == ([], [], [])
    office.take(ticket())
    assert office.kinds == ["received", "routed", "accepted", "sla_scheduled", "followup"]
    assert office.facts == list(office.case.history)
    assert (office.case.status, office.case.due_at) == ("proses", hours(6))


def test_a_withdrawal_that_overtakes_its_message_withdraws_it() -> None:
    office = Office()
    office.process([office.message(ticket("withdrawn"))])
    office.take(ticket())
    assert (office.case.status, office.case.text, office.kinds) == ("dicabut", "", ["received", "withdrawn"])


def test_a_repeated_message_repeats_its_fact_and_nothing_else() -> None:
    office = Office()
    messages = [office.message(record) for record in [*EARLY, ticket(), command("close", DESK, text="Selesai")]]
    office.process(messages)
    facts, case, row = list(office.facts), office.case, dict(office.rows)
    for message in messages:
        office.process([message])
    assert office.rows == row
    assert {fact.id for fact in office.facts} == {fact.id for fact in facts}
    assert all(fact in facts for fact in office.facts)
    assert all(later == case for later in office.cases)


def test_the_repeated_opening_repeats_what_it_woke() -> None:
    office = Office()
    office.process([office.message(record) for record in EARLY])
    opening = office.message(ticket())
    office.process([opening])
    before = list(office.facts)
    office.take(command("note", DESK, text="x"))
    office.facts.clear()
    office.process([opening])
    assert office.facts == before


def test_an_early_message_that_comes_twice_waits_once() -> None:
    office = Office()
    for _ in range(2):
        office.process([office.message(assignment())])
    office.take(ticket())
    assert office.kinds == ["received", "routed"]


def test_a_batch_sends_the_case_once_and_whole() -> None:
    office = Office()
    office.process([office.message(record) for record in [ticket(), assignment(), command("note", DESK, text="x")]])
    assert [fact.seq for fact in office.facts] == [1, 2, 3]
    assert [case.seq for case in office.cases] == [3]


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        (TICKETS, "casework.not-a-ticket-event"),
        (ASSIGNMENTS, "casework.not-an-assignment"),
        (COMMANDS, "casework.not-a-command"),
        (SLA, "casework.not-an-sla-event"),
    ],
)
def test_what_does_not_decode_is_buried_and_its_neighbours_go_on(topic: object, reason: str) -> None:
    office = Office()
    name = getattr(topic, "name", "")
    broken = [Message(name, 0, 90 + number, "t", value) for number, value in enumerate([b"", b"[]", b"{}", b"\xff"])]
    office.process([*broken, office.message(ticket())])
    assert office.buried == [reason] * 4
    assert office.kinds == ["received"]


def test_a_record_under_another_key_is_buried() -> None:
    office = Office()
    office.process([Message(TICKETS.name, 0, 1, "another", encode(ticket()))])
    assert (office.buried, office.facts) == (["casework.foreign-key"], [])


def test_a_row_never_grows_beyond_what_travels() -> None:
    office = opened()
    long = "x" * 50_000
    batch: list[TicketEvent] = [ticket("followup", f"f{number}", text=long) for number in range(20)]
    office.process([office.message(event) for event in batch])
    assert set(office.buried) == {"casework.row-full"}
    assert len(office.rows[office.case.id]) < ROW_LIMIT
    assert [fact.seq for fact in office.case.history] == list(range(1, office.case.seq + 1))


def test_an_unstamped_message_is_recorded_at_its_own_time() -> None:
    office = Office()
    office.process([Message(TICKETS.name, 0, 1, ticket().ticket_id, encode(ticket()))])
    assert office.facts[0].recorded_at == ticket().at
