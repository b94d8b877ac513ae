"""The clocks against a naive oracle, and one worked example for each rule of a run."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.case import ClockDue, Fact
from sla_monitor.clocks import TicketClocks, fold
from sla_monitor.instants import from_us, to_us
from sla_monitor.policy import Policy, load_policy
from tests.sla_monitor.harness import LURAH, START, make_fact
from tests.sla_monitor.histories import END, STEP, facts_of, histories
from tests.sla_monitor.oracle import Event, truths
from tests.sla_monitor.test_policy import rule, write

POLICY = load_policy()


def marks(clocks: TicketClocks, until: datetime) -> list[tuple[str, str, int, Fraction]]:
    """What is true up to ``until``, in the oracle's terms; a percentage said again after an extension counts again."""
    step = STEP // timedelta(microseconds=1)
    return sorted(
        (mark.kind, mark.clock, mark.percent, Fraction(mark.at - to_us(START), step))
        for mark in clocks.marks
        if mark.at <= to_us(until)
    )


@settings(max_examples=60, deadline=None)
@given(events=histories())
def test_what_the_clocks_say_is_what_walking_through_time_says(events: list[Event]) -> None:
    assert marks(fold(facts_of(events), POLICY), START + END * STEP) == sorted(truths(events, END))


@settings(max_examples=60, deadline=None)
@given(events=histories(), seed=st.integers(0, 1000))
def test_order_of_arrival_and_duplicates_change_nothing(events: list[Event], seed: int) -> None:
    facts = facts_of(events)
    mixed = facts + facts[: seed % 4]
    random.Random(seed).shuffle(mixed)
    straight, crooked = fold(facts, POLICY), fold(mixed, POLICY)
    assert (crooked.marks, crooked.signature()) == (straight.marks, straight.signature())
    now = to_us(START + END * STEP)
    assert crooked.due(now) == straight.due(now)


def hours_until(moment: datetime) -> float:
    return (moment - START) / timedelta(hours=1)


def clock(name: str, *facts: Fact, policy: Policy = POLICY, now: float = 1) -> ClockDue | None:
    """The clock's state at ``now`` hours after ``START``."""
    clocks = fold(facts, policy).due(to_us(START + timedelta(hours=now)))
    return next((clock for clock in clocks if clock.clock == name), None)


def due_in(name: str, *facts: Fact, policy: Policy = POLICY) -> float | None:
    found = clock(name, *facts, policy=policy)
    return hours_until(found.due_at) if found else None


RECEIVED = make_fact("received", 0, seq=1)
TO_LURAH = make_fact("routed", 2, seq=2, unit=LURAH)
WEEK = 7 * 24


def test_a_new_ticket_has_two_clocks_and_a_lurah_a_third() -> None:
    assert [c.clock for c in fold([RECEIVED], POLICY).due(0)] == ["koordinasi", "penyelesaian"]
    assert due_in("koordinasi", RECEIVED) == 6
    assert due_in("penyelesaian", RECEIVED, TO_LURAH) == WEEK
    assert due_in("lurah", RECEIVED, TO_LURAH) == 26


def test_instants_are_exact_to_the_microsecond() -> None:
    odd = timedelta(microseconds=123_457)
    fact = make_fact("received", at=START + odd, recorded_at=START + odd)
    assert [from_us(mark.at) - START - odd for mark in fold([fact], POLICY).marks if mark.clock == "koordinasi"] == [
        timedelta(hours=3),
        timedelta(hours=4, minutes=30),
        timedelta(hours=5, minutes=24),
        timedelta(hours=6),
    ]


@pytest.mark.parametrize(("hours", "state"), [(6, "met"), (6 + 1 / 3600, "breached")])
def test_the_last_instant_is_still_in_time(hours: float, state: str) -> None:
    found = clock("koordinasi", RECEIVED, make_fact("assigned", hours, unit="DISHUB"), now=7)
    assert found is not None
    assert found.state == state


@pytest.mark.parametrize(
    ("now", "state"), [(2.9, "running"), (3, "warned"), (5.9, "warned"), (6, "breached"), (99, "breached")]
)
def test_states_follow_the_time(now: float, state: str) -> None:
    found = clock("koordinasi", RECEIVED, now=now)
    assert found is not None
    assert found.state == state


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([("asked", 24), ("answered", 48)], WEEK + 24),
        ([("asked", 24), ("answered", 48), ("asked", 72), ("answered", 73)], WEEK + 25),
        ([("asked", 24), ("asked", 30), ("answered", 48), ("answered", 60)], WEEK + 24),
        ([("asked", 24), ("progressed", 26), ("answered", 48)], WEEK + 2),
        ([("asked", 200), ("answered", 300)], WEEK),  # after the due instant nothing moves any more
        ([("resolved", 100), ("reopened", 200)], WEEK),
        ([("asked", 24), ("resolved", 48), ("reopened", 60)], WEEK + 24),
        ([("resolved", 100), ("answered", 110)], WEEK),
    ],
)
def test_pauses_and_reopenings(facts: list[tuple[str, float]], expected: float) -> None:
    history = [make_fact(kind, at, seq=number) for number, (kind, at) in enumerate(facts, start=2)]  # type: ignore[arg-type]
    assert due_in("penyelesaian", RECEIVED, *history) == expected


@pytest.mark.parametrize(
    ("given_at", "until", "expected"),
    [(100, 300, 300), (100, 120, WEEK), (168, 300, 300), (168.001, 300, WEEK)],
)
def test_an_extension_moves_the_due_instant_forward_if_given_in_time(
    given_at: float, until: float, expected: float
) -> None:
    extended = make_fact("extended", given_at, until=START + timedelta(hours=until))
    assert due_in("penyelesaian", RECEIVED, extended) == expected


def test_the_newest_extension_counts_and_a_pause_shifts_it() -> None:
    history = [
        make_fact("extended", 10, until=START + timedelta(hours=400)),
        make_fact("extended", 20, until=START + timedelta(hours=300)),
        make_fact("asked", 30),
        make_fact("answered", 35),
    ]
    assert due_in("penyelesaian", RECEIVED, *history) == 305


def test_an_extension_on_a_calendar_is_due_when_it_says_even_outside_hours(tmp_path: Path) -> None:
    policy = write(tmp_path, "rules:\n" + rule(calendar="kantor-jakarta", more="    extension: true\n"))
    saturday = datetime(2026, 11, 28, 3, tzinfo=UTC)
    assert due_in("koordinasi", RECEIVED, make_fact("extended", 1, until=saturday), policy=policy) == hours_until(
        saturday
    )


def test_a_working_calendar_skips_the_night(tmp_path: Path) -> None:
    policy = write(tmp_path, "rules:\n" + rule(limit="10 jam", calendar="kantor-jakarta"))
    assert due_in("koordinasi", RECEIVED, policy=policy) == 25.5  # 08:00 to 16:00, and two hours of the next morning


def test_withdrawn_tickets_have_no_running_clock() -> None:
    withdrawn = fold([RECEIVED, TO_LURAH, make_fact("withdrawn", 3)], POLICY)
    assert {c.clock: c.state for c in withdrawn.due(to_us(START + timedelta(days=30)))} == {
        "koordinasi": "met",
        "lurah": "cancelled",
        "penyelesaian": "cancelled",
    }


def test_the_lurah_clock_follows_the_ticket() -> None:
    other = make_fact("forwarded", 5, unit="KEL:31.74.07.1002", seq=3)
    clocks = fold([RECEIVED, TO_LURAH, other], POLICY)
    assert [
        (run.unit, run.phase, hours_until(from_us(run.due))) for run in clocks.runs if run.rule.clock == "lurah"
    ] == [
        (LURAH, "met", 26),
        ("KEL:31.74.07.1002", "running", 29),
    ]


def test_the_desk_takes_the_ticket_from_a_lurah_without_a_breach() -> None:
    found = clock("lurah", RECEIVED, TO_LURAH, make_fact("assigned", 5, unit="DISHUB"), now=100)
    assert found is not None
    assert found.state == "cancelled"


def test_a_lurah_given_the_same_ticket_again_gets_no_new_day() -> None:
    again = make_fact("assigned", 20, unit=LURAH, seq=3)
    assert due_in("lurah", RECEIVED, TO_LURAH, again) == 26


def test_a_fact_dated_before_the_receipt_counts_as_of_the_receipt() -> None:
    found = clock("koordinasi", RECEIVED, make_fact("routed", -0.05, seq=2, unit="DISHUB"))
    assert found is not None
    assert found.state == "met"


def test_another_category_recomputes_from_the_start(tmp_path: Path) -> None:
    urgent = rule("darurat", limit="30 menit", more="    applies: {categories: [kebakaran]}\n")
    policy = write(tmp_path, "rules:\n" + urgent + rule("umum"))
    assert due_in("koordinasi", make_fact("received", category="taman"), policy=policy) == 6
    changed = make_fact("amended", 1, category="kebakaran", seq=2)
    assert due_in("koordinasi", make_fact("received", category="taman"), changed, policy=policy) == 0.5


def test_without_facts_or_rules_there_are_no_clocks() -> None:
    assert fold([], POLICY).due(0) == ()
    long_ago = make_fact("received", at=datetime(1955, 1, 1, tzinfo=UTC))
    assert fold([long_ago], POLICY).due(0) == ()


def test_a_warning_at_closing_time_is_not_given_again_after_a_pause_in_the_night(tmp_path: Path) -> None:
    pausing = "    pauses_on: [asked]\n    resumes_on: [answered]\n"
    policy = write(tmp_path, "rules:\n" + rule(limit="16 jam", calendar="kantor-jakarta", more=pausing))
    clocks = fold([RECEIVED, make_fact("asked", 10), make_fact("answered", 25)], policy)
    assert [(mark.percent, hours_until(from_us(mark.at))) for mark in clocks.marks][:2] == [(50, 8), (75, 29)]
