"""Files on pages: who sees them, from where, and that it is kept who looked."""

from __future__ import annotations

import re

import httpx
import msgspec
import pytest

from schemas.case import Case
from schemas.ticket import AttachmentRef
from tests.portal.conftest import Login
from tests.portal.fakes import City, case_of, fact_of, ticket_id

PHOTO = AttachmentRef(media_type="image/jpeg", size=482_113, blob="b" * 26, id="f" * 26, view="v" * 26)
VOICE = AttachmentRef(media_type="audio/ogg", size=9_000, blob="c" * 26, id="g" * 26)
UNCHECKED = AttachmentRef(media_type="text/html", size=10, blob="d" * 26, id="h" * 26)
WAITING = AttachmentRef(media_type="image/jpeg", id="i" * 26)
PICTURE = re.compile(r'<img src="(http://127\.0\.0\.1:8081/berkas/[^"]+)"')
DOWNLOAD = re.compile(r'<a href="(http://127\.0\.0\.1:8081/berkas/[^"]+)"')


@pytest.fixture
def case(city: City) -> Case:
    plain = case_of("a", "JK2611230001", "proses", "DISHUB", "Dinas Perhubungan")
    fact = fact_of(plain, "attached", "proses", "sebab-lampiran", at=plain.at)
    fact = msgspec.structs.replace(fact, evidence=(PHOTO, VOICE))
    files = (PHOTO, VOICE, UNCHECKED, WAITING)
    return city.put(msgspec.structs.replace(plain, attachments=files, history=(*plain.history, fact)))


async def test_an_officer_sees_pictures_from_the_media_origin(city: City, login: Login, case: Case) -> None:
    page = await (await login("officer")).get(f"/opd/tiket/{case.id}")
    (picture,) = PICTURE.findall(page.text)
    (download,) = DOWNLOAD.findall(page.text)
    assert (picture.split("/")[5:7], download.split("/")[5:7]) == (["v" * 26, "gambar"], ["c" * 26, "unduh"])
    assert "img-src 'self' http://127.0.0.1:8081;" in page.headers["content-security-policy"]
    assert int(picture.split("/")[7]) - city.clock.now().timestamp() <= 3600
    assert ("akun-officer", "files.shown", case.id, "halaman tiket") in city.vault.trail


async def test_the_file_as_it_came_is_never_shown_in_a_page(login: Login, case: Case) -> None:
    page = await (await login("officer")).get(f"/opd/tiket/{case.id}")
    assert "b" * 26 not in page.text
    assert "d" * 26 not in page.text, "what was not judged by content is not given out"


async def test_operations_only_look_at_the_masked_case(city: City, login: Login, case: Case) -> None:
    page = await (await login("operations")).get(f"/opd/tiket/{case.id}")
    assert page.status_code == 200
    assert "/berkas/" not in page.text
    assert city.vault.trail == []


async def test_the_reporter_sees_pictures_and_no_downloads(client: httpx.AsyncClient, case: Case) -> None:
    page = await client.get(f"/lacak/pelapor-{case.id}")
    assert len(PICTURE.findall(page.text)) == 1
    assert page.text.count("belum kami terima") == 1
    assert DOWNLOAD.findall(page.text) == []
    assert "img-src 'self' http://127.0.0.1:8081;" in page.headers["content-security-policy"]


async def test_a_link_for_looking_shows_no_file(client: httpx.AsyncClient, case: Case) -> None:
    """JAKI, July 2021: the photo gave the anonymous reporter away."""
    page = await client.get(f"/lacak/lihat-{case.id}")
    assert page.status_code == 200
    assert "<img" not in page.text.split("<main")[1]
    assert "/berkas/" not in page.text
    assert "8081" not in page.headers["content-security-policy"]


async def test_a_page_without_files_names_no_other_origin(city: City, login: Login) -> None:
    city.put(case_of("b", "JK2611230002", "proses", "DISHUB", "Dinas Perhubungan"))
    page = await (await login("officer")).get(f"/opd/tiket/{ticket_id('b')}")
    assert "img-src 'self';" in page.headers["content-security-policy"]
    assert city.vault.trail == []


async def test_the_citizen_reads_nothing_of_a_file_in_the_history(client: httpx.AsyncClient, case: Case) -> None:
    assert "Lampiran tersimpan" not in (await client.get(f"/lacak/pelapor-{case.id}")).text
