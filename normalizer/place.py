"""Where a complaint is: the sender's position first, then names in the text as candidates with a confidence.

A position beats the text, for people name places that they come from or go to; of real JAKI texts one in seven names a
kelurahan, and half of those name another than the phone's. Long roads yield candidates, never an answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from schemas.ticket import Place, PlaceCandidate

from .boundaries import Boundaries
from .gazetteer import Gazetteer, Kelurahan
from .mentions import Mentions, Names
from .street import rt_rw, street_in
from .text import Tokens

_SURE_ENOUGH = 0.5
_MARGIN = 0.1
_CANDIDATES = 5
_DIGITS = 4
_OUTSIDE_CONFIDENCE = 0.9
_POLYGON_CONFIDENCE = 0.97


class Places:
    """Finds the place of a message."""

    def __init__(self, gazetteer: Gazetteer, boundaries: Boundaries | None, vocabulary: frozenset[str]) -> None:
        self._gazetteer = gazetteer
        self._boundaries = boundaries
        self._names = Names(gazetteer)
        self._vocabulary = vocabulary

    def judge(self, tokens: Tokens, lat: object, lon: object, private: Sequence[tuple[int, int]] = ()) -> Place:
        """The place, with candidates. ``lat`` and ``lon`` are WGS 84 degrees as the channel gave them: swapped ones are
        turned round, what is no position (0/0, NaN, texts that are no number) is left out and named in the reasons.
        ``private`` are spans of ``tokens.text`` that hold a home address: no street is read from them.
        """
        position, notes = _position(lat, lon)
        mentions = self._names.find(tokens)
        street = street_in(tokens, mentions.street, private, self._vocabulary)
        rt, rw = rt_rw(tokens.text, private)
        place = self._by_text(mentions) if position is None else self._by_position(*position, mentions)
        return msgspec.structs.replace(place, street=street, rt=rt, rw=rw, reasons=(*notes, *place.reasons))

    def _by_position(self, lat: float, lon: float, mentions: Mentions) -> Place:
        lat4, lon4 = round(lat, _DIGITS), round(lon, _DIGITS)
        if self._boundaries is not None:
            code = self._boundaries.find(lat, lon)
            if code is None:
                return self._outside(lat4, lon4, mentions)
            row = self._gazetteer.kelurahan[code]
            reasons = (f"titik koordinat berada di Kelurahan {row.name}", *self._contradiction(row, mentions))
            return _placed("polygon", row, _POLYGON_CONFIDENCE, (), reasons, lat4, lon4)
        near = self._gazetteer.nearest(lat, lon)
        if not near:
            return self._outside(lat4, lon4, mentions)
        # Fitted on random points of the 267 polygons: right in 95, 85, 71, 51 % at ratios of 0.3, 0.5, 0.7, 0.9.
        ratio = near[0][0] / max(near[1][0], 1.0) if len(near) > 1 else 0.0
        best = round(1 - 0.6 * ratio * ratio, 2)
        rest = [round((1 - best) * share, 2) for share in (0.7, 0.3)]
        candidates = tuple(
            PlaceCandidate(code=row.code, name=row.name, level="kelurahan", confidence=confidence)
            for (_, row), confidence in zip(near, [best, *rest], strict=False)
        )
        row = near[0][1]
        reason = (
            f"titik koordinat paling dekat dengan Kelurahan {row.name} ({near[0][0] / 1000:.1f} km), tanpa peta batas"
        )
        return _placed("nearest", row, best, candidates, (reason, *self._contradiction(row, mentions)), lat4, lon4)

    def _outside(self, lat: float, lon: float, mentions: Mentions) -> Place:
        return Place(
            method="outside", confidence=_OUTSIDE_CONFIDENCE, lat=lat, lon=lon,
            candidates=mentions.candidates[:_CANDIDATES],
            reasons=("titik koordinat berada di luar Jakarta", *mentions.reasons),
        )  # fmt: skip

    def _contradiction(self, row: Kelurahan, mentions: Mentions) -> tuple[str, ...]:
        codes = [candidate.code for candidate in mentions.candidates]
        if not codes or any(row.code.startswith(code) for code in codes):
            return ()
        return (f"teks menyebut tempat lain ({mentions.candidates[0].name}); titik koordinat yang dipakai",)

    def _by_text(self, mentions: Mentions) -> Place:
        candidates = mentions.candidates[:_CANDIDATES]
        if not candidates:
            return Place(method="none", confidence=0.0, reasons=("tidak ada koordinat dan tidak ada nama tempat",))
        wards = [candidate for candidate in candidates if candidate.level == "kelurahan"]
        if wards and wards[0].confidence >= _SURE_ENOUGH:
            second = wards[1].confidence if len(wards) > 1 else 0.0
            if wards[0].confidence - second >= _MARGIN:
                row = self._gazetteer.kelurahan[wards[0].code]
                return _placed("text", row, wards[0].confidence, candidates, mentions.reasons)
        district, city, confidence = self._common(candidates)
        return Place(
            method="text", confidence=confidence, kecamatan=district, kota=city,
            candidates=candidates, reasons=mentions.reasons,
        )  # fmt: skip

    def _common(self, candidates: Sequence[PlaceCandidate]) -> tuple[str | None, str | None, float]:
        """Kecamatan and kota that the likelier candidates share, and how sure that is."""
        names = self._gazetteer.names
        certain = [c for c in candidates if c.confidence >= candidates[0].confidence / 2]
        total = round(min(0.95, 1 - math.prod(1 - c.confidence for c in certain)), 2)
        districts = {c.code[:8] for c in certain}
        cities = {c.code[:5] for c in certain}
        district = names[districts.pop()] if len(districts) == 1 and all(c.level != "kota" for c in certain) else None
        city = names[cities.pop()] if len(cities) == 1 else None
        return district, city, total if city else candidates[0].confidence


def _placed(
    method: Literal["polygon", "nearest", "text"],
    row: Kelurahan,
    confidence: float,
    candidates: tuple[PlaceCandidate, ...],
    reasons: tuple[str, ...],
    lat: float | None = None,
    lon: float | None = None,
) -> Place:
    return Place(
        method=method, confidence=confidence, kelurahan_code=row.code, kelurahan=row.name, kecamatan=row.kecamatan,
        kota=row.kota, lat=lat, lon=lon, candidates=candidates, reasons=reasons,
    )  # fmt: skip


def _position(lat: object, lon: object) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    if lat is None and lon is None:
        return None, ()
    y, x = _degrees(lat), _degrees(lon)
    if y is None or x is None or not (abs(y) <= 180 and abs(x) <= 180) or (abs(y) < 1e-6 and abs(x) < 1e-6):
        return None, ("koordinat tidak sah, diabaikan",)
    # Indonesia spans 95–141° E and 11° S–6° N: the two never overlap, so a swap is certain.
    if -11 <= x <= 6 and 95 <= y <= 141:
        return (x, y), ("lintang dan bujur tertukar, dibalik",)
    if abs(y) > 90:
        return None, ("koordinat tidak sah, diabaikan",)
    return (y, x), ()


def _degrees(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value.strip().replace(",", ".")) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
