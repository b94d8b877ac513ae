"""``tanggap understand``: lines in, readings out, a bad line hurts nobody else."""

from __future__ import annotations

import json

from normalizer.reader import Reader
from normalizer.understand import understand_lines

READER = Reader.load()


def test_a_line_gives_the_whole_reading() -> None:
    line = json.dumps({
        "text": "Jalur sepeda di Jl. Gunawarman dipakai buat parkir mobil, tolong ditertibkan @DKIJakarta",
        "channel": "x",
        "received_at": "2026-11-23T01:02:03Z",
    })  # fmt: skip
    (result,) = understand_lines([line], READER)
    assert list(result) == ["intent", "category", "place", "language", "masked_text"]
    assert result["intent"]["value"] == "complaint"
    assert result["category"]["value"] == "parkir-liar"
    assert result["place"]["kelurahan"] == "Selong"
    assert result["language"]["value"] == "id"
    assert json.loads(json.dumps(result)) == json.loads(json.dumps(result, allow_nan=False))


def test_positions_and_category_are_used() -> None:
    (result,) = understand_lines(
        [json.dumps({"text": "tolong", "lat": "-6.236", "lon": 106.807, "category": "Pohon"})], READER
    )
    assert result["place"]["kelurahan"] == "Selong"
    assert result["category"]["value"] == "pohon"


def test_bad_lines_are_named_by_number_and_the_rest_goes_on() -> None:
    lines: list[str | bytes] = [
        b'{"text": "banjir"}\n', "{", "", "[1]", '{"text": 5}', '{"txt": "rahasia"}', b"\xff\xfe",
        '{"text": "a", "category": 3}',
        "[" * 100_000, '{"text": "macet", "lat": NaN, "lon": [1]}',
    ]  # fmt: skip
    results = list(understand_lines(lines, READER))
    assert [result.get("line") for result in results] == [None, 2, 4, 5, 6, 7, 8, 9, None]
    assert results[0]["category"]["value"] == "banjir"
    assert results[-1]["place"]["method"] == "none"
    assert all("rahasia" not in str(result) for result in results)
