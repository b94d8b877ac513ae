"""The live monitor: everything once, across lateness, crashes, restarts, downtime and clocks set back."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.base import encode
from schemas.case import Fact
from schemas.events import SlaEvent
from sla_monitor.clocks import fold
from sla_monitor.instants import to_us
from sla_monitor.journal import SETTLE
from sla_monitor.policy import Policy, load_policy
from tests.sla_monitor.harness import LURAH, START, Frame, make_fact, said
from tests.sla_monitor.histories import END, STEP, facts_of, histories
from tests.sla_monitor.oracle import Event
from tests.sla_monitor.test_policy import rule, write

POLICY = load_policy()
RECEIVED = make_fact("received", 0, seq=1)
ROUTED = make_fact("routed", 0.5, seq=2, unit="DISHUB")


def at(hours: float) -> object:
    return START + timedelta(hours=hours)


async def test_a_ticket_gets_its_schedule_and_meets_its_clock(frame: Frame) -> None:
    (scheduled,) = await frame.take(RECEIVED)
    assert [(clock.clock, clock.due_at, clock.state) for clock in scheduled.clocks] == [
        ("koordinasi", at(6), "running"),
        ("penyelesaian", at(168), "running"),
    ]
    assert (scheduled.kind, scheduled.cause, scheduled.at) == ("scheduled", RECEIVED.id, START)
    assert said(await frame.take(ROUTED)) == [("met", "koordinasi", None)]


async def test_warnings_and_the_breach_come_when_they_are_due_and_once(frame: Frame) -> None:
    (scheduled,) = await frame.take(RECEIVED)
    for hours, expected in [
        (2.99, []),
        (3, [("warned", "koordinasi", 50)]),
        (3.01, []),
        (4.5, [("warned", "koordinasi", 75)]),
        (5.5, [("warned", "koordinasi", 90)]),
        (5.99, []),
    ]:
        assert said(await frame.tick(hours)) == expected
    (breach,) = await frame.tick(6.01)
    assert (breach.kind, breach.clock, breach.at, breach.due_at) == ("breached", "koordinasi", at(6), at(6))
    assert (breach.detected_at, breach.late, breach.cause) == (at(6.01), False, scheduled.id)
    assert await frame.tick(7) == []


async def test_a_fact_after_the_breach_dated_before_it_takes_it_back(frame: Frame) -> None:
    await frame.take(RECEIVED)
    breach = (await frame.tick(6.5))[-1]
    retracted, met = await frame.take(make_fact("routed", 5, learned=7, unit="DISHUB"))
    assert (retracted.kind, retracted.due_at, retracted.at) == ("retracted", breach.due_at, at(7))
    assert (met.kind, met.at) == ("met", at(5))
    assert not any(event.clock == "koordinasi" for event in await frame.tick(100))


async def test_a_breach_taken_back_can_become_true_again_under_another_id(frame: Frame) -> None:
    await frame.take(RECEIVED, ROUTED)
    first = (await frame.tick(169))[-1]
    await frame.take(make_fact("resolved", 100, learned=170))
    await frame.take(make_fact("reopened", 171))
    again = (await frame.tick(172))[-1]
    assert [(event.kind, event.due_at) for event in (first, again)] == [("breached", at(168))] * 2
    assert first.id != again.id


async def test_a_duplicate_says_the_same_again(frame: Frame) -> None:
    first = await frame.take(RECEIVED)
    met = await frame.take(ROUTED)
    await frame.tick(100)
    assert await frame.take(RECEIVED) == first
    assert await frame.take(ROUTED) == met
    assert await frame.tick(101) == []


async def test_its_own_echo_and_talk_change_nothing(frame: Frame) -> None:
    await frame.take(RECEIVED)
    rows = dict(frame.rows)
    echo = make_fact("sla_scheduled", 1, seq=3)
    talk = [make_fact(kind, hour) for hour, kind in enumerate(("noted", "followup", "rated", "attached"), 1)]
    assert await frame.take(echo, *talk) == []
    assert frame.rows == rows


async def test_what_is_no_fact_is_a_dead_letter_and_its_neighbours_go_on(frame: Frame) -> None:
    sent = await frame.take(b"{", RECEIVED, b'{"kind": "received"}', b"\xff")
    assert frame.dead == ["sla.not-a-fact"] * 3
    assert said(sent) == [("scheduled", None, None)]


async def test_an_instant_beyond_all_calendars_is_a_dead_letter(frame: Frame) -> None:
    end_of_time = encode(RECEIVED).replace(b"2026-11-23", b"9999-12-30")
    assert await frame.take(end_of_time, ROUTED) == []
    assert frame.dead == ["sla.out-of-time"]


async def test_a_restart_fires_nothing_twice_and_nothing_less(frame: Frame) -> None:
    await frame.take(RECEIVED)
    await frame.tick(3)
    frame.restart()
    assert await frame.tick(3.1) == []
    assert said(await frame.tick(6)) == [
        ("warned", "koordinasi", 75),
        ("warned", "koordinasi", 90),
        ("breached", "koordinasi", None),
    ]
    frame.restart()
    assert await frame.tick(7) == []


async def test_26_hours_of_downtime_fire_everything_once_marked_late(frame: Frame) -> None:
    await frame.take(RECEIVED, make_fact("routed", 1, unit=LURAH, seq=2))
    await frame.tick(1)
    frame.restart()
    events = await frame.tick(27)
    assert [(event.kind, event.percent, event.at, event.late) for event in events] == [
        ("warned", 50, at(13), True),
        ("warned", 75, at(19), True),
        ("warned", 90, at(22.6), True),
        ("breached", None, at(25), True),
    ]
    assert await frame.tick(27.01) == []


async def test_the_clock_set_back_an_hour_fires_nothing_twice(frame: Frame) -> None:
    await frame.take(RECEIVED)
    await frame.tick(3.5)
    assert [await frame.tick(hours) for hours in (2.5, 3, 3.5, 4.4)] == [[], [], [], []]
    assert said(await frame.tick(4.5)) == [("warned", "koordinasi", 75)]


async def test_outputs_whose_table_write_was_lost_come_again_with_the_same_ids(frame: Frame) -> None:
    lost = await frame.take(RECEIVED, lose_table=True)
    assert [event.id for event in await frame.take(RECEIVED)] == [event.id for event in lost]
    once = await frame.tick(3, lose_table=True)
    assert [event.id for event in await frame.tick(3.01)] == [event.id for event in once] != []


async def test_a_batch_that_was_given_up_leaves_no_trace_in_the_index(frame: Frame) -> None:
    await frame.take(RECEIVED)
    await frame.tick(0)
    await frame.take(make_fact("assigned", 1, unit="DISHUB"), lose_table=True)
    assert said(await frame.tick(3)) == [("warned", "koordinasi", 50)]


async def test_backdated_facts_that_come_together_make_no_breach(frame: Frame) -> None:
    frame.clock.moment = START + timedelta(days=9)
    await frame.take(RECEIVED)
    assert await frame.tick(9 * 24) == []
    await frame.take(make_fact("routed", 1, unit="DISHUB"), make_fact("resolved", 100))
    assert not any(event.kind == "breached" for event in await frame.tick(9 * 24 + 1))


async def test_a_backdated_ticket_on_its_own_is_breached_after_a_minute(frame: Frame) -> None:
    frame.clock.moment = START + timedelta(hours=30)
    await frame.take(RECEIVED)
    assert await frame.tick(30 + 59 / 3600) == []
    events = await frame.tick(30 + 60 / 3600)
    assert said(events)[-1] == ("breached", "koordinasi", None)
    assert all(event.late for event in events)


async def test_the_schedule_is_told_again_when_a_clock_pauses_moves_or_is_reopened(frame: Frame) -> None:
    await frame.take(RECEIVED, ROUTED)
    states: list[tuple[str, object]] = []
    for fact in (
        make_fact("asked", 10),
        make_fact("answered", 20),
        make_fact("progressed", 21),
        make_fact("extended", 30, until=START + timedelta(hours=400)),
        make_fact("resolved", 40),
        make_fact("reopened", 50),
        make_fact("withdrawn", 60),
    ):
        frame.clock.moment = fact.at
        states += [(e.clocks[1].state, e.clocks[1].due_at) for e in await frame.take(fact) if e.kind == "scheduled"]
    assert states == [
        ("paused", at(168)),
        ("running", at(178)),
        ("running", at(400)),
        ("running", at(400)),
        ("cancelled", at(400)),
    ]


async def test_a_partition_that_left_is_forgotten(frame: Frame) -> None:
    await frame.take(RECEIVED)
    await frame.tick(0)
    frame.stage.revoked(0)
    assert await frame.tick(100) == []
    frame.stage.recovered(0, frame.rows.items())
    assert len(await frame.tick(100)) == 5


async def test_a_new_policy_takes_effect_on_running_tickets_once(frame: Frame, tmp_path: Path) -> None:
    await frame.take(RECEIVED)
    await frame.tick(6)
    longer = write(tmp_path, "rules:\n" + rule(limit="8 jam"))
    frame.restart(longer)
    retracted, scheduled = await frame.tick(6.5)
    assert (retracted.kind, retracted.due_at, retracted.cause) == ("retracted", at(6), longer.fingerprint)
    assert [(c.clock, c.due_at) for c in scheduled.clocks] == [("koordinasi", at(8))]
    frame.restart(longer)
    assert [event.at for event in await frame.tick(8) if event.kind == "breached"] == [at(8)]


@pytest.mark.parametrize("started", ["2027-12-30", "2031-01-01"])
async def test_a_calendar_without_the_year_is_a_retryable_dead_letter(tmp_path: Path, started: str) -> None:
    policy = write(tmp_path, "rules:\n" + rule(limit="20 jam", calendar="kantor-jakarta"))
    frame = Frame(policy)
    far = encode(RECEIVED).replace(b"2026-11-23", started.encode())
    assert said(await frame.take(far, make_fact("received", 0, ticket_id="t2", id="x"))) == [("scheduled", None, None)]
    assert frame.dead == ["sla.calendar-gap"]


async def test_a_calendar_that_lost_a_year_stops_only_its_tickets(frame: Frame, tmp_path: Path, policy: Policy) -> None:
    await frame.take(RECEIVED)
    narrow = write(tmp_path, "rules:\n" + rule(limit="9000 jam", calendar="kantor-jakarta"))
    frame.restart(narrow)
    assert await frame.tick(3) == []
    frame.restart(policy)
    assert said(await frame.tick(3.1)) == [("warned", "koordinasi", 50)]


def standing(events: list[SlaEvent]) -> set[tuple[str, str | None, object]]:
    """Breaches and meetings that hold after all that was said; warnings never lapse."""
    breaches: dict[tuple[str | None, object], int] = {}
    for event in events:
        change = {"breached": 1, "retracted": -1}.get(event.kind, 0)
        breaches[event.clock, event.due_at] = breaches.get((event.clock, event.due_at), 0) + change
    assert set(breaches.values()) <= {0, 1}
    return {("breached", *key) for key, count in breaches.items() if count}


@settings(max_examples=60, deadline=None)
@given(events=histories(), seed=st.integers(0, 10_000))
async def test_whatever_arrives_when_and_whatever_crashes_the_truth_stands_in_the_end(
    events: list[Event], seed: int
) -> None:
    chance = random.Random(seed)
    frame = Frame(POLICY)
    facts: list[Fact] = facts_of(events)
    arrivals = sorted(facts, key=lambda fact: (fact.at + timedelta(hours=chance.choice((0, 0, 1, 30, 200))), fact.seq))
    for fact in arrivals:
        hours = (max(frame.clock.moment, fact.at) - START) / timedelta(hours=1)
        await frame.tick(hours, lose_table=chance.random() < 0.2)
        await frame.take(fact, *chance.choices(arrivals[: arrivals.index(fact) + 1], k=chance.randint(0, 1)))
        if chance.random() < 0.3:
            frame.restart()
    end = START + (END + 2000) * STEP
    last = (end - START) / timedelta(hours=1)
    await frame.tick(last)
    await frame.tick(last + SETTLE / 3.6e9)
    assert await frame.tick(last + 1) == []

    once = {event.id: event for event in frame.sent}
    true = {
        ("breached", mark.clock, event_due)
        for mark in fold(facts, POLICY).marks
        if mark.kind == "breached" and mark.at <= to_us(end)
        for event_due in [START + timedelta(microseconds=mark.due - to_us(START))]
    }
    assert standing(list(once.values())) == true
    percents = [(e.clock, e.percent, e.due_at) for e in once.values() if e.kind == "warned"]
    assert len(percents) == len(set(percents))
