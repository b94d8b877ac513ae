"""The policy (``data/policy.yaml``): which clock runs for which ticket, how long, and on whose word.

The limits shipped are the city's: SE Sekda 61/SE/2018 (lurah) and SE Sekda 40/2019 (coordination, completion, EWS).
Pausing while the citizen is asked is Tanggap's default, not the circulars'; like everything else here it is data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import get_args

from pipeline.clock import JAKARTA
from schemas.base import encode
from schemas.case import FactKind
from schemas.ids import derived_id

from .calendar import Calendar, load_calendars
from .instants import to_us
from .source import Node, read

DATA = Path(__file__).parent / "data"
POLICY = "policy.yaml"
CALENDARS = "calendars.yaml"

CLOCK_KINDS = frozenset({
    "received", "withdrawn", "routed", "review", "assigned", "accepted", "forwarded", "progressed",
    "asked", "answered", "resolved", "reopened",
})  # fmt: skip
"""Fact kinds that a rule may name. ``extended`` works through ``extension``."""

KEPT_KINDS = CLOCK_KINDS | {"extended", "amended"}
"""Fact kinds that a clock can depend on: ``amended`` may bring another category."""

KIND_ORDER: Mapping[str, int] = {kind: place for place, kind in enumerate(get_args(FactKind))}

_UNITS = {"menit": timedelta(minutes=1), "jam": timedelta(hours=1), "hari": timedelta(days=1)}
_LIMIT = re.compile(r"([1-9]\d{0,4}) (menit|jam|hari)")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_REQUIRED = (
    "id", "clock", "title", "document", "source", "effective_from", "limit", "calendar",
    "starts_on", "meets_on", "warn_percent",
)  # fmt: skip
_OPTIONAL = ("applies", "pauses_on", "resumes_on", "reopens_on", "cancels_on", "extension")


@dataclass(frozen=True)
class Applies:
    """Which tickets a rule is for. None means: all."""

    unit_prefix: str | None = None
    channels: frozenset[str] | None = None
    categories: frozenset[str] | None = None

    def to(self, unit: str | None, channel: str | None, category: str | None) -> bool:
        """Whether a ticket with these properties is meant; an unknown property meets no condition on it."""
        return (
            self.covers(unit)
            and (self.channels is None or channel in self.channels)
            and (self.categories is None or category in self.categories)
        )

    def covers(self, unit: str | None) -> bool:
        """Whether the rule is for this unit."""
        return self.unit_prefix is None or (unit is not None and unit.startswith(self.unit_prefix))

    def contains(self, other: Applies) -> bool:
        """Whether every ticket of ``other`` is one of ours."""
        prefix = self.unit_prefix is None or (other.unit_prefix or "").startswith(self.unit_prefix)
        return prefix and _within(other.channels, self.channels) and _within(other.categories, self.categories)


def _within(inner: frozenset[str] | None, outer: frozenset[str] | None) -> bool:
    return outer is None or (inner is not None and inner <= outer)


@dataclass(frozen=True)
class Rule:
    """One rule. ``limit`` is counted time in microseconds, ``effective`` the instant it comes into force (us)."""

    id: str
    clock: str
    title: str
    document: str
    source: str
    effective_from: date
    effective: int
    limit: int
    limit_text: str
    calendar: Calendar
    starts_on: frozenset[str]
    meets_on: frozenset[str]
    pauses_on: frozenset[str]
    resumes_on: frozenset[str]
    reopens_on: frozenset[str]
    cancels_on: frozenset[str]
    applies: Applies
    warn_percent: tuple[int, ...]
    extension: bool


@dataclass(frozen=True)
class Policy:
    """All rules in the order of the file. ``fingerprint`` changes when the rules or their calendars do."""

    rules: tuple[Rule, ...]
    clocks: tuple[str, ...]
    fingerprint: str

    def rule_for(
        self, clock: str, kind: str, started: int, unit: str | None, channel: str | None, category: str | None
    ) -> Rule | None:
        """The first rule of ``clock`` in force at ``started`` (us) that is for such a ticket, if ``kind`` starts it."""
        for rule in self.rules:
            if rule.clock == clock and rule.effective <= started and rule.applies.to(unit, channel, category):
                return rule if kind in rule.starts_on else None
        return None


def load_policy(folder: Path = DATA) -> Policy:
    """The policy in ``folder`` with its calendars. Raises ``DataError`` naming file and line."""
    calendars = load_calendars(folder / CALENDARS)
    path = folder / POLICY
    top = read(path)
    rules: list[Rule] = []
    for node in top.mapping(["rules"])["rules"].items():
        rule = _rule(node, calendars)
        _fits(node, rule, rules)
        rules.append(rule)
    if not rules:
        raise top.error("holds no rule: put the last good version back")
    fingerprint = derived_id(*(_canonical(rule) for rule in rules))[:16]
    return Policy(tuple(rules), tuple(dict.fromkeys(rule.clock for rule in rules)), fingerprint)


def _canonical(rule: Rule) -> str:
    """Everything that the rule's clocks depend on, in one fixed order."""
    calendar = rule.calendar
    meaning = {name: value for name, value in vars(rule).items() if name != "calendar"}
    sets = {name: sorted(value) for name, value in meaning.items() if isinstance(value, frozenset)}
    who = rule.applies
    applies = [who.unit_prefix, sorted(who.channels or ()), sorted(who.categories or ())]
    return encode([{**meaning, **sets, "applies": applies}, calendar.content()]).decode()


def _fits(node: Node, rule: Rule, earlier: list[Rule]) -> None:
    """Refuses a rule that repeats an id or that an earlier one always wins over."""
    for other in earlier:
        if other.id == rule.id:
            raise node.error(f"rule {rule.id!r} stands twice: rename one")
        if other.clock == rule.clock and other.effective <= rule.effective and other.applies.contains(rule.applies):
            raise node.error(
                f"rule {rule.id!r} can never apply, {other.id!r} above it always does: put the newer or narrower first"
            )


def _rule(node: Node, calendars: Mapping[str, Calendar]) -> Rule:
    keys = node.mapping(_REQUIRED, _OPTIONAL)
    calendar = calendars[keys["calendar"].choice(calendars, "calendar")]
    effective_from = keys["effective_from"].day()
    sets = {
        name: _kinds(keys[name]) if name in keys else frozenset[str]()
        for name in ("starts_on", "meets_on", "pauses_on", "resumes_on", "reopens_on", "cancels_on")
    }
    if sets["pauses_on"] and not sets["resumes_on"]:
        raise keys["pauses_on"].error("a pause would never end: add resumes_on")
    if both := sets["pauses_on"] & (sets["resumes_on"] | sets["meets_on"]):
        raise keys["pauses_on"].error(f"{min(both)!r} cannot both pause and go on: remove it from one list")
    return Rule(
        id=_slug(keys["id"]),
        clock=_slug(keys["clock"]),
        title=keys["title"].text(),
        document=keys["document"].text(),
        source=keys["source"].text(),
        effective_from=effective_from,
        effective=to_us(datetime.combine(effective_from, time(), JAKARTA)),
        limit=_limit(keys["limit"], calendar),
        limit_text=keys["limit"].text(),
        calendar=calendar,
        applies=_applies(keys["applies"]) if "applies" in keys else Applies(),
        warn_percent=_percents(keys["warn_percent"]),
        extension="extension" in keys and keys["extension"].flag(),
        **sets,
    )


def _applies(node: Node) -> Applies:
    keys = node.mapping((), ("unit_prefix", "channels", "categories"))
    channels, categories = (
        frozenset(_slug(member) for member in keys[name].items()) if name in keys else None
        for name in ("channels", "categories")
    )
    return Applies(keys["unit_prefix"].text() if "unit_prefix" in keys else None, channels, categories)


def _kinds(node: Node) -> frozenset[str]:
    kinds = frozenset(member.choice(CLOCK_KINDS, "fact kind") for member in node.items())
    if not kinds:
        raise node.error("is empty: name at least one fact kind, or remove the key")
    return kinds


def _percents(node: Node) -> tuple[int, ...]:
    percents = [member.integer(1, 99) for member in node.items()]
    if percents != sorted(set(percents)):
        raise node.error("percentages must rise: sort them and remove doubles")
    return tuple(percents)


def _limit(node: Node, calendar: Calendar) -> int:
    match = _LIMIT.fullmatch(node.text())
    if match is None:
        raise node.error(f"expected a limit such as 30 menit, 6 jam or 7 hari, not {node.text()!r}")
    if match[2] == "hari" and calendar.name != "wall":
        raise node.error("a working day is not 24 hours: write the limit in jam or menit of working time")
    return int(match[1]) * _UNITS[match[2]] // timedelta(microseconds=1)


def _slug(node: Node) -> str:
    value = node.text()
    if not _SLUG.fullmatch(value):
        raise node.error(f"expected small letters, digits and hyphens, not {value!r}")
    return value
