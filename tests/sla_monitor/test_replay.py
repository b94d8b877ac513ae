"""The replay: any order, duplicates, minimal lines, bad lines, time."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.base import encode
from sla_monitor.policy import load_policy
from sla_monitor.replay import replay
from tests.sla_monitor.harness import LURAH, START
from tests.sla_monitor.histories import END, STEP, facts_of, histories
from tests.sla_monitor.oracle import Event, truths
from tests.sla_monitor.test_policy import rule, write

POLICY = load_policy()


def line(kind: str, hours: float, **more: object) -> str:
    return json.dumps({"ticket_id": "t1", "kind": kind, "at": stamp(hours), **more})


def stamp(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def short(events: list[dict[str, Any]], clock: str = "koordinasi") -> list[tuple[str, int | None, str]]:
    return [(event["kind"], event.get("percent"), event["at"]) for event in events if event.get("clock") == clock]


def test_time_runs_to_the_last_line_or_as_far_as_it_is_told() -> None:
    received = line("received", 0)
    assert list(replay([received], POLICY)) == []
    warned = [("warned", 50, stamp(3))]
    assert short(list(replay([received, json.dumps({"now": stamp(4)})], POLICY))) == warned
    assert short(list(replay([received], POLICY, until=START + timedelta(hours=3)))) == warned
    assert short(list(replay([received, line("noted", 4)], POLICY))) == warned
    elsewhere = json.dumps({"ticket_id": "t2", "kind": "noted", "at": stamp(4)})
    assert short(list(replay([received, elsewhere], POLICY))) == warned


def test_what_was_learned_after_the_given_end_is_left_out() -> None:
    lines = [line("received", 0), line("routed", 1, now=stamp(5))]
    assert short(list(replay(lines, POLICY, until=START + timedelta(hours=4)))) == [("warned", 50, stamp(3))]


def test_a_breach_carries_the_exact_due_instant_the_unit_and_the_rule() -> None:
    lines = [line("received", 0), line("routed", 0.25, unit=LURAH)]
    (*_, breach) = replay(lines, POLICY, until=START + timedelta(hours=30))
    assert breach["kind"] == "breached"
    assert (breach["at"], breach["due_at"]) == ("2026-11-24T01:15:00Z", "2026-11-24T01:15:00Z")
    assert (breach["clock"], breach["unit"], breach["rule"]) == ("lurah", LURAH, "lurah-se61-2018")


def test_a_late_fact_dated_in_time_takes_the_breach_back() -> None:
    lines = [line("routed", 5, now=stamp(8), unit="DISHUB"), line("received", 0)]
    assert short(list(replay(lines, POLICY))) == [
        ("warned", 50, stamp(3)),
        ("warned", 75, stamp(4.5)),
        ("met", None, stamp(5)),
        ("warned", 90, stamp(5.4)),
        ("breached", None, stamp(6)),
        ("retracted", None, stamp(8)),
    ]


def test_history_recorded_all_at_once_is_judged_by_event_time_only() -> None:
    imported = stamp(2000)
    lines = [line("received", 0, now=imported), line("routed", 1, now=imported), line("resolved", 150, now=imported)]
    kinds = [event["kind"] for event in replay(lines, POLICY)]
    assert (kinds.count("met"), kinds.count("breached"), kinds.count("retracted")) == (2, 0, 0)


@settings(max_examples=60, deadline=None)
@given(events=histories(), seed=st.integers(0, 1000))
def test_whole_facts_in_any_order_give_what_the_oracle_says(events: list[Event], seed: int) -> None:
    lines = [encode(fact) for fact in facts_of(events)]
    straight = list(replay(lines, POLICY, until=START + END * STEP))
    random.Random(seed).shuffle(lines)
    assert list(replay(lines + lines[: seed % 3], POLICY, until=START + END * STEP)) == straight

    expected = {
        (kind, clock, percent if kind == "warned" else None, START + float(step) * STEP)
        for kind, clock, percent, step in truths(events, END)
    }
    found = {(e["kind"], e["clock"], e.get("percent"), datetime.fromisoformat(e["at"])) for e in straight}
    assert found == expected


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (b"{", "truncated"),
        (b"\xff\xfe", "JSON"),
        (b"[]", "Expected `object`"),
        (b'{"ticket_id": "t1"}', 'a fact needs "ticket_id", "kind" and "at"'),
        (b'{"ticket_id": "t1", "kind": "lost", "at": "2026-11-23T01:00:00Z"}', "Invalid enum value 'lost'"),
        (b'{"ticket_id": "t1", "kind": "routed", "at": "2026-11-23T01:00:00"}', "timezone"),
        (b'{"ticket_id": "t1", "kind": "routed", "at": "kemarin"}', "Invalid RFC3339"),
    ],
)
def test_a_bad_line_is_reported_by_number_and_the_others_go_on(bad: bytes, problem: str) -> None:
    first, *events = replay([line("received", 0).encode(), b"", bad, line("routed", 1).encode()], POLICY)
    assert problem in first["error"]
    assert first["line"] == 3
    assert short(events) == [("met", None, stamp(1))]


def test_a_ticket_that_leaves_its_calendar_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    policy = write(tmp_path, "rules:\n" + rule(calendar="kantor-jakarta"))
    elsewhere = json.dumps({"ticket_id": "t2", "kind": "received", "at": "2031-01-01T00:00:00Z"})
    error, *events = replay([elsewhere, line("received", 0), line("routed", 1)], policy)
    assert "not 2031" in error["error"]
    assert (error["line"], error["ticket_id"]) == (1, "t2")
    assert short(events) == [("met", None, stamp(1))]


def test_dates_before_1964_and_at_the_end_of_time_do_not_crash() -> None:
    ends = [
        json.dumps({"ticket_id": at, "kind": kind, "at": f"{at}T00:00:00Z", "unit": LURAH})
        for at in ("0001-01-01", "1950-06-01", "9999-12-31")
        for kind in ("received", "routed")
    ]
    results = list(replay([*ends, line("received", 0)], POLICY, until=START + timedelta(hours=3)))
    assert short(results) == [("warned", 50, stamp(3))]
