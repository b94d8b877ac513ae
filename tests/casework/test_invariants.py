"""Whatever comes, in whatever order and how often: no gap, one fact a cause, and duplicates change nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pipeline.stage import Message
from schemas.base import Record
from schemas.case import Actor, Case
from tests.casework.office import (
    CITIZEN,
    COUNTER,
    DESK,
    TICKET,
    UNITS,
    Office,
    assignment,
    clock,
    command,
    hours,
    officer,
    sla,
    ticket,
)

ids = st.integers(0, 10_000).map(str)
times = st.integers(0, 1000).map(hours)
units = st.sampled_from(sorted(UNITS))
actors: st.SearchStrategy[Actor] = st.sampled_from([CITIZEN, DESK, COUNTER]) | units.map(officer)
texts = st.none() | st.sampled_from(["", "Sudah dikerjakan"])
kinds = st.sampled_from(
    ["assign", "accept", "forward", "progress", "ask", "answer", "extend", "close", "reopen", "rate", "note", "attach"]
)
tickets = st.builds(
    lambda kind, name, at, version: ticket(kind, f"{kind}-{name}", at, version=version),
    st.sampled_from(["opened", "followup", "amended", "withdrawn"]),
    ids,
    times,
    st.integers(1, 4),
)
assignments = st.builds(lambda unit, name, at: assignment(unit, f"r{name}", at), st.none() | units, ids, times)
commands = st.builds(
    lambda kind, actor, name, at, seen, text, unit, until, rating: command(
        kind, actor, f"c{name}", at, seen=seen, text=text, unit=unit, until=until, rating=rating
    ),
    kinds,
    actors,
    ids,
    times,
    st.none() | st.integers(0, 20),
    texts,
    st.none() | units,
    st.none() | times,
    st.none() | st.integers(0, 6),
)
slas = st.builds(
    lambda kind, name, at, due: sla(
        kind, f"s{name}", at, clock="a", due_at=due, clocks=(clock("a", due),) if kind == "scheduled" else ()
    ),
    st.sampled_from(["scheduled", "warned", "breached", "met", "retracted"]),
    ids,
    times,
    times,
)
records: st.SearchStrategy[Record] = tickets | assignments | commands | slas


def final(batches: list[list[Message]]) -> Case | None:
    """The case in the table after the batches; None while it is not opened."""
    office = Office()
    for batch in batches:
        office.process(batch)
    return office.cases[-1] if office.cases else None


def singly(messages: list[Message]) -> list[list[Message]]:
    return [[message] for message in messages]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(records, max_size=25, unique_by=lambda record: record.id), st.data())
def test_duplicates_and_batching_change_nothing(events: list[Record], data: Any) -> None:
    messages = [Office().message(ticket())] + [Office().message(event) for event in events]
    expected = final(singly(messages))
    repeated = list(messages)
    for position in data.draw(st.lists(st.integers(0, len(messages) - 1), max_size=10)):
        again = data.draw(st.integers(position + 1, len(messages)))
        repeated.insert(repeated.index(messages[again - 1]) + 1, messages[position])
    assert final(singly(repeated)) == expected
    cut = data.draw(st.integers(0, len(repeated)))
    assert final([repeated[:cut], repeated[cut:]]) == expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(records, max_size=15, unique_by=lambda record: record.id), st.data())
def test_when_the_opening_comes_does_not_matter(events: list[Record], data: Any) -> None:
    events = [event for event in events if getattr(event, "kind", "") != "opened"]
    opening = Office().message(ticket())
    messages = [Office().message(event) for event in events]
    expected = final(singly([opening, *messages]))
    late = data.draw(st.integers(0, len(messages)))
    assert final(singly([*messages[:late], opening, *messages[late:]])) == expected


class Conversation(RuleBasedStateMachine):
    """New events and repeated ones, one after another."""

    def __init__(self) -> None:
        super().__init__()
        self.office = Office()
        self.sent: list[Message] = []
        self.causes: set[str] = set()

    @rule(record=records)
    def new(self, record: Record) -> None:
        self.causes.add(record.id)
        self.sent.append(self.office.message(record))
        self.office.process(self.sent[-1:])

    @rule()
    def opened(self) -> None:
        self.new(ticket(name="e-first"))

    @rule(which=st.integers(0, 1000))
    def again(self, which: int) -> None:
        if self.sent:
            self.office.process([self.sent[which % len(self.sent)]])

    @invariant()
    def facts_are_numbered_without_gaps_one_a_cause(self) -> None:
        if not self.office.cases:
            assert self.office.facts == []
            return
        history = self.office.case.history
        assert [fact.seq for fact in history] == list(range(1, len(history) + 1))
        assert self.office.case.seq == len(history)
        assert {fact.cause for fact in history} == self.causes
        assert len(history) == len(self.causes)
        assert len({fact.id for fact in history}) == len(history)

    @invariant()
    def what_was_sent_is_what_is_kept(self) -> None:
        if self.office.cases:
            by_id = {fact.id: fact for fact in self.office.case.history}
            assert {fact.id for fact in self.office.facts} == set(by_id)
            assert all(by_id[fact.id] == fact for fact in self.office.facts)

    @invariant()
    def the_case_makes_sense(self) -> None:
        if not self.office.cases:
            return
        case = self.office.case
        assert case.id == TICKET
        assert case.history[-1].status == case.status
        assert case.history[-1].unit == case.unit
        assert (case.question is not None) <= (case.status == "menunggu_warga")
        assert (case.status != "tinjauan") or case.unit is None
        assert (case.status not in {"proses", "koordinasi"}) or case.unit is not None
        assert (case.status == "selesai") <= (case.resolved_at is not None)


Conversation.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestConversation = Conversation.TestCase
