"""Names of Jakarta: kelurahan, kecamatan, kota with their spellings, and the roads and landmarks that people name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .phrases import Phrases
from .tables import DATA, DataError, load_csv
from .text import Lexicon

Level = Literal["kelurahan", "kecamatan", "kota"]
_LEVELS: dict[int, Level] = {13: "kelurahan", 8: "kecamatan", 5: "kota"}
_METRES_PER_DEGREE = 111_320
_ISLANDS = "31.01"
_REACH_MAINLAND = 2_500.0
_REACH_ISLANDS = 15_000.0
"""Metres from the nearest point beyond which a position is not in Jakarta: no spot of the mainland's kelurahan lies
farther than 3.5 km from its point, 99 % lie within 2 km; the islands are scattered."""


@dataclass(frozen=True, slots=True)
class Kelurahan:
    """A kelurahan with a point inside it (WGS 84 degrees)."""

    code: str
    name: str
    kecamatan: str
    kota: str
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class AreaName:
    """A spelling; ``codes`` are the areas it may mean. With ``cue`` it is a common word that needs "kel." before it."""

    codes: tuple[str, ...]
    cue: bool


@dataclass(frozen=True, slots=True)
class Street:
    """A road or landmark and the kelurahan it touches. With ``cue`` it is known only after "Jl."."""

    name: str
    road: bool
    cue: bool
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """The three tables, ready to be matched."""

    kelurahan: Mapping[str, Kelurahan]
    names: Mapping[str, str]
    """Name of every code of every level."""
    areas: Phrases[AreaName] = field(default_factory=Phrases)
    streets: Phrases[Street] = field(default_factory=Phrases)

    @classmethod
    def load(cls, lexicon: Lexicon, data: Path = DATA) -> Gazetteer:
        """From ``kelurahan.csv``, ``alias.csv``, ``jalan.csv`` in ``data``. Raises ``DataError`` with file and line."""
        kelurahan = _kelurahan(data / "kelurahan.csv")
        names: dict[str, str] = {}
        for row in kelurahan.values():
            names[row.code] = row.name
            names[row.code[:8]] = row.kecamatan
            names[row.code[:5]] = row.kota
        table = cls(kelurahan, names)
        spellings = _spellings(lexicon, names, data / "alias.csv")
        for forms, area in spellings.items():
            table.areas.add(forms, area)
        for forms, street in _streets(lexicon, kelurahan, spellings, data / "jalan.csv"):
            table.streets.add(forms, street)
        return table

    def level(self, code: str) -> Level:
        """Level of a code of the table."""
        return _LEVELS[len(code)]

    def nearest(self, lat: float, lon: float, count: int = 3) -> list[tuple[float, Kelurahan]]:
        """The ``count`` nearest kelurahan points with their distance in metres; empty outside Jakarta."""
        shrink = math.cos(math.radians(lat))
        ranked = sorted(
            (math.hypot(row.lat - lat, (row.lon - lon) * shrink) * _METRES_PER_DEGREE, row.code)
            for row in self.kelurahan.values()
        )[:count]
        reach = _REACH_ISLANDS if ranked[0][1].startswith(_ISLANDS) else _REACH_MAINLAND
        return [(metres, self.kelurahan[code]) for metres, code in ranked] if ranked[0][0] <= reach else []


def _kelurahan(path: Path) -> dict[str, Kelurahan]:
    rows: dict[str, Kelurahan] = {}
    for line, row in load_csv(path, ("code", "name", "kecamatan", "kota", "lat", "lon")):
        try:
            lat, lon = float(row["lat"]), float(row["lon"])
        except ValueError as error:
            raise DataError(f"{path}, line {line}: lat and lon must be degrees ({error})") from error
        if _LEVELS.get(len(row["code"])) != "kelurahan" or row["code"] in rows:
            raise DataError(
                f"{path}, line {line}: code '{row['code']}' must be a kelurahan's (31.74.07.1004) and stand once"
            )
        rows[row["code"]] = Kelurahan(row["code"], row["name"], row["kecamatan"], row["kota"], lat, lon)
    if not rows:
        raise DataError(f"{path}: holds no kelurahan; restore the file")
    return rows


def _spellings(lexicon: Lexicon, names: Mapping[str, str], path: Path) -> dict[tuple[str, ...], AreaName]:
    """Official names, also written together, and the aliases; an alias outranks the official name it equals."""
    official: dict[tuple[str, ...], set[str]] = {}
    for code, name in names.items():
        for written in (name, name.replace(" ", "")):
            official.setdefault(lexicon.phrase(written), set()).add(code)
    found = {forms: AreaName(tuple(sorted(codes)), cue=False) for forms, codes in official.items()}
    for line, row in load_csv(path, ("alias", "kode", "isyarat")):
        codes = tuple(row["kode"].split(";"))
        unknown = [code for code in codes if code not in names]
        if unknown:
            raise DataError(f"{path}, line {line}: unknown code {', '.join(unknown)}; use codes of kelurahan.csv")
        forms = lexicon.phrase(row["alias"])
        if not forms or row["isyarat"] not in ("", "ya"):
            raise DataError(f"{path}, line {line}: needs an alias, and isyarat 'ya' or nothing")
        found[forms] = AreaName(codes, cue=row["isyarat"] == "ya")
    return found


def _streets(
    lexicon: Lexicon, kelurahan: Mapping[str, Kelurahan], areas: Mapping[tuple[str, ...], AreaName], path: Path
) -> list[tuple[tuple[str, ...], Street]]:
    """Roads and landmarks under each of their names. One that is also an area's name is a street only after "Jl."."""
    found: dict[tuple[str, ...], Street] = {}
    for line, row in load_csv(path, ("nama", "alias", "jenis", "isyarat", "kelurahan")):
        codes = tuple(row["kelurahan"].split(";"))
        unknown = [code for code in codes if code not in kelurahan]
        if unknown:
            raise DataError(f"{path}, line {line}: unknown kelurahan {', '.join(unknown)}; use codes of kelurahan.csv")
        if row["jenis"] not in ("jalan", "tempat") or row["isyarat"] not in ("ya", "tidak"):
            raise DataError(f"{path}, line {line}: jenis is 'jalan' or 'tempat', isyarat 'ya' or 'tidak'")
        for index, name in enumerate((row["nama"], *filter(None, row["alias"].split(";")))):
            forms = lexicon.phrase(name)
            if not forms:
                raise DataError(f"{path}, line {line}: '{name}' has no word to match by")
            road = row["jenis"] == "jalan"
            if forms in areas and not road:
                continue
            cue = row["isyarat"] == "ya" or forms in areas
            # A road's own name outranks the same words as another one's alias.
            if index == 0 or forms not in found:
                found[forms] = Street(row["nama"], road, cue, codes)
    return list(found.items())
