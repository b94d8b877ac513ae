"""The rulebook (``data/rules.yaml``): loaded once, and checked so strictly that applying it cannot fail.

A rule selects a unit by category, place and words; it cannot compute. router/README.md explains the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from .located import load_located
from .units import KELURAHAN, RulebookError, Unit, load_units
from .words import Words

DATA = Path(__file__).parent / "data"
RULES = DATA / "rules.yaml"
UNITS = DATA / "opd.csv"

Certainty = Literal["tinggi", "sedang", "rendah"]
_Portion = Annotated[float, msgspec.Meta(gt=0, le=1)]
_Text = Annotated[str, msgspec.Meta(min_length=1)]
_AreaCode = Annotated[str, msgspec.Meta(pattern=r"^\d{2}(\.\d{2}){0,2}$")]


class Agreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Factors (0 to 1) for how the words of a text agree with the unit that a rule selected."""

    support: _Portion
    silent: _Portion
    mixed: _Portion
    conflict: _Portion


class PlaceCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``area``: Kemendagri codes of kota, kecamatan or (prefix of) them; ``kelurahan``: whether it must be known."""

    kelurahan: Literal["known", "unknown"] | None = None
    area: tuple[_AreaCode, ...] = ()


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: _Text
    categories: Annotated[tuple[_Text, ...], msgspec.Meta(min_length=1)]
    unit: _Text
    certainty: Certainty
    alternatives: tuple[_Text, ...]
    why: _Text
    words: tuple[_Text, ...] = ()
    unless: tuple[_Text, ...] = ()
    place: PlaceCondition | None = None
    review: bool = False


class _Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: _Text
    effective_from: date
    threshold: _Portion
    certainty: Mapping[Certainty, _Portion]
    agreement: Agreement
    categories: Annotated[tuple[_Text, ...], msgspec.Meta(min_length=1)]
    signals: Mapping[_Text, tuple[_Text, ...]]
    rules: list[Any]


@dataclass(frozen=True)
class Rule:
    """One rule, ready to apply. ``certainty`` 0 to 1; ``number`` counts from 1 in the file."""

    number: int
    name: str
    unit: str
    certainty: float
    alternatives: tuple[str, ...]
    why: str
    words: Words | None
    unless: Words | None
    place: PlaceCondition | None
    review: bool

    @property
    def unconditional(self) -> bool:
        return self.words is None and self.unless is None and self.place is None


@dataclass(frozen=True)
class Rulebook:
    """One edition of the rules. ``rules`` by category, in the order in which they are tried; the last fits always."""

    version: str
    effective_from: date
    threshold: float
    agreement: Agreement
    units: Mapping[str, Unit]
    rules: Mapping[str, tuple[Rule, ...]]
    signals: Mapping[str, Words]


def load_rulebook(rules: Path = RULES, units: Path = UNITS, on: date | None = None) -> Rulebook:
    """The edition in ``rules``, which must be in force ``on`` that day (in Jakarta); None asks for no day.

    Raises ``RulebookError`` with file and line, and what to change.
    """
    known = load_units(units)
    data, lines = load_located(rules, "rules")
    book = _convert(data, _Book, f"{rules}:1")
    if on is not None and book.effective_from > on:
        raise RulebookError(
            f"{rules}: edition {book.version} is in force from {book.effective_from} only, today is {on}: "
            "use the edition before it until then"
        )
    missing = {"tinggi", "sedang", "rendah"} - set(book.certainty)
    if missing:
        raise RulebookError(f"{rules}: certainty lacks {', '.join(sorted(missing))}")
    check = _Checker(rules, known, book)
    signals = {
        check.unit(code, f"{rules}: signals"): check.words(w, f"{rules}: signals of {code}")
        for code, w in book.signals.items()
    }
    return Rulebook(
        version=book.version,
        effective_from=book.effective_from,
        threshold=book.threshold,
        agreement=book.agreement,
        units=known,
        rules=check.rules(book.rules, lines),
        signals=signals,
    )


def _convert(data: Any, kind: Callable[..., Any], where: str) -> Any:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise RulebookError(f"{where}: {error}") from error


@dataclass(frozen=True)
class _Checker:
    """Turns what the file says into rules, or says what is wrong with it."""

    path: Path
    units: Mapping[str, Unit]
    book: _Book

    def rules(self, raw: Sequence[Any], lines: Sequence[int]) -> Mapping[str, tuple[Rule, ...]]:
        found: dict[str, list[Rule]] = {category: [] for category in self.book.categories}
        names: set[str] = set()
        for number, (entry, line) in enumerate(zip(raw, lines, strict=True), 1):
            where = f"{self.path}:{line}: rule {number}"
            spec: _Rule = _convert(entry, _Rule, where)
            where = f"{where} ({spec.name})"
            if spec.name in names:
                raise RulebookError(f"{where}: the name is taken by an earlier rule: choose another")
            names.add(spec.name)
            rule = self.rule(spec, number, where)
            for category in spec.categories:
                self.append(found, category, rule, where)
        for category, rules in found.items():
            if not rules or not rules[-1].unconditional:
                raise RulebookError(
                    f"{self.path}: category {category} is not covered: "
                    "add a last rule for it without words, unless and place"
                )
        return {category: tuple(rules) for category, rules in found.items()}

    def append(self, found: dict[str, list[Rule]], category: str, rule: Rule, where: str) -> None:
        if category not in found:
            raise RulebookError(
                f"{where}: category {category!r} is not in the list of categories: add it or correct it"
            )
        rules = found[category]
        if rules and rules[-1].unconditional:
            raise RulebookError(
                f"{where}: is never reached for {category}, since rule {rules[-1].number} "
                f"({rules[-1].name}) always fits: "
                "move it above that rule"
            )
        rules.append(rule)

    def rule(self, spec: _Rule, number: int, where: str) -> Rule:
        unit = self.unit(spec.unit, where)
        if unit != KELURAHAN and not self.units[unit].has_inbox:
            raise RulebookError(
                f"{where}: {unit} has no inbox here: route to BIRO-PEM and name {unit} among the alternatives"
            )
        alternatives = tuple(self.unit(code, where) for code in spec.alternatives)
        if unit in alternatives or len(set(alternatives)) < len(alternatives):
            raise RulebookError(f"{where}: alternatives must differ from each other and from {unit}")
        return Rule(
            number=number,
            name=spec.name,
            unit=unit,
            certainty=self.book.certainty[spec.certainty],
            alternatives=alternatives,
            why=spec.why,
            words=self.words(spec.words, where) if spec.words else None,
            unless=self.words(spec.unless, where) if spec.unless else None,
            place=spec.place,
            review=spec.review,
        )

    def unit(self, code: str, where: str) -> str:
        if code not in self.units:
            raise RulebookError(f"{where}: unit {code!r} is not in opd.csv: correct it or add the agency there")
        if self.units[code].kind == "wilayah" and code != KELURAHAN:
            raise RulebookError(f"{where}: {code} is a class of offices: only {KELURAHAN} can be found by the place")
        return code

    def words(self, entries: Sequence[str], where: str) -> Words:
        try:
            return Words(entries)
        except ValueError as error:
            raise RulebookError(f"{where}: {error}") from error
