from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from casework.table import COMMANDS, HISTORY_LIMIT
from schemas.case import Actor, Command, CommandKind
from schemas.ticket import AttachmentRef
from tests.casework.office import (
    CITIZEN,
    COUNTER,
    DESK,
    MONDAY,
    SYSTEM,
    Office,
    assignment,
    command,
    hours,
    officer,
    opened,
    ticket,
)

DBM = officer("DBM")
FILLED: dict[CommandKind, dict[str, Any]] = {
    "assign": {"unit": "DISHUB"},
    "accept": {},
    "forward": {"unit": "DISHUB"},
    "progress": {"text": "Tim di lokasi"},
    "ask": {"text": "Sisi mana?"},
    "answer": {"text": "Utara"},
    "extend": {"until": hours(100)},
    "close": {"text": "Selesai"},
    "reopen": {},
    "rate": {"rating": 5},
    "note": {"text": "Catatan"},
    "attach": {"evidence": (AttachmentRef(media_type="image/jpeg", blob="b1", id="f1"),)},
}
ROADS: dict[str, list[Command]] = {
    "menunggu": [],
    "koordinasi": [command("forward", DESK, "w1", unit="SATPOLPP"), command("forward", DESK, "w2", unit="DBM")],
    "proses": [command("accept", DBM, "w1")],
    "menunggu_warga": [command("ask", DBM, "w1", text="?")],
    "selesai": [command("close", DBM, "w1", text="Selesai")],
}
ALLOWED = """
            tinjauan menunggu koordinasi proses menunggu_warga selesai dicabut
assign      D        D        D          D      D              -       -
accept      -        O        O          -      -              -       -
forward     -        OD       OD         OD     OD             -       -
progress    -        O        O          O      O              -       -
ask         D        OD       OD         OD     OD             -       -
answer      -        -        -          -      CK             -       -
extend      -        O        O          O      O              -       -
close       D        OD       OD         OD     OD             -       -
reopen      -        -        -          -      -              CKD     -
rate        -        -        -          -      -              C       -
note        KDS      OKDS     OKDS       OKDS   OKDS           OKDS    OKDS
attach      S        S        S          S      S              S       S
"""
ACTORS: dict[str, Actor] = {"C": CITIZEN, "O": DBM, "D": DESK, "K": COUNTER, "S": SYSTEM}


def cells() -> list[tuple[CommandKind, str, str, bool]]:
    header, *rows = [line.split() for line in ALLOWED.strip().splitlines()]
    return [
        (kind, status, letter, letter in cell)  # type: ignore[misc] # the table above names command kinds
        for kind, *marks in rows
        for status, cell in zip(header, marks, strict=True)
        for letter in ACTORS
    ]


def in_status(status: str) -> Office:
    office = Office()
    office.take(ticket(), assignment(None if status == "tinjauan" else "DBM"))
    if status == "dicabut":
        office.take(ticket("withdrawn"))
    office.take(*ROADS.get(status, []))
    assert office.case.status == status
    return office


@pytest.mark.parametrize(("kind", "status", "letter", "allowed"), cells())
def test_who_may_do_what_when(kind: CommandKind, status: str, letter: str, allowed: bool) -> None:
    office = in_status(status)
    before = office.case
    after = office.take(command(kind, ACTORS[letter], at=hours(1), **FILLED[kind]))
    fact = office.facts[-1]
    assert (fact.kind != "refused") == allowed, fact.reason
    assert (after.seq, fact.seq) == (before.seq + 1, before.seq + 1)
    if not allowed:
        assert fact.reason in {"wrong-role", "wrong-status", "wrong-unit"}
        assert (after.status, after.unit, after.question) == (before.status, before.unit, before.question)


def test_the_table_names_every_command() -> None:
    assert set(COMMANDS) == set(FILLED)


@pytest.mark.parametrize(
    ("kind", "actor", "more", "reason"),
    [
        ("attach", SYSTEM, {}, "missing-evidence"),
        ("close", DBM, {"text": None}, "missing-text"),
        ("close", DBM, {"text": "  "}, "missing-text"),
        ("forward", DBM, {}, "bad-unit"),
        ("forward", DBM, {"unit": "dinas apa"}, "bad-unit"),
        ("forward", DBM, {"unit": "KEL:31"}, "bad-unit"),
        ("forward", DBM, {"unit": "DBM"}, "same-unit"),
        ("extend", DBM, {}, "until-not-future"),
        ("extend", DBM, {"until": MONDAY}, "until-not-future"),
        ("accept", officer("DISHUB"), {}, "wrong-unit"),
        ("accept", DESK, {}, "wrong-unit"),
        ("close", CITIZEN, {"text": "x"}, "wrong-role"),
        ("rate", CITIZEN, {"rating": 5}, "wrong-status"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_stable_code(
    kind: CommandKind, actor: Actor, more: dict[str, Any], reason: str
) -> None:
    office = opened()
    office.take(command(kind, actor, **more))
    assert (office.facts[-1].kind, office.facts[-1].reason) == ("refused", reason)
    assert (office.case.status, office.case.unit) == ("menunggu", "DBM")


@pytest.mark.parametrize("stars", [0, 6, None])
def test_a_rating_is_one_to_five(stars: int | None) -> None:
    office = in_status("selesai")
    office.take(command("rate", CITIZEN, rating=stars))
    assert (office.facts[-1].reason, office.case.rating) == ("bad-rating", None)


def test_reopening_ends_thirty_days_after_it_was_resolved() -> None:
    late = command("reopen", CITIZEN, "late", at=MONDAY + timedelta(days=30, seconds=1))
    in_time = command("reopen", CITIZEN, "in-time", at=MONDAY + timedelta(days=30))
    office = in_status("selesai")
    assert office.take(late).status == "selesai"
    assert office.facts[-1].reason == "too-late"
    assert office.take(in_time).status == "proses"


def test_a_page_older_than_a_colleagues_decision_is_refused() -> None:
    office = opened()
    seen = office.case.seq
    office.take(command("accept", DBM), command("forward", DBM, unit="DISHUB", seen=seen))
    assert (office.facts[-1].reason, office.case.unit) == ("stale", "DBM")
    assert office.take(command("forward", DBM, "again", unit="DISHUB", seen=office.case.seq)).unit == "DISHUB"


def test_nobody_closes_over_news_they_have_not_read() -> None:
    office = opened()
    seen = office.case.seq
    office.take(ticket("followup", text="Ada korban"), command("close", DBM, text="Selesai", seen=seen))
    assert (office.facts[-1].reason, office.case.status) == ("stale", "menunggu")


def test_harmless_changes_make_no_page_stale() -> None:
    office = opened()
    seen = office.case.seq
    office.take(command("note", DESK, text="Prioritas"), command("accept", DBM, seen=seen))
    office.take(command("progress", DBM, text="Tim jalan", seen=seen))
    assert office.case.status == "proses"


def test_a_full_history_takes_only_the_end_of_the_ticket() -> None:
    office = opened()
    batch = [office.message(command("note", DESK, f"n{number}", text="x")) for number in range(HISTORY_LIMIT)]
    office.process(batch)
    assert office.facts[-1].reason == "history-full"
    assert office.case.seq == HISTORY_LIMIT + 2
    assert office.take(command("note", SYSTEM, "sys", text="x")).history[-1].kind == "noted"
    assert office.take(command("close", DBM, text="Selesai")).status == "selesai"
