"""The one function that routes: a reading in, a decision with its reasons out. No I/O, no clock, no state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.ticket import Candidate, Place, Reading

from .rulebook import Rule, Rulebook
from .units import KELURAHAN
from .words import plain

TOP = 3


@dataclass(frozen=True)
class Decision:
    """``opd``: up to three units, likeliest first; with "assigned" the first of them is the unit.

    ``reasons`` are Indonesian and quote no word but those of the rulebook. ``rule`` is the name of the deciding rule.
    """

    decision: Literal["assigned", "review"]
    opd: tuple[Candidate, ...]
    reasons: tuple[str, ...]
    rulebook: str
    rule: str | None = None


@dataclass(frozen=True)
class _Words:
    """What the words of a text say: words found by unit, the factor that follows for the selected unit, and why."""

    units: tuple[str, ...]
    factor: float
    reasons: tuple[str, ...]


def route(reading: Reading | None, rulebook: Rulebook) -> Decision:
    """Which unit should act on a complaint.

    Confidence = category confidence × certainty of the rule × agreement of the words, × place confidence where the unit
    is the kelurahan. Below the rulebook's threshold, outside Jakarta, without a known kelurahan where one is needed, or
    where the rule says so, a person decides (DESIGN, promise 9).
    """
    if reading is None:
        return _review(rulebook, "Laporan belum dapat dibaca: petugas yang memilih unitnya.")
    rules = rulebook.rules.get(reading.category.value)
    if rules is None:
        return _review(
            rulebook, f"Kategori {reading.category.value} belum ada di buku aturan: petugas yang memilih unitnya."
        )
    text = plain(reading.masked_text)
    rule, hits = _first_fitting(rules, text, reading.place)
    words = _agreement(rule, hits, text, rulebook)
    certainty = reading.category.confidence * rule.certainty * words.factor
    opd = _candidates(rule, words, certainty, reading.place, rulebook)
    reasons = (
        f"Kategori {reading.category.value} (keyakinan {reading.category.confidence:.0%}).",
        f"Aturan {rule.number}, {rule.name}: {rule.why}",
        *words.reasons,
        *_place_reason(rule, reading.place),
    )
    obstacle = _obstacle(rule, opd, reading.place, rulebook)
    if obstacle is not None:
        return Decision("review", opd, (*reasons, obstacle), rulebook.version, rule.name)
    first = opd[0]
    verdict = f"Keyakinan {first.confidence:.0%} mencapai ambang {rulebook.threshold:.0%}: diteruskan ke {first.name}."
    return Decision("assigned", opd, (*reasons, verdict), rulebook.version, rule.name)


def _review(rulebook: Rulebook, reason: str) -> Decision:
    return Decision("review", (), (reason,), rulebook.version)


def _first_fitting(rules: Sequence[Rule], text: str, place: Place) -> tuple[Rule, tuple[str, ...]]:
    for rule in rules:
        hits = rule.words.found(text) if rule.words else ()
        if rule.words and not hits:
            continue
        if rule.unless and rule.unless.found(text):
            continue
        if _fits_place(rule, place):
            return rule, hits
    raise AssertionError("a loaded rulebook ends each category with a rule that always fits")


def _fits_place(rule: Rule, place: Place) -> bool:
    condition = rule.place
    if condition is None:
        return True
    code = place.kelurahan_code
    if condition.kelurahan is not None and (condition.kelurahan == "known") != (code is not None):
        return False
    return not condition.area or any(f"{code or ''}.".startswith(f"{area}.") for area in condition.area)


def _agreement(rule: Rule, hits: tuple[str, ...], text: str, rulebook: Rulebook) -> _Words:
    said = {unit: found for unit, words in rulebook.signals.items() if (found := words.found(text))}
    own = tuple(dict.fromkeys(hits + said.pop(rule.unit, ())))
    reasons = [f"Kata yang mendukung: {', '.join(own)}."] if own else []
    reasons += [f"Kata urusan {_title(unit, rulebook)}: {', '.join(found)}." for unit, found in said.items()]
    agreement = rulebook.agreement
    if not said:
        factor = agreement.support if own else agreement.silent
    else:
        factor = agreement.mixed if own or said.keys() <= set(rule.alternatives) else agreement.conflict
    loudest = sorted(said, key=lambda unit: -len(said[unit]))
    return _Words(tuple(loudest), factor, tuple(reasons))


def _title(unit: str, rulebook: Rulebook) -> str:
    return "kelurahan" if unit == KELURAHAN else rulebook.units[unit].name


def _candidates(rule: Rule, words: _Words, certainty: float, place: Place, rulebook: Rulebook) -> tuple[Candidate, ...]:
    """Top three: the rule's unit, then units whose words the text holds, then the rule's alternatives.

    The others share, halving, what the first leaves to 1, and never exceed it.
    """
    found: dict[str, Candidate] = {}
    for unit in dict.fromkeys((rule.unit, *words.units, *rule.alternatives)):
        own = unit == rule.unit
        for code, name, share in tuple(_resolve(unit, place, rulebook))[: TOP if own else 1]:
            if found:
                first = next(iter(found.values())).confidence
                confidence = min(first, 1 - first) * 0.5 ** len(found)
            else:
                confidence = certainty * (share if own else 0.5)
            found.setdefault(code, Candidate(code=code, name=name, confidence=round(confidence, 4)))
    return tuple(found.values())[:TOP]


def _resolve(unit: str, place: Place, rulebook: Rulebook) -> Iterator[tuple[str, str, float]]:
    """Code, name and confidence (of the place) of the unit; for the kelurahan all that the place may mean."""
    if unit != KELURAHAN:
        yield unit, rulebook.units[unit].name, 1.0
        return
    if place.kelurahan_code is not None:
        yield f"KEL:{place.kelurahan_code}", f"Kelurahan {place.kelurahan or place.kelurahan_code}", place.confidence
    for candidate in place.candidates:
        if candidate.level == "kelurahan" and candidate.code != place.kelurahan_code:
            yield f"KEL:{candidate.code}", f"Kelurahan {candidate.name}", candidate.confidence


def _obstacle(rule: Rule, opd: tuple[Candidate, ...], place: Place, rulebook: Rulebook) -> str | None:
    """Why a person must decide; None when nothing stands against assigning the first candidate."""
    if place.method == "outside":
        return "Lokasi di luar Jakarta: petugas yang memutuskan penerusannya."
    if rule.review:
        return "Aturan ini selalu meminta tinjauan petugas."
    if rule.unit == KELURAHAN and place.kelurahan_code is None:
        return "Kelurahan belum diketahui, padahal kelurahan yang menangani: petugas yang menentukan lokasinya."
    if opd[0].confidence < rulebook.threshold:
        return (
            f"Keyakinan {opd[0].confidence:.0%} di bawah ambang {rulebook.threshold:.0%}: petugas yang memilih unitnya."
        )
    return None


def _place_reason(rule: Rule, place: Place) -> tuple[str, ...]:
    if rule.unit != KELURAHAN or place.kelurahan_code is None:
        return ()
    return (f"Lokasi di Kelurahan {place.kelurahan or place.kelurahan_code} (keyakinan {place.confidence:.0%}).",)
