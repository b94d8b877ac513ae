from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from router.offline import route_lines
from router.route import route
from router.rulebook import Rulebook, load_rulebook
from schemas.ticket import Judgement, Place, PlaceCandidate, Reading

MakeReading = Callable[..., Reading]
ROUTES = yaml.safe_load((Path(__file__).parents[1] / "rules" / "routes.yaml").read_text(encoding="utf-8"))
BOOK = load_rulebook()


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: f"{row['category']}: {row['text'][:40]}")
def test_decision_table(row: dict[str, Any], rulebook: Rulebook, reading: MakeReading) -> None:
    decision = route(reading(**{name: value for name, value in row.items() if name != "unit"}), rulebook)
    assigned = decision.opd[0].code if decision.decision == "assigned" else None
    assert assigned == row["unit"], decision.reasons


@pytest.mark.parametrize("category", sorted(BOOK.rules))
def test_every_category_names_a_unit_and_says_why(category: str, rulebook: Rulebook, reading: MakeReading) -> None:
    decision = route(reading("mohon dibantu", category), rulebook)
    assert decision.opd
    assert any(category in reason for reason in decision.reasons)
    assert decision.rulebook == rulebook.version


def test_outside_jakarta_is_never_assigned(rulebook: Rulebook, reading: MakeReading) -> None:
    decision = route(reading("jalan rusak berlubang", "jalan-rusak", kelurahan=None, outside=True), rulebook)
    assert decision.decision == "review"
    assert "di luar Jakarta" in decision.reasons[-1]


def test_unknown_category_goes_to_the_desk(rulebook: Rulebook, reading: MakeReading) -> None:
    decision = route(reading("apa saja", "belum-ada"), rulebook)
    assert (decision.decision, decision.opd) == ("review", ())


def test_missing_reading_goes_to_the_desk(rulebook: Rulebook) -> None:
    assert route(None, rulebook).decision == "review"


def test_unsure_place_offers_the_kelurahan_it_may_be(rulebook: Rulebook, reading: MakeReading) -> None:
    maybe = (
        PlaceCandidate(code="31.74.07.1009", name="Selong", level="kelurahan", confidence=0.5),
        PlaceCandidate(code="31.74.07", name="Kebayoran Baru", level="kecamatan", confidence=0.9),
        PlaceCandidate(code="31.74.07.1003", name="Senayan", level="kelurahan", confidence=0.3),
    )
    decision = route(reading("sampah menumpuk", "sampah", kelurahan=None, candidates=maybe), rulebook)
    assert decision.decision == "review"
    assert [unit.code for unit in decision.opd] == ["KEL:31.74.07.1009", "KEL:31.74.07.1003", "DLH"]
    assert decision.opd[0].name == "Kelurahan Selong"


def test_words_of_another_unit_lower_the_confidence_and_are_named(rulebook: Rulebook, reading: MakeReading) -> None:
    plain = route(reading("tolong diperbaiki", "jalan-rusak"), rulebook)
    odd = route(reading("tolong spanduk diperbaiki", "jalan-rusak"), rulebook)
    assert odd.opd[0].confidence < plain.opd[0].confidence
    assert "SATPOLPP" in [unit.code for unit in odd.opd]
    assert any("Satuan Polisi Pamong Praja: spanduk" in reason for reason in odd.reasons)


def test_reasons_never_quote_the_citizen(rulebook: Rulebook, reading: MakeReading) -> None:
    decision = route(reading("Pak Sastrawidjaja parkir di trotoar", "parkir-liar"), rulebook)
    assert "sastrawidjaja" not in " ".join(decision.reasons).lower()


words = st.sampled_from(sorted({word.rstrip("*") for found in BOOK.signals.values() for word in found.entries}))


@given(
    text=st.lists(words | st.text(max_size=20), max_size=8).map(" ".join),
    category=st.sampled_from(sorted(BOOK.rules)),
    sure=st.floats(0, 1),
    place_sure=st.floats(0, 1),
    known=st.booleans(),
)
def test_any_reading_gets_a_sound_decision(
    text: str, category: str, sure: float, place_sure: float, known: bool
) -> None:
    place = Place(
        method="text", confidence=place_sure, kelurahan_code="31.74.07.1009" if known else None, kelurahan="Selong"
    )
    judgement = Judgement(value="complaint", confidence=1.0)
    reading = Reading(
        intent=judgement,
        category=Judgement(value=category, confidence=sure),
        place=place,
        language=judgement,
        masked_text=text,
    )
    decision = route(reading, BOOK)
    shares = [unit.confidence for unit in decision.opd]
    codes = [unit.code for unit in decision.opd]
    assert shares == sorted(shares, reverse=True)
    assert len(codes) == len(set(codes)) <= 3
    assert sum(shares) <= 1 + 1e-3
    assert all(0 <= share <= 1 for share in shares)
    assert "KELURAHAN" not in codes
    assert decision == route(reading, BOOK)
    if decision.decision == "assigned":
        assert shares[0] >= BOOK.threshold
        assert known or not codes[0].startswith("KEL:")


def test_offline_answers_every_line(rulebook: Rulebook, reading: MakeReading) -> None:
    lines: list[tuple[int, Reading | Mapping[str, Any]]] = [
        (1, reading("parkir liar", "parkir-liar")),
        (2, {"reason": "not-json"}),
        (3, reading("x", "lainnya")),
    ]
    answers = list(route_lines(lines, rulebook))
    assert [answer["decision"] for answer in answers] == ["assigned", "review", "review"]
    assert answers[0]["opd"][0] == {"code": "DISHUB", "name": "Dinas Perhubungan", "confidence": 0.855}
    assert answers[1]["error"] == {"reason": "not-json", "line": 2}
    assert answers[1]["opd"] == []
