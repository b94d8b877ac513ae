"""Where a complaint is: by position, by polygon, by the names in the text."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from normalizer.reader import Reader
from normalizer.tables import DataError

READER = Reader.load()
SELONG, MELAWAI = "31.74.07.1004", "31.74.07.1001"


def square(west: float, south: float, size: float) -> list[list[float]]:
    east, north = west + size, south + size
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def feature(code: str, kind: str, coordinates: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"kode": code, "nama": "x"},
        "geometry": {"type": kind, "coordinates": coordinates},
    }


def boundaries(tmp_path: Path, *features: dict[str, Any]) -> Path:
    path = tmp_path / "batas.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path


@pytest.fixture
def mapped(tmp_path: Path) -> Reader:
    """Selong is a square of 0.03° with a hole that is Melawai's, which has a second part further east."""
    hole = square(106.81, -6.24, 0.01)
    selong = feature(SELONG, "Polygon", [square(106.80, -6.25, 0.03), hole])
    melawai = feature(MELAWAI, "MultiPolygon", [[hole], [square(106.90, -6.25, 0.02)]])
    return Reader.load(boundaries(tmp_path, selong, melawai))


@pytest.mark.parametrize(
    ("lat", "lon", "name"),
    [
        (-6.2201, 106.8001, "Selong"),
        (-6.235, 106.815, "Melawai"),
        (-6.245, 106.805, "Selong"),
        (-6.24, 106.91, "Melawai"),
    ],
)
def test_polygons_with_holes_and_several_parts(mapped: Reader, lat: float, lon: float, name: str) -> None:
    place = mapped.read("macet", lat=lat, lon=lon).place
    assert (place.method, place.kelurahan, place.kecamatan) == ("polygon", name, "Kebayoran Baru")
    assert place.confidence > 0.9


def test_a_position_beyond_all_polygons_is_outside_and_the_text_still_counts_as_candidate(mapped: Reader) -> None:
    place = mapped.read("banjir di kel. Pluit", lat=-6.50, lon=106.80).place
    assert place.method == "outside"
    assert place.kelurahan is None
    assert [candidate.name for candidate in place.candidates] == ["Pluit"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not JSON"),
        ('{"features": []}', "FeatureCollection"),
        ('{"features": [{"properties": {"kode": "31.74.07.1004"}}]}', r"features\[0\]"),
        (json.dumps({"features": [feature("99.99", "Polygon", [square(106.8, -6.2, 0.01)])]}), "99.99"),
        (json.dumps({"features": [feature(SELONG, "Point", [106.8, -6.2])]}), "Point"),
        (json.dumps({"features": [feature(SELONG, "Polygon", [square(700000, 9300000, 10)])]}), "degrees"),
        (json.dumps({"features": [feature(SELONG, "Polygon", [square(0, -80, 170)])]}), "spans too much"),
    ],
)
def test_a_bad_boundary_file_says_what_is_wrong(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "batas.geojson"
    path.write_text(content)
    with pytest.raises(DataError, match=says) as caught:
        Reader.load(path)
    assert "batas.geojson" in str(caught.value)


def test_a_missing_boundary_file_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="TANGGAP_BOUNDARIES"):
        Reader.load(tmp_path / "none.geojson")


def test_without_polygons_the_nearest_three_are_candidates() -> None:
    place = READER.read("macet", lat=-6.236123456, lon=106.806987654).place
    assert place.method == "nearest"
    assert place.kelurahan == "Selong"
    assert (place.lat, place.lon) == (-6.2361, 106.807)
    assert len(place.candidates) == 3
    assert 0.3 < place.confidence < 1
    assert sum(candidate.confidence for candidate in place.candidates) <= 1.01


def test_a_position_far_from_jakarta_is_outside_without_polygons_too() -> None:
    assert READER.read("macet", lat=-7.25, lon=112.75).place.method == "outside"


def test_position_beats_text_and_says_so() -> None:
    place = READER.read("jalan rusak di kel. Pluit", lat=-6.236, lon=106.807).place
    assert place.kelurahan == "Selong"
    assert any("Pluit" in reason for reason in place.reasons)


@pytest.mark.parametrize(
    ("lat", "lon"),
    [(0, 0), (0.0, 0.0), (math.nan, 106.8), (math.inf, 1.0), ("", ""), ("utara", "timur"), (None, 106.8),
     (True, True), (-6.2, None),
     (10**400, 1), (-120.0, 106.8)],
)  # fmt: skip
def test_what_is_no_position_is_left_out_and_named(lat: Any, lon: Any) -> None:
    place = READER.read("macet", lat=lat, lon=lon).place
    assert place.method == "none"
    assert place.lat is None
    assert any("koordinat tidak sah" in reason for reason in place.reasons)


def test_swapped_and_written_positions_are_understood() -> None:
    swapped = READER.read("macet", lat=106.807, lon=-6.236).place
    written = READER.read("macet", lat="-6,236", lon=" 106.807 ").place
    assert swapped.kelurahan == written.kelurahan == "Selong"
    assert any("tertukar" in reason for reason in swapped.reasons)


@pytest.mark.parametrize(
    ("text", "kelurahan", "kecamatan"),
    [
        ("parkir liar di Jl. Gunawarman", "Selong", "Kebayoran Baru"),
        ("got mampet kel. selong", "Selong", "Kebayoran Baru"),
        ("di kelurahan baru pasar rebo", "Baru", "Pasar Rebo"),
        ("jalan rusak di tanjung duren utara", "Tanjung Duren Utara", "Grogol Petamburan"),
        ("macet di TanjungDurenUtara", "Tanjung Duren Utara", "Grogol Petamburan"),
        ("banjir pd kelapa", "Pondok Kelapa", "Duren Sawit"),
        ("lampu mati Kel. pondok labu kec. Cilandak Jakarta Selatan", "Pondok Labu", "Cilandak"),
        ("PKL di Jalan Diponegoro, Kelurahan Kenari, Kecamatan Senen", "Kenari", "Senen"),
        ("pohon tumbang jl raya bogor kelurahan pekayon", "Pekayon", "Pasar Rebo"),
        ("sampah di kec. tebet", None, "Tebet"),
        ("banjir di Kramat Jati", None, "Kramatjati"),
        ("banjir di kramatjati", None, "Kramatjati"),
        ("sekolah di pejaten", None, "Pasar Minggu"),
        ("orang baru di tengah jalan jati", None, None),
        ("saya ke pasar pagi", None, None),
    ],
)
def test_names_in_the_text(text: str, kelurahan: str | None, kecamatan: str | None) -> None:
    place = READER.read(text).place
    assert (place.kelurahan, place.kecamatan) == (kelurahan, kecamatan)
    assert (place.method == "none") == (kecamatan is None)


def test_a_long_road_gives_candidates_and_no_answer() -> None:
    place = READER.read("lampu mati di Jl. Jend. Sudirman").place
    assert place.kelurahan is None
    assert place.street == "Jl. Jenderal Sudirman"
    assert len(place.candidates) == 5
    assert {candidate.level for candidate in place.candidates} == {"kelurahan"}


def test_another_district_in_the_text_narrows_a_road_down() -> None:
    wide = READER.read("macet Jl. Fatmawati").place
    narrow = READER.read("macet Jl. Fatmawati kec. Kebayoran Baru").place
    assert wide.kecamatan is None
    assert narrow.kecamatan == "Kebayoran Baru"
    assert {candidate.code[:8] for candidate in narrow.candidates[:2]} == {"31.74.07"}


def test_where_somebody_goes_counts_less_than_where_something_is() -> None:
    here = READER.read("macet di Pluit").place.candidates[0]
    there = READER.read("macet arah Pluit").place.candidates[0]
    assert there.confidence < here.confidence


@pytest.mark.parametrize(
    ("text", "rt", "rw"),
    [
        ("RT 5/RW 04", "005", "004"), ("RT.005/04", "005", "004"), ("Rt03 Rw014", "003", "014"),
        ("RT/RW 005/004", "005", "004"),
        ("rw 9", None, "009"), ("rt: 1", "001", None), ("sport 5 dan brw 4", None, None),
    ],
)  # fmt: skip
def test_rt_and_rw(text: str, rt: str | None, rw: str | None) -> None:
    place = READER.read(text).place
    assert (place.rt, place.rw) == (rt, rw)


@pytest.mark.parametrize(
    ("text", "street"),
    [
        ("di Jl Mawar Merah III no 5", "Jl. Mawar Merah III"),
        ("jl mawar rusak parah", "Jl. Mawar"),
        ("Gg. Kelinci 4 rt.01", "Gg. Kelinci 4"),
        ("jalan rusak depan pasar", None),
        ("Jl. H. Nawi macet", "Jl. Haji Nawi"),
        ("alamat saya Jl. Melati No. 5. Got di Jl. Kenanga mampet", "Jl. Kenanga"),
        ("alamat saya Jl. Melati No. 5 RT 3", None),
    ],
)
def test_street(text: str, street: str | None) -> None:
    assert READER.read(text).place.street == street


def test_a_home_address_gives_no_rt() -> None:
    assert READER.read("alamat saya Jl. Melati No. 5 RT 3 RW 4").place.rt is None
