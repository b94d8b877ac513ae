from __future__ import annotations

from collections.abc import Callable

import pytest

from router.rulebook import Rulebook, load_rulebook
from schemas.ticket import Judgement, Place, PlaceCandidate, Reading

SELONG = "31.74.07.1009 Selong"
MakeReading = Callable[..., Reading]


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return load_rulebook()


@pytest.fixture
def reading() -> MakeReading:
    def make(
        text: str,
        category: str,
        kelurahan: str | None = SELONG,
        confidence: float = 0.9,
        place_confidence: float = 0.95,
        outside: bool = False,
        candidates: tuple[PlaceCandidate, ...] = (),
    ) -> Reading:
        code, _, name = (kelurahan or "").partition(" ")
        place = Place(
            method="outside" if outside else "polygon" if code else "none",
            confidence=place_confidence if code or outside else 0.0,
            kelurahan_code=code or None,
            kelurahan=name or None,
            candidates=candidates,
        )
        return Reading(
            intent=Judgement(value="complaint", confidence=0.9),
            category=Judgement(value=category, confidence=confidence),
            place=place,
            language=Judgement(value="id", confidence=1.0),
            masked_text=text,
        )

    return make
