from __future__ import annotations

import httpx
import pytest

from tests.portal.conftest import Login, field
from tests.portal.fakes import City, case_of, ticket_id
from vault.model import Original

TICKET = f"/opd/tiket/{ticket_id('a')}"


@pytest.fixture(autouse=True)
def tickets(city: City) -> None:
    city.put(case_of("a", "JK2611230001", "menunggu", "DISHUB", "Dinas Perhubungan"))
    city.put(case_of("b", "JK2611230002", "proses", "DBM", "Dinas Bina Marga"))
    city.put(case_of("c", "JK2611230003", "tinjauan", None, None))


async def act(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    """Sends a form of the ticket's page."""
    ticket, _, _ = path.rpartition("/")
    page = (await client.get(ticket)).text
    return await client.post(path, data={name: field(page, name) for name in ("csrf", "sekali", "versi")} | fields)


async def test_an_officer_sees_the_tickets_of_the_unit_only(login: Login) -> None:
    client = await login("officer")
    inbox = (await client.get("/opd")).text
    assert "JK2611230001" in inbox
    assert "JK2611230002" not in inbox
    assert (await client.get(f"/opd/tiket/{ticket_id('b')}")).status_code == 404
    assert (await client.get(f"/opd/tiket/{ticket_id('c')}")).status_code == 404
    assert (await client.get(f"/opd/tiket/{ticket_id('q')}")).status_code == 404


@pytest.mark.parametrize("action", ["kabar", "asli", "alihkan", "selesai"])
async def test_an_officer_cannot_act_on_tickets_of_others(city: City, login: Login, action: str) -> None:
    client = await login("officer")
    token = field((await client.get(TICKET)).text, "csrf")
    form = {"csrf": token, "sekali": "n" * 20, "versi": "5", "teks": "Sudah beres.", "alasan": "ingin tahu saja"}
    answer = await client.post(f"/opd/tiket/{ticket_id('b')}/{action}", data=form | {"unit": "DBM"})
    assert answer.status_code == 404
    assert city.casework.sent == []
    assert city.vault.trail == []


async def test_the_page_explains_why_the_ticket_is_here(login: Login) -> None:
    page = (await (await login("officer")).get(TICKET)).text
    for shown in (
        "kategori parkir liar menjadi tugas",
        "kata “parkir mobil”",
        "55%",
        "Penyelesaian",
        "SE Sekda 40/2019",
    ):
        assert shown in page


@pytest.mark.parametrize(
    ("action", "fields", "kind"),
    [
        ("terima", {}, "accept"),
        ("kabar", {"teks": "Petugas menuju lokasi."}, "progress"),
        ("tanya", {"teks": "Di sisi mana?"}, "ask"),
        ("perpanjang", {"teks": "Perlu alat berat.", "hingga": "2026-12-01T10:00"}, "extend"),
        ("selesai", {"teks": "Mobil sudah diderek."}, "close"),
    ],
)
async def test_actions_of_an_officer(city: City, login: Login, action: str, fields: dict[str, str], kind: str) -> None:
    client = await login("officer")
    answer = await act(client, f"{TICKET}/{action}", **fields)
    assert answer.status_code == 303
    command = city.casework.sent[0]
    assert (command.kind, command.seen, command.tenant) == (kind, 3, "jakarta")
    assert (command.actor.role, command.actor.unit, command.actor.account) == ("officer", "DISHUB", "akun-officer")
    assert command.text == fields.get("teks")
    assert "Tersimpan" in (await client.get(answer.headers["location"])).text


async def test_the_extension_is_jakarta_time(city: City, login: Login) -> None:
    await act(await login("officer"), f"{TICKET}/perpanjang", teks="Perlu alat.", hingga="2026-12-01T10:00")
    assert str(city.casework.sent[0].until) == "2026-12-01 03:00:00+00:00"


async def test_forwarding_leads_back_to_the_inbox(city: City, login: Login) -> None:
    client = await login("officer")
    answer = await act(client, f"{TICKET}/alihkan", unit="DBM", teks="Jalannya yang rusak.")
    assert answer.headers["location"] == "/opd?pindah=1"
    assert (city.casework.sent[0].unit, city.casework.sent[0].unit_name) == ("DBM", "Dinas Bina Marga")
    assert (await client.get(TICKET)).status_code == 404


async def test_a_unit_that_is_not_on_the_list_is_refused(city: City, login: Login) -> None:
    answer = await act(await login("officer"), f"{TICKET}/alihkan", unit="<b>", teks="Jalannya yang rusak.")
    assert answer.status_code == 422
    assert city.casework.sent == []


async def test_texts_are_masked_before_they_are_published(city: City, login: Login) -> None:
    await act(await login("officer"), f"{TICKET}/kabar", teks="Hubungi 081200000001.")
    assert city.casework.sent[0].text == "Hubungi [nomor]."


async def test_the_desk_assigns_from_the_queue_with_one_click(city: City, login: Login) -> None:
    client = await login("desk")
    queue = (await client.get("/opd")).text
    assert "JK2611230003" in queue
    assert "JK2611230001" not in queue
    form = {name: field(queue, name) for name in ("csrf", "sekali", "versi", "dari")}
    answer = await client.post(f"/opd/tiket/{ticket_id('c')}/tugaskan", data=form | {"unit": "KEL:31.74.07.1003"})
    assert answer.headers["location"] == "/opd?tahap=tinjauan&pindah=1"
    command = city.casework.sent[0]
    assert (command.kind, command.actor.role) == ("assign", "desk")
    assert (command.unit, command.unit_name) == ("KEL:31.74.07.1003", "Kelurahan Selong")


async def test_an_officer_cannot_assign(city: City, login: Login) -> None:
    answer = await act(await login("officer"), f"{TICKET}/tugaskan", unit="DBM")
    assert answer.status_code == 403
    assert city.casework.sent == []


async def test_operations_look_and_do_not_touch(city: City, login: Login) -> None:
    client = await login("operations")
    page = (await client.get(TICKET)).text
    assert "/asli" not in page
    assert "Tindakan" not in page
    form = {"csrf": field(page, "csrf"), "sekali": "n" * 20, "versi": "3", "alasan": "ingin melihat saja"}
    assert (await client.post(f"{TICKET}/terima", data=form)).status_code == 403
    assert (await client.post(f"{TICKET}/asli", data=form)).status_code == 403
    assert city.vault.trail == []


async def test_the_original_needs_a_reason_and_is_logged(city: City, login: Login) -> None:
    city.vault.words[ticket_id("a")] = [
        Original("Parkir", "Telepon saya 081200000001", "Jl. Gunawarman", ("foto.jpg",))
    ]
    client = await login("officer")
    assert (await act(client, f"{TICKET}/asli", alasan="x")).status_code == 422
    assert city.vault.trail == []
    page = await act(client, f"{TICKET}/asli", alasan="menghubungi pelapor soal lokasi")
    assert "081200000001" in page.text
    assert city.vault.trail == [("akun-officer", "original", ticket_id("a"), "menghubungi pelapor soal lokasi")]
    assert (await client.get(f"{TICKET}/asli")).status_code == 405


async def test_an_erased_original_says_so(login: Login) -> None:
    page = await act(await login("officer"), f"{TICKET}/asli", alasan="menghubungi pelapor soal lokasi")
    assert "sudah dihapus" in page.text
