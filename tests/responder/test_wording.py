"""Wording is data: what it may say, and that a slip is told with file and template."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from responder.wording import LINK, QUOTE_LIMIT, WORDING, Template, WordingError, load, render
from tests.responder.desk import fact

GOOD = {"versi": "1", "kalimat": {"diterima": {"fakta": "received", "pesan": "{nomor} {tautan}", "publik": "{tautan}"}}}


def written(folder: Path, **template: str) -> Path:
    path = folder / "kalimat.yaml"
    kalimat = {"diterima": GOOD["kalimat"]["diterima"] | template}  # type: ignore[index]
    path.write_text(yaml.safe_dump({"versi": "1", "kalimat": kalimat}))
    return path


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ({"pesan": "Halo {nama} {tautan}"}, "nama"),
        ({"publik": "Terima kasih {nomor}"}, "tautan"),
        ({"pesan": "Halo {nomor tautan {tautan}"}, "kalimat.yaml"),
        ({"pesan": "{} {tautan}"}, "diterima"),
        ({"pesna": "x"}, "pesna"),
    ],
)
def test_slip_is_told_with_the_file(tmp_path: Path, template: dict[str, str], told: str) -> None:
    with pytest.raises(WordingError) as found:
        load(written(tmp_path, **template))
    assert told in str(found.value)
    assert "kalimat.yaml" in str(found.value)


@pytest.mark.parametrize("text", ["", "kalimat: [", "versi: 1\nkalimat: {}", "versi: '1'"])
def test_file_that_is_no_wording(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kalimat.yaml"
    path.write_text(text)
    with pytest.raises(WordingError, match=r"kalimat\.yaml"):
        load(path)


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(WordingError, match="nowhere"):
        load(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("name", ["diterima", "pertanyaan", "selesai"])
def test_shipped_public_forms_fit_a_post_and_quote_nobody(name: str) -> None:
    template = load(WORDING).kalimat[name]
    text = render(template, fact(text="RAHASIA", unit_name="Dinas Bina Marga"), public=True)
    assert "RAHASIA" not in text
    assert LINK in text
    assert len(text.replace(LINK, "x" * 23)) <= 280


def test_braces_in_an_officers_words_fill_in_nothing() -> None:
    template = Template(fakta="asked", pesan="{pesan} {tautan}", publik="{tautan}")
    assert render(template, fact("asked", text="{nomor} {0} {"), public=False) == f"{{nomor}} {{0}} {{ {LINK}"


def test_long_words_are_cut() -> None:
    template = Template(fakta="asked", pesan="{pesan}{tautan}", publik="{tautan}")
    text = render(template, fact("asked", text="a" * 5000), public=False)
    assert text == "a" * QUOTE_LIMIT + LINK
