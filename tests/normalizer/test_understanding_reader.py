"""The reader as a whole: it never fails, decides the same every time, and cleans what people read."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalizer.reader import Reader
from normalizer.text import LIMIT, clean
from schemas.base import decode, encode
from schemas.ticket import Reading

READER = Reader.load()
ANY_TEXT = st.text(alphabet=st.characters(), max_size=300)
PIECES = st.lists(
    st.sampled_from(
        ["Jl. ", "kel. ", "Tebet ", "nama saya ", "Pak ", "alamat saya ", "jl ", "RT 5/", "0812", "3456789", " at ",
         "@", "a.b", "[NIK]", "B 12", " ABC", "+62", "(021)", "&amp;", "\u0301" * 9, "\u202e", "\ud800", "https://t.co/x",
         "parkir", " + ", "-", ".", "\n", "JK2306180342", "🙂", "İ"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    text=ANY_TEXT | PIECES,
    subject=st.none() | PIECES,
    category=st.none() | ANY_TEXT,
    names=st.lists(ANY_TEXT | PIECES, max_size=2),
)
def test_any_text_is_read_and_the_reading_travels(
    text: str, subject: str | None, category: str | None, names: list[str]
) -> None:
    reading = READER.read(text, subject=subject, category=category, names=names, channel="x")
    assert decode(encode(reading), Reading) == reading
    for judgement in (reading.intent, reading.category, reading.language, reading.place):
        assert judgement.reasons
        assert 0 <= judgement.confidence <= 1
    assert all(0 <= candidate.confidence <= 1 for candidate in reading.place.candidates)


@settings(max_examples=60, deadline=None)
@given(
    lat=st.none() | st.floats() | st.integers() | st.booleans() | st.text(max_size=8),
    lon=st.none() | st.floats() | st.integers() | st.text(max_size=8),
)
def test_any_position_is_taken(lat: object, lon: object) -> None:
    reading = READER.read("macet", lat=lat, lon=lon)  # type: ignore[arg-type]
    assert decode(encode(reading), Reading) == reading


@settings(max_examples=60, deadline=None)
@given(text=PIECES)
def test_two_readers_agree(text: str) -> None:
    assert Reader.load().read(text, names=["Budi Contoh"]) == READER.read(text, names=["Budi Contoh"])


HOSTILE = [
    "a",
    "1",
    " ",
    "@",
    "a@",
    "1-",
    "1 ",
    "rt 1/",
    "jl ",
    "&amp;",
    "@a ",
    "\u0301\u0316",
    "B 1234 ABC ",
    "a at b ",
    "Pak Budi ",
    "[NIK]",
    "(",
    "_",
    "nama saya ",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_hundred_kilobytes_of_anything_are_cut_and_it_is_said(unit: str) -> None:
    reading = READER.read("banjir " + unit * (100_000 // len(unit) + 10), names=["Budi Contoh"])
    # A placeholder may be a little longer than what it stands for.
    assert len(reading.masked_text) < 2 * LIMIT
    assert reading.category.value == "banjir"
    assert any("sangat panjang" in reason for reason in reading.intent.reasons)


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("ayam&amp; bebek &lt;3", "ayam& bebek <3"),
        ("@a @DKIJakarta: jalan rusak", "jalan rusak"),
        ("kata @DKIJakarta rusak", "kata @DKIJakarta rusak"),
        ("lihat https://t.co/AbC123 ya", "lihat ya"),
        ("lihat https://contoh.id/x ya", "lihat https://contoh.id/x ya"),
        ("ba\u200bn\u00adjir\u202e", "banjir"),
        ("cafe\u0301", "café"),
        ("a\u00a0\t b\r\n\r\n\r\n\r\nc ", "a b\n\nc"),
        ("𝐛𝐚𝐧𝐣𝐢𝐫 ＪＡＫＡＲＴＡ １２", "banjir JAKARTA 12"),
        ("\ud83d jalan", "jalan"),
    ],
)
def test_the_text_people_read(raw: str, read: str) -> None:
    assert clean(raw) == read
    assert READER.mask(raw) == read


def test_the_subject_helps_to_judge_but_stays_out_of_the_text() -> None:
    reading = READER.read("Mohon bantuannya.", subject="Banjir di kel. Pluit")
    assert reading.category.value == "banjir"
    assert reading.place.kelurahan == "Pluit"
    assert reading.masked_text == "Mohon bantuannya."


def test_no_reason_quotes_the_message() -> None:
    reading = READER.read("Zulkifran parkir di trotoar, kel. Selong, hp 081200000001", names=["Zulkifran"])
    told = msgspec.json.encode(reading).decode()
    assert "Zulkifran" not in told
    assert "0812" not in told
