"""The city's tables: shipped ones load, broken ones are refused with the place of the mistake."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from normalizer.category import Categories
from normalizer.gazetteer import Gazetteer
from normalizer.intent import Intents
from normalizer.language import Languages
from normalizer.mask import Masker
from normalizer.phrases import Phrases
from normalizer.tables import DATA, DataError
from normalizer.text import Lexicon

LEXICON = Lexicon.load()
LIST = "[a]"


def test_the_267_kelurahan_with_their_kota() -> None:
    table = Gazetteer.load(LEXICON).kelurahan
    assert len(table) == 267
    counts = Counter(row.kota for row in table.values())
    assert counts == {
        "Kepulauan Seribu": 6, "Jakarta Pusat": 44, "Jakarta Utara": 31, "Jakarta Barat": 56,
        "Jakarta Selatan": 65, "Jakarta Timur": 65,
    }  # fmt: skip
    assert all(-6.4 < row.lat < -5.1 and 106.3 < row.lon < 107.0 for row in table.values())


def test_some_two_hundred_roads_are_known() -> None:
    rows = [line for line in (DATA / "jalan.csv").read_text().splitlines() if not line.startswith("#")]
    kinds = Counter(row["jenis"] for row in csv.DictReader(rows))
    assert kinds["jalan"] >= 190
    assert kinds["tempat"] >= 60


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("jarak: 8\nabaikan: []\nkategori: {lainnya: {nama: L, pilihan: {}, kata: {}}, lainnya: {}}", "twice"),
        ("jarak: jauh\n", "jarak.*number"),
        ("jarak: 8\nabaikan: []\nkategori: {pohon: {nama: P, pilihan: {}, kata: {}}}", "lainnya"),
        ("jarak: 8\nabaikan: []\nkategori: {pohon: {nama: P, pilihan: {}, kata: {5: [no]}}}", r"pohon\.kata\.5\[0\]"),
        ("jarak: 8\nabaikan: []\nkategori: {pohon: {nama: P, pilihan: {}, kata: {berat: [pohon]}}}", "number"),
        ("jarak: 8\nabaikan: []\nkategori: {pohon: {nama: P, pilihan: {}, kata: {5: ['pohon + ']}}}", "no word"),
        ("jarak: 8\nabaikan: []\nkategori: {pohon: {nama: P, pilihan: [], kata: {}}}", r"pohon\.pilihan"),
        ("jarak: [8", "kategori.yaml"),
        ("- a\n", "mapping"),
    ],
)
def test_a_mistake_in_the_categories_is_located(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "kategori.yaml"
    path.write_text(content)
    with pytest.raises(DataError, match=says) as caught:
        Categories.load(LEXICON, path=path)
    assert "kategori.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("dilindungi: [rt]\nbaku: {tidak: [tdk], tak: [tdk]}", "already has a meaning"),
        ("dilindungi: [rt]\nbaku: {rukun: [rt]}", "already has a meaning"),
        ("dilindungi: [rt]\nbaku: {terima: ['terima kasih']}", "one word"),
        ("baku: {}", "dilindungi"),
    ],
)
def test_a_mistake_in_the_abbreviations_is_located(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "singkatan.yaml"
    path.write_text(content)
    with pytest.raises(DataError, match=says):
        Lexicon.load(path)


@pytest.mark.parametrize(
    "load",
    [lambda p: Intents.load(LEXICON, p), Languages.load, lambda p: Masker.load(LEXICON, frozenset(), frozenset(), p)],
)
def test_an_empty_table_is_refused(tmp_path: Path, load: object) -> None:
    path = tmp_path / "kosong.yaml"
    path.write_text("lain: []\n")
    with pytest.raises(DataError, match=r"kosong\.yaml"):
        load(path)  # type: ignore[operator]


HEADS = {
    "kelurahan.csv": "code,name,kecamatan,kota,lat,lon\n",
    "alias.csv": "alias,kode,isyarat\n",
    "jalan.csv": "nama,alias,jenis,isyarat,kelurahan\n",
}


@pytest.mark.parametrize(
    ("name", "row", "says"),
    [
        ("kelurahan.csv", "31.74.07.1004,Selong,Kebayoran Baru,Jakarta Selatan,utara,106.8", "line 2.*degrees"),
        ("kelurahan.csv", "31.74.07,Selong,Kebayoran Baru,Jakarta Selatan,-6.2,106.8", "line 2.*31.74.07"),
        ("kelurahan.csv", "31.74.07.1004,Selong", "line 2: 2 fields, 6 needed"),
        ("kelurahan.csv", "# none", "no kelurahan"),
        ("alias.csv", "selong,99.99,", "line 2.*99.99"),
        ("alias.csv", "selong,31.74.07.1004,mungkin", "line 2.*isyarat"),
        ("jalan.csv", "Gunawarman,,jalan,tidak,31.74.07.9999", "line 2.*31.74.07.9999"),
        ("jalan.csv", "Gunawarman,,lorong,tidak,31.74.07.1004", "line 2.*jenis"),
        ("jalan.csv", "...,,jalan,tidak,31.74.07.1004", "line 2"),
    ],
)
def test_a_mistake_in_the_gazetteer_names_file_and_line(tmp_path: Path, name: str, row: str, says: str) -> None:
    rows = {
        "kelurahan.csv": "31.74.07.1004,Selong,Kebayoran Baru,Jakarta Selatan,-6.23,106.81",
        "alias.csv": "",
        "jalan.csv": "",
    }
    for file, head in HEADS.items():
        (tmp_path / file).write_text(head + (row if file == name else rows[file]) + "\n")
    with pytest.raises(DataError, match=says) as caught:
        Gazetteer.load(LEXICON, tmp_path)
    assert name in str(caught.value)


def test_wrong_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "kelurahan.csv").write_text("kode,nama\n")
    with pytest.raises(DataError, match=r"line 1: the columns must be code,name"):
        Gazetteer.load(LEXICON, tmp_path)


def test_phrases_match_the_longest_from_left_to_right() -> None:
    table: Phrases[str] = Phrases()
    for phrase in ("lampu", "lampu jalan", "jalan rusak", "lampu jalan mati total"):
        table.add(phrase.split(), phrase)
    assert [hit.values for hit in table.find(["lampu", "jalan", "mati", "jalan", "rusak", "lampu"])] == [
        ["lampu jalan"],
        ["jalan rusak"],
        ["lampu"],
    ]
    with pytest.raises(ValueError, match="one word"):
        table.add((), "kosong")


def test_citizens_spellings_meet_the_tables_words() -> None:
    assert LEXICON.phrase("gorong2") == LEXICON.phrase("gorong-gorong") == ("gorong",)
    assert LEXICON.phrase("diperbaiki") == LEXICON.phrase("di perbaiki")[1:]
    assert LEXICON.phrase("trotoarnya") == ("trotoar",)
    assert LEXICON.phrase("banjirrrr") == ("banjir",)
    assert LEXICON.phrase("kel kec rt rw pkl pju jpo") == ("kel", "kec", "rt", "rw", "pkl", "pju", "jpo")
