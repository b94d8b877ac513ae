from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from tests.portal.conftest import browser, field
from tests.portal.fakes import City, case_of, ticket_id

QUESTION = "Di sisi jalan yang mana?"


@pytest.fixture
def ask(city: City) -> str:
    """Address of a ticket whose agency asked something, for its reporter."""
    case = city.put(case_of("a", "JK2611230001", "menunggu_warga", "DISHUB", "Dinas Perhubungan", question=QUESTION))
    return f"/lacak/pelapor-{case.id}"


@pytest.fixture
def done(city: City) -> str:
    case = city.put(case_of("d", "JK2611230004", "selesai", "DISHUB", "Dinas Perhubungan", due_at=None))
    return f"/lacak/pelapor-{case.id}"


async def filled(client: httpx.AsyncClient, address: str, **fields: str) -> dict[str, str]:
    """The form on a page, with fields filled in."""
    text = (await client.get(address)).text
    return {name: field(text, name) for name in ("csrf", "sekali", "versi")} | fields


async def test_lihat_shows_number_agency_deadline_and_stages(city: City, client: httpx.AsyncClient) -> None:
    case = city.put(case_of("a", "JK2611230001", "proses", "DISHUB", "Dinas Perhubungan"))
    page = await client.get(f"/lacak/lihat-{case.id}")
    assert page.status_code == 200
    for shown in (
        "JK2611230001",
        "Dinas Perhubungan",
        "Minggu, 29 November 2026 pukul 18.05 WIB",
        "6 hari 4 jam lagi",
        "Parkir liar",
        "Selong",
        "Diproses",
        "Laporan Anda kami terima",
    ):
        assert shown in page.text


@pytest.mark.parametrize(
    "hidden",
    [
        "Jalur sepeda",
        "Gunawarman",
        "-6.2366",
        "106.8",
        "Petugas sudah di lokasi",
        "akun-rahasia-7",
        "px",
        "pelapor-",
        "<form",
    ],
)
async def test_lihat_hides(city: City, client: httpx.AsyncClient, hidden: str) -> None:
    case = city.put(case_of("a", "JK2611230001", "proses", "DISHUB", "Dinas Perhubungan"))
    page = await client.get(f"/lacak/lihat-{case.id}")
    assert hidden not in page.text.replace("px;", "")


async def test_pelapor_reads_text_and_news_but_never_the_officer(city: City, client: httpx.AsyncClient) -> None:
    case = city.put(case_of("a", "JK2611230001", "proses", "DISHUB", "Dinas Perhubungan"))
    page = (await client.get(f"/lacak/pelapor-{case.id}")).text
    assert "Jalur sepeda" in page
    assert "Petugas sudah di lokasi" in page
    assert "akun-rahasia-7" not in page
    assert "106.8" not in page


async def test_a_ticket_not_indexed_yet_gets_a_page_that_reloads(city: City, client: httpx.AsyncClient) -> None:
    case = city.put(case_of("a", "JK2611230001", "menunggu", None, None), indexed=False)
    page = await client.get(f"/lacak/lihat-{case.id}")
    assert page.status_code == 200
    assert "JK2611230001" in page.text
    assert 'http-equiv="refresh"' in page.text


async def test_unknown_malformed_and_erased_tokens_look_alike(city: City, client: httpx.AsyncClient) -> None:
    case = city.put(case_of("a", "JK2611230001", "proses", None, None))
    del city.vault.tokens[f"lihat-{case.id}"]
    pages = [await client.get(f"/lacak/{token}") for token in (f"lihat-{case.id}", "x" * 24, "kurang", "%3Cb%3E")]
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1


async def test_guessing_is_throttled_for_the_guesser_alone(city: City, client: httpx.AsyncClient) -> None:
    case = city.put(case_of("a", "JK2611230001", "proses", None, None))
    answers = [(await client.get(f"/lacak/{n:024d}")).status_code for n in range(25)]
    assert answers == [404] * 20 + [429] * 5
    assert "Retry-After" in (await client.get("/lacak/" + "y" * 24)).headers
    async with browser(city, "203.0.113.8") as neighbour:
        assert (await neighbour.get(f"/lacak/lihat-{case.id}")).status_code == 200
    city.clock.moment += timedelta(seconds=3)
    assert (await client.get(f"/lacak/lihat-{case.id}")).status_code == 200


async def test_one_ipv6_network_is_one_guesser(city: City) -> None:
    for n in range(20):
        async with browser(city, f"2001:db8::{n:x}") as client:
            assert (await client.get("/lacak/" + "z" * 24)).status_code == 404
    async with browser(city, "2001:db8::ffff") as client:
        assert (await client.get("/lacak/" + "z" * 24)).status_code == 429


async def test_forwarding_headers_do_not_reset_the_throttle(client: httpx.AsyncClient) -> None:
    answers = []
    for n in range(22):
        forged = {"X-Forwarded-For": f"198.51.100.{n}", "Forwarded": f"for=198.51.100.{n}"}
        answers.append((await client.get("/lacak/" + "q" * 24, headers=forged)).status_code)
    assert answers[-1] == 429


async def test_the_reporter_answers_and_reads_the_outcome(city: City, client: httpx.AsyncClient, ask: str) -> None:
    assert QUESTION in (await client.get(ask)).text
    form = await filled(client, ask, jawaban="Sisi kiri. Telepon 081200000001.")
    answer = await client.post(f"{ask}/jawab", data=form)
    assert answer.status_code == 303
    command = city.casework.sent[0]
    assert (command.kind, command.actor.role, command.seen) == ("answer", "citizen", 5)
    assert command.text == "Sisi kiri. Telepon [nomor]."
    page = (await client.get(answer.headers["location"])).text
    assert "Jawaban Anda kami terima" in page
    assert "Tersimpan" in page


async def test_sending_a_form_twice_is_one_command(city: City, client: httpx.AsyncClient, ask: str) -> None:
    form = await filled(client, ask, jawaban="Sisi kiri.")
    for _ in range(2):
        await client.post(f"{ask}/jawab", data=form)
    await client.post(f"{ask}/jawab", data=form | {"jawaban": "Sisi kanan."})
    first, second, changed = (command.id for command in city.casework.sent)
    assert first == second
    assert changed != first


async def test_a_refusal_is_explained(city: City, client: httpx.AsyncClient, ask: str) -> None:
    city.casework.refuse = "casework.stale"
    answer = await client.post(f"{ask}/jawab", data=await filled(client, ask, jawaban="Sisi kiri."))
    assert "berubah sejak Anda membukanya" in (await client.get(answer.headers["location"])).text


async def test_without_an_answer_in_time_the_page_waits(city: City, client: httpx.AsyncClient, ask: str) -> None:
    city.casework.silent = True
    answer = await client.post(f"{ask}/jawab", data=await filled(client, ask, jawaban="Sisi kiri."))
    page = (await client.get(answer.headers["location"])).text
    assert "sedang diproses" in page
    assert 'http-equiv="refresh"' in page


async def test_kafka_away_is_503_with_retry_after(city: City, client: httpx.AsyncClient, ask: str) -> None:
    form = await filled(client, ask, jawaban="Sisi kiri.")
    city.casework.away = True
    answer = await client.post(f"{ask}/jawab", data=form)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


async def test_search_away_is_503(city: City, client: httpx.AsyncClient, ask: str) -> None:
    city.cases.away = True
    assert (await client.get(ask)).status_code == 503


async def test_rating_and_reopening_after_the_end(city: City, client: httpx.AsyncClient, done: str) -> None:
    form = await filled(client, done, bintang="4", ulasan="Cepat.")
    assert (await client.post(f"{done}/nilai", data=form)).status_code == 303
    assert (city.casework.sent[0].kind, city.casework.sent[0].rating) == ("rate", 4)
    assert "Penilaian Anda: 4 dari 5" in (await client.get(done)).text
    form = await filled(client, done, alasan="Mobilnya kembali lagi.")
    assert (await client.post(f"{done}/buka", data=form)).status_code == 303
    assert city.casework.sent[1].kind == "reopen"


@pytest.mark.parametrize(("path", "fields"), [("jawab", {"jawaban": ""}), ("nilai", {"bintang": "6"}), ("buka", {})])
async def test_a_wrong_field_is_shown_on_the_page(
    city: City, client: httpx.AsyncClient, done: str, path: str, fields: dict[str, str]
) -> None:
    answer = await client.post(f"{done}/{path}", data=await filled(client, done, **fields))
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert city.casework.sent == []


async def test_lihat_may_not_act(city: City, client: httpx.AsyncClient, ask: str) -> None:
    form = await filled(client, ask, jawaban="Sisi kiri.")
    answer = await client.post(f"/lacak/lihat-{ticket_id('a')}/jawab", data=form)
    assert answer.status_code == 403
    assert city.casework.sent == []


async def test_a_form_needs_the_token_of_its_own_page(
    city: City, client: httpx.AsyncClient, ask: str, done: str
) -> None:
    form = await filled(client, done, jawaban="Sisi kiri.")
    assert (await client.post(f"{ask}/jawab", data=form)).status_code == 403
    assert city.casework.sent == []
