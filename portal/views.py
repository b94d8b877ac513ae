"""Cases as pages show them: steps, history lines, due badges, outcome of a command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from schemas.case import Case, ClockDue, Fact

from . import waktu
from .orders import outcome
from .words import words

TOLD = frozenset({"progressed", "asked", "answered", "resolved", "extended"})
"""Facts whose text the reporter may read."""
CLOSED = frozenset({"selesai", "dicabut"})
ID = re.compile(r"t?[a-z2-7]{26}")
"""Shape of a command's id (``schemas.ids.derived_id``) and of a ticket's (``t`` before it)."""


@dataclass(frozen=True)
class Step:
    """One of the four steps of the tracking page."""

    name: str
    state: Literal["lewat", "kini", "nanti"]


@dataclass(frozen=True)
class Line:
    """One entry of a history: when, what, and what was written with it."""

    at: datetime
    title: str
    tint: str
    text: str | None = None
    until: datetime | None = None
    rating: int | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Badge:
    """How a deadline stands, in words and a colour."""

    text: str
    tint: str
    due: datetime


@dataclass(frozen=True)
class Notice:
    """What came of a command: shown above the page. ``waiting``: look again in a moment."""

    text: str
    tint: str
    waiting: bool = False


def unit_of(case: Case | Fact, default: str = "dinas terkait") -> str:
    """Name of the unit, for the middle of a sentence."""
    return case.unit_name or case.unit or default


def steps(case: Case) -> list[Step]:
    """The four steps, with the one the case stands on."""
    now = words().status[case.status].langkah
    over = case.status in CLOSED
    names = (*words().langkah[:3], "Dicabut") if case.status == "dicabut" else words().langkah
    return [
        Step(name, "lewat" if n < now or over else "kini" if n == now else "nanti") for n, name in enumerate(names, 1)
    ]


def citizen_lines(case: Case, *, with_text: bool) -> list[Line]:
    """The history a citizen reads, newest first. Texts only for the reporter; never who the officer was."""
    shown = []
    for fact in case.history:
        sentence = words().fakta[fact.kind].warga
        if not sentence:
            continue
        text = fact.text if with_text and fact.kind in TOLD else None
        shown.append(_line(fact, sentence, text))
    return shown[::-1]


def officer_lines(case: Case) -> list[Line]:
    """The whole history, newest first."""
    lines = []
    for fact in case.history:
        line = _line(fact, words().fakta[fact.kind].petugas, fact.text)
        if fact.kind == "refused":
            line = Line(fact.at, line.title, "merah", words().refusal(fact.reason))
        lines.append(line)
    return lines[::-1]


def _line(fact: Fact, sentence: str, text: str | None) -> Line:
    title = sentence.format(unit=unit_of(fact), kanal=words().kanal.get(fact.channel, fact.channel))
    tint = "hijau" if fact.kind == "received" else words().status[fact.status].warna
    return Line(fact.at, title[:1].upper() + title[1:], tint, text, fact.until, fact.rating)


def badge(case: Case, now: datetime) -> Badge | None:
    """How the deadline of an open case stands; None for a closed one or one without running clocks."""
    if case.status in CLOSED:
        return None
    missed = [clock.due_at for clock in case.clocks if clock.state == "breached"]
    if case.due_at is not None:
        missed += [case.due_at] if case.due_at < now else []
    if missed:
        due = min(missed)
        return Badge(f"Terlambat {waktu.span(now - due)}", "merah", due)
    if case.due_at is None:
        return None
    tint = "kuning" if case.due_at - now < waktu.AT_RISK else "hijau"
    return Badge(waktu.left(case.due_at, now), tint, case.due_at)


def clock_line(clock: ClockDue, now: datetime) -> Badge:
    """How one clock stands."""
    match clock.state:
        case "met":
            return Badge("terpenuhi", "hijau", clock.due_at)
        case "cancelled":
            return Badge("dibatalkan", "abu", clock.due_at)
        case "paused":
            return Badge("berhenti sementara", "abu", clock.due_at)
        case "breached":
            return Badge(f"terlambat {waktu.span(now - clock.due_at)}", "merah", clock.due_at)
        case _:
            tint = "merah" if clock.due_at < now else "kuning" if clock.state == "warned" else "biru"
            return Badge(waktu.left(clock.due_at, now), tint, clock.due_at)


def category_name(case: Case, categories: Mapping[str, str]) -> str | None:
    """The category's name for people."""
    return categories.get(case.category.value, case.category.value) if case.category else None


def notice(case: Case, command_id: str | None) -> Notice | None:
    """What came of the command named in a page's address; None without one."""
    if command_id is None or not ID.fullmatch(command_id):
        return None
    fact = outcome(case, command_id)
    if fact is None:
        return Notice("Permintaan Anda sudah kami simpan dan sedang diproses.", "biru", waiting=True)
    if fact.kind == "refused":
        return Notice(words().refusal(fact.reason), "merah")
    return Notice(_line(fact, words().fakta[fact.kind].petugas, None).title + ". Tersimpan.", "hijau")
