from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import portal.words
from pipeline.errors import Unavailable
from portal import waktu
from portal.charts import share_bar, sparkline
from portal.words import words
from tests.portal.conftest import Login
from tests.portal.fakes import NOW, City, case_of, channel_of


@pytest.mark.parametrize("path", ["/operasi", "/operasi/angka"])
async def test_the_numbers(city: City, login: Login, path: str) -> None:
    city.put(case_of("a", "JK2611230001", "proses", "DISHUB", "Dinas Perhubungan"))
    page = (await (await login("operations")).get(path)).text
    for shown in (
        "508",
        "Terlambat",
        "Dinas Bina Marga",
        "6 terlambat dari 42 terbuka",
        "JK2611230001",
        "email.too-deep",
        "196 laporan dalam 60 menit terakhir",
        "Dicatat saja",
        "Penormal",
        "mati",
    ):
        assert shown in page
    assert ("<html" in page) == (path == "/operasi")


async def test_each_channel_says_in_words_how_it_is_and_what_to_do(login: Login) -> None:
    page = (await (await login("operations")).get("/operasi/angka")).text
    table = page.split("Kesehatan kanal")[1].split("</table>")[0]
    whatsapp, x, email = table.split("<tr>")[2:]
    for shown in ("sunyi", 'class="cap merah"', "biasanya 42", "(41,8)", "2 jam lalu", "runbook channel-silent"):
        assert shown in whatsapp
    for shown in ("token habis 6 hari lagi", "6 hari</td>", "42 %", 'class="cap kuning"'):
        assert shown in x
    assert "sehat" in email
    assert "<time" not in email


async def test_what_a_channel_is_called_is_escaped(city: City, login: Login) -> None:
    city.health = {"channels": [channel_of("x", "<b>X", words="<i>", todo='"><script>')]}
    page = (await (await login("operations")).get("/operasi/angka")).text
    assert "<script>" not in page
    assert "&lt;b&gt;X" in page


async def test_without_the_search_the_rest_still_shows(city: City, login: Login) -> None:
    city.cases.away = True
    page = await (await login("operations")).get("/operasi/angka")
    assert page.status_code == 200
    assert "Mesin pencari tidak terjangkau" in page.text
    assert "Penormal" in page.text


async def test_without_health_the_numbers_still_show(city: City, login: Login) -> None:
    async def away() -> None:
        raise Unavailable("broker")

    client = await login("operations")
    object.__setattr__(city.deps, "health", away)
    page = await client.get("/operasi/angka")
    assert page.status_code == 200
    assert "tidak dapat dibaca" in page.text
    assert "508" in page.text


async def test_an_empty_city_has_a_page(city: City, login: Login) -> None:
    city.health = {}
    assert (await (await login("operations")).get("/operasi")).status_code == 200


def test_charts_escape_their_label_and_keep_their_bounds() -> None:
    chart = sparkline((0, 3, 12), '"><script>', "menit")
    assert "<script>" not in chart
    assert chart.count("<rect") == 3
    assert 'height="36.0"' in chart
    assert sparkline((), "kosong", "menit").count("<rect") == 0
    assert 'width="25.00"' in share_bar([(1, "merah")], 4, "1 dari 4")
    assert 'width="0.00"' in share_bar([(0, "merah")], 0, "0 dari 0")


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(days=6, hours=4, minutes=9), "6 hari 4 jam"),
        (timedelta(days=2, minutes=9), "2 hari 9 menit"),
        (timedelta(minutes=61), "1 jam 1 menit"),
        (timedelta(seconds=20), "kurang dari semenit"),
    ],
)
def test_durations_in_words(length: timedelta, text: str) -> None:
    assert waktu.span(length) == text
    assert waktu.left(NOW - length, NOW) == f"lewat {text}"


def test_the_day_begins_at_midnight_in_jakarta() -> None:
    assert str(waktu.midnight(NOW)) == "2026-11-22 17:00:00+00:00"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("warna: ungu", "warna: pelangi"),
        ("{unit} sedang mengerjakan", "{nama} sedang mengerjakan"),
        ("  rated:", "  dinilai:"),
        ("kanal: {", "kanal: {{"),
    ],
)
def test_words_that_do_not_fit_name_the_file(tmp_path: Path, right: str, wrong: str) -> None:
    original = (Path(portal.words.__file__).parent / "data" / "kata.yaml").read_text("utf-8")
    file = tmp_path / "kata.yaml"
    file.write_text(original.replace(right, wrong, 1), "utf-8")
    with pytest.raises(ValueError, match=r"kata\.yaml: "):
        words(file)
