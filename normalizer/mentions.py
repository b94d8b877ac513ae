"""Places that a text names, weighed: each mention is evidence for areas, and mentions support each other."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from schemas.ticket import PlaceCandidate

from .gazetteer import AreaName, Gazetteer, Street
from .phrases import Hit
from .text import Tokens

ROAD_CUES = frozenset({"jl", "jalan", "gg"})
_WARD_CUE, _DISTRICT_CUE = "kel", "kec"
_ELSEWHERE = frozenset({"arah", "menuju", "ke", "dari", "tujuan", "jurusan", "koridor", "sampai"})
"""Before a name these say that the place is where somebody comes from or goes to."""

_WITH_CUE = 0.95
_SEVERAL_WORDS = 0.7
_ONE_WORD = 0.6
_AFTER_ROAD = 0.45
_ROAD_WITH_CUE = 0.8
_ROAD_BARE = 0.65
_DISTRICT_SUPPORT = 0.35
_DISTRICT_CONFLICT = 0.35


@dataclass(frozen=True, slots=True)
class Mentions:
    """Candidates, the likeliest first, the reasons, and the first road named with its hit."""

    candidates: tuple[PlaceCandidate, ...] = ()
    reasons: tuple[str, ...] = ()
    street: tuple[Hit[Street], Street] | None = None


@dataclass(slots=True)
class _Evidence:
    """Confidence by code; ``sure`` are the districts and cities that the text names as such."""

    weight: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    sure: dict[str, float] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    def add(self, code: str, weight: float) -> None:
        self.weight[code] = 1 - (1 - self.weight[code]) * (1 - weight)

    def say(self, reason: str) -> None:
        if reason not in self.reasons and len(self.reasons) < 5:
            self.reasons.append(reason)


class Names:
    """Finds the names of a gazetteer in a text."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer

    def find(self, tokens: Tokens) -> Mentions:
        """Every place named, weighed."""
        forms = tokens.forms
        evidence = _Evidence()
        roads = [
            (hit, hit.values[0])
            for hit in self._gazetteer.streets.find(forms)
            if not hit.values[0].cue or _before(forms, hit.start) in ROAD_CUES
        ]
        taken: list[tuple[int, int]] = []
        said: set[tuple[str, ...]] = set()
        for hit in self._gazetteer.areas.find(forms):
            if self._is_road(hit, roads, forms):
                continue
            if self._area(hit, forms, evidence, said):
                taken.append((hit.start, hit.end))
        roads = [road for road in roads if not any(s < road[0].end and road[0].start < e for s, e in taken)]
        # Repeating a road adds nothing.
        for found, road in {road.name: (found, road) for found, road in reversed(roads)}.values():
            self._road(road, cued=_before(forms, found.start) in ROAD_CUES, evidence=evidence)
        street = next((pair for pair in roads if pair[1].road), None)
        return Mentions(self._ranked(evidence), tuple(evidence.reasons), street)

    @staticmethod
    def _is_road(hit: Hit[AreaName], roads: list[tuple[Hit[Street], Street]], forms: list[str]) -> bool:
        """The words belong to a road: a longer name, or the same after "Jl."."""
        for road, _ in roads:
            if hit.start < road.end and road.start < hit.end:
                longer = road.end - road.start > hit.end - hit.start
                if longer or _before(forms, road.start) in ROAD_CUES:
                    return True
        return False

    def _area(self, hit: Hit[AreaName], forms: list[str], evidence: _Evidence, said: set[tuple[str, ...]]) -> bool:
        """Weighs one name. Repeating a name adds nothing; returns whether the words are an area's name here."""
        area = hit.values[0]
        cue = _before(forms, hit.start)
        level = {_WARD_CUE: "kelurahan", _DISTRICT_CUE: "kecamatan"}.get(cue)
        codes = [code for code in area.codes if level is None or self._gazetteer.level(code) == level]
        if (area.cue and level is None) or not codes:
            return False
        if (cue if level else "", *codes) in said:
            return True
        said.add((cue if level else "", *codes))
        weight = self._weight(hit, cue, cued=level is not None) / len(codes) ** 0.75
        for code in codes:
            if self._gazetteer.level(code) != "kelurahan" and len(codes) == 1:
                evidence.sure[code] = max(weight, evidence.sure.get(code, 0.0))
            evidence.add(code, weight)
        names = dict.fromkeys(f"{self._gazetteer.level(code)} {self._gazetteer.names[code]}" for code in codes)
        evidence.say(f"teks menyebut {' atau '.join(names)}")
        return True

    @staticmethod
    def _weight(hit: Hit[AreaName], cue: str, *, cued: bool) -> float:
        if cued:
            return _WITH_CUE
        if cue in ROAD_CUES:
            return _AFTER_ROAD
        weight = _SEVERAL_WORDS if hit.end - hit.start > 1 else _ONE_WORD
        return weight / 2 if cue in _ELSEWHERE else weight

    @staticmethod
    def _road(road: Street, *, cued: bool, evidence: _Evidence) -> None:
        weight = _ROAD_WITH_CUE if cued and road.road else _ROAD_BARE
        for code in road.codes:
            evidence.add(code, weight / len(road.codes) ** 0.75)
        evidence.say(f"teks menyebut {'Jl. ' if road.road else ''}{road.name} ({len(road.codes)} kelurahan)")

    def _ranked(self, evidence: _Evidence) -> tuple[PlaceCandidate, ...]:
        level = self._gazetteer.level
        weighed: dict[str, float] = {}
        for code, weight in evidence.weight.items():
            if level(code) == "kelurahan":
                weighed[code] = _fitted(code, weight, evidence.sure)
            elif code not in evidence.sure or not any(
                other.startswith(code) for other in evidence.weight if other != code
            ):
                # A district that a named kelurahan lies in has said its part by supporting it.
                weighed[code] = weight
        ranked = sorted(weighed.items(), key=lambda item: (-round(item[1], 2), -len(item[0]), item[0]))
        return tuple(
            PlaceCandidate(
                code=code, name=self._gazetteer.names[code], level=level(code), confidence=round(min(weight, 0.98), 2)
            )
            for code, weight in ranked
        )


def _fitted(code: str, weight: float, sure: dict[str, float]) -> float:
    """A kelurahan gains by standing in a named kecamatan or kota, and loses by standing in none of them."""
    for width in (8, 5):
        named = {key: value for key, value in sure.items() if len(key) == width}
        if not named:
            continue
        support = named.get(code[:width])
        if support is None:
            weight *= 1 - (1 - _DISTRICT_CONFLICT) * max(named.values())
        else:
            weight = 1 - (1 - weight) * (1 - _DISTRICT_SUPPORT * support)
    return weight


def _before(forms: list[str], position: int) -> str:
    return forms[position - 1] if position else ""
