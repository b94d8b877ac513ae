from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from router.rulebook import RULES, UNITS, load_rulebook
from router.units import RulebookError, load_units
from router.words import Words, plain

BOOK = """\
version: "1"
effective_from: 2026-11-01
threshold: 0.5
certainty: {tinggi: 0.9, sedang: 0.8, rendah: 0.6}
agreement: {support: 1.0, silent: 0.9, mixed: 0.8, conflict: 0.6}
categories: [banjir, pohon]
signals:
  DSDA: [banjir]
rules:
  - name: banjir-got
    categories: [banjir]
    words: [got]
    unit: KELURAHAN
    certainty: sedang
    alternatives: [DSDA]
    why: Got kecil.
  - name: semua
    categories: [banjir, pohon]
    unit: DSDA
    certainty: tinggi
    alternatives: []
    why: Semua.
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sound_book_loads(tmp_path: Path) -> None:
    book = load_rulebook(write(tmp_path, BOOK))
    assert [rule.name for rule in book.rules["banjir"]] == ["banjir-got", "semua"]
    assert [rule.name for rule in book.rules["pohon"]] == ["semua"]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("    unit: DSDA", "    unit: DSDX", 17, "rule 2 (semua): unit 'DSDX' is not in opd.csv"),
        ("    unit: DSDA", "    unit: PLN", 17, "PLN has no inbox"),
        ("    unit: DSDA", "    unit: KECAMATAN", 17, "class of offices"),
        (
            "categories: [banjir, pohon]\n    unit",
            "categories: [banjir]\n    unit",
            None,
            "category pohon is not covered",
        ),
        ("categories: [banjir, pohon]\n    unit", "categories: [banjir, pohn, pohon]\n    unit", 17, "'pohn'"),
        ("    words: [got]\n", "", 16, "is never reached for banjir"),
        ("    words: [got]", "    wrods: [got]", 10, "wrods"),
        ("    words: [got]", "    words: [g*t]", 10, "only at the end"),
        ("    words: [got]", '    words: ["?"]', 10, "no letter or digit"),
        ("    certainty: sedang", "    certainty: yakin", 10, "yakin"),
        ("name: semua", "name: banjir-got", 17, "the name is taken"),
        ("alternatives: [DSDA]", "alternatives: [DSDA, DSDA]", 10, "must differ"),
        ("threshold: 0.5", "threshold: 5", 1, "$.threshold"),
        ("threshold: 0.5", "threshold: 0.5\nthreshold: 0.6", 4, "stands twice"),
        ("tinggi: 0.9, ", "", None, "certainty lacks tinggi"),
        ("  DSDA: [banjir]", "  DSDX: [banjir]", None, "DSDX"),
        ("signals:", "signals: [", None, "is not YAML"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(
    tmp_path: Path, old: str, new: str, line: int | None, message: str
) -> None:
    text = BOOK.replace(old, new, 1)
    assert text != BOOK
    path = write(tmp_path, text)
    with pytest.raises(RulebookError) as caught:
        load_rulebook(path)
    said = str(caught.value)
    assert message in said
    assert said.startswith(f"{path}:{line}:" if line else f"{path}")


def test_an_edition_is_refused_before_its_day(tmp_path: Path) -> None:
    path = write(tmp_path, BOOK)
    assert load_rulebook(path, on=date(2026, 11, 1)).version == "1"
    with pytest.raises(RulebookError, match="in force from 2026-11-01"):
        load_rulebook(path, on=date(2026, 10, 31))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulebookError, match=r"none\.yaml"):
        load_rulebook(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("DBM,Dinas Bina Marga", "2 fields"),
        ("dbm,Dinas Bina Marga,dinas", "capital letters"),
        ("DBM,,dinas", "no name"),
        ("DBM,Dinas Bina Marga,dinass", "'dinass'"),
        ("DSDA,Lagi,dinas", "listed twice"),
    ],
)
def test_a_bad_agency_is_named_with_its_line(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "opd.csv"
    path.write_text(f"code,name,kind\nDSDA,Dinas Sumber Daya Air,dinas\n{row}\n", encoding="utf-8")
    with pytest.raises(RulebookError, match=message) as caught:
        load_units(path)
    assert str(caught.value).startswith(f"{path}:3:")


def test_the_citys_own_files_are_sound() -> None:
    units = load_units(UNITS)
    assert units["BIRO-PEM"].has_inbox
    assert not units["PLN"].has_inbox
    assert len(units) == 61
    assert len(load_rulebook(RULES, UNITS).rules) == 55


@pytest.mark.parametrize(
    ("entry", "text", "found"),
    [
        ("trotoar", "Trotoarnya rusak", ("trotoarnya",)),
        ("got", "gotong royong", ()),
        ("coret*", "coret-coretan", ("coret", "coretan")),
        ("tutup saluran", "TUTUP   SALURAN!", ("tutup saluran",)),
        ("jak", "jakarta", ()),
    ],
)
def test_words_match_whole_words(entry: str, text: str, found: tuple[str, ...]) -> None:
    assert Words([entry]).found(plain(text)) == found
