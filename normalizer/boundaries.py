"""Which kelurahan a point lies in: a grid over the operator's polygons, and an exact test in border cells only.

Cells that no boundary crosses know their answer beforehand; the others test their few candidates by ray casting with
the even-odd rule, which treats holes and several parts alike. Pure Python, 2 µs a point.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .tables import DataError

Point = tuple[float, float]
Edge = tuple[float, float, float, float]

_CELLS_PER_DEGREE = 250
"""Cells of 0.004° (440 m): most cells of a kelurahan then lie wholly within it."""
_MAX_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class _Area:
    code: str
    edges: tuple[Edge, ...]
    box: tuple[float, float, float, float]


class Boundaries:
    """An index of areas. A point on a shared border belongs to the first area that claims it."""

    def __init__(self, areas: Sequence[_Area]) -> None:
        self._inside: dict[tuple[int, int], _Area] = {}
        self._border: dict[tuple[int, int], list[_Area]] = {}
        for area in areas:
            self._index(area)

    @classmethod
    def load(cls, path: Path, codes: Mapping[str, object]) -> Boundaries:
        """From GeoJSON: WGS 84, Polygon or MultiPolygon, properties ``kode`` (a kelurahan of ``codes``) and ``nama``.

        Raises ``DataError`` naming the feature at fault.
        """
        try:
            data = json.loads(path.read_bytes())
        except OSError as error:
            raise DataError(
                f"{path}: cannot be read ({error.strerror}); set TANGGAP_BOUNDARIES to a GeoJSON file"
            ) from error
        except ValueError as error:
            raise DataError(f"{path}: is not JSON ({error}); give a GeoJSON file of kelurahan") from error
        features = data.get("features") if isinstance(data, dict) else None
        if not isinstance(features, list) or not features:
            raise DataError(f"{path}: must be a FeatureCollection with the polygons of the kelurahan")
        return cls([_area(f"{path}: features[{index}]", feature, codes) for index, feature in enumerate(features)])

    def find(self, lat: float, lon: float) -> str | None:
        """Code of the area that holds the point (degrees), or None."""
        cell = (math.floor(lon * _CELLS_PER_DEGREE), math.floor(lat * _CELLS_PER_DEGREE))
        sure = self._inside.get(cell)
        if sure is not None:
            return sure.code
        for area in self._border.get(cell, ()):
            if _holds(area, lon, lat):
                return area.code
        return None

    def _index(self, area: _Area) -> None:
        crossed: set[tuple[int, int]] = set()
        for edge in area.edges:
            crossed.update(_cells(edge))
        for cell in crossed:
            earlier = self._inside.pop(cell, None)
            candidates = self._border.setdefault(cell, [])
            candidates.extend([area] if earlier is None else [earlier, area])
        west, south, east, north = (math.floor(value * _CELLS_PER_DEGREE) for value in area.box)
        for row in range(south, north + 1):
            for column in range(west, east + 1):
                cell = (column, row)
                middle = ((column + 0.5) / _CELLS_PER_DEGREE, (row + 0.5) / _CELLS_PER_DEGREE)
                if cell in crossed or not _holds(area, *middle):
                    continue
                if cell in self._border:
                    self._border[cell].append(area)
                else:
                    self._inside.setdefault(cell, area)


def _holds(area: _Area, x: float, y: float) -> bool:
    west, south, east, north = area.box
    if not (west <= x <= east and south <= y <= north):
        return False
    inside = False
    for x1, y1, x2, y2 in area.edges:
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def _cells(edge: Edge) -> Iterator[tuple[int, int]]:
    """Cells of the edge's bounding box: a superset of those it crosses; edges are short."""
    x1, y1, x2, y2 = edge
    columns = range(math.floor(min(x1, x2) * _CELLS_PER_DEGREE), math.floor(max(x1, x2) * _CELLS_PER_DEGREE) + 1)
    rows = range(math.floor(min(y1, y2) * _CELLS_PER_DEGREE), math.floor(max(y1, y2) * _CELLS_PER_DEGREE) + 1)
    return ((column, row) for column in columns for row in rows)


def _area(where: str, feature: Any, codes: Mapping[str, object]) -> _Area:
    try:
        code = str(feature["properties"]["kode"])
        geometry = feature["geometry"]
        kind, coordinates = geometry["type"], geometry["coordinates"]
        if kind not in ("Polygon", "MultiPolygon"):
            raise DataError(f"{where}: a {kind} is no area; give Polygon or MultiPolygon")
        polygons = [coordinates] if kind == "Polygon" else coordinates
        rings = [[(float(point[0]), float(point[1])) for point in ring] for polygon in polygons for ring in polygon]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{where}: needs properties.kode and a geometry of longitude, latitude ({error!r})") from error
    if code not in codes:
        raise DataError(
            f"{where}: kode '{code}' is no kelurahan of kelurahan.csv; use Kemendagri codes (31.74.07.1004)"
        )
    edges = tuple((*a, *b) for ring in rings for a, b in zip(ring, [*ring[1:], ring[0]], strict=True) if a != b)
    if not edges or not all(math.isfinite(value) and abs(value) <= 180 for edge in edges for value in edge):
        raise DataError(f"{where}: the polygon is empty or not in degrees; give WGS 84 longitude, latitude")
    box = (
        min(edge[0] for edge in edges), min(edge[1] for edge in edges),
        max(edge[0] for edge in edges), max(edge[1] for edge in edges),
    )  # fmt: skip
    if (box[2] - box[0]) * (box[3] - box[1]) * _CELLS_PER_DEGREE**2 > _MAX_CELLS:
        raise DataError(f"{where}: the area spans too much for a kelurahan; check the coordinates")
    return _Area(code, edges, box)
