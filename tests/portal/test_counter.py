from __future__ import annotations

import httpx

from tests.portal.conftest import Login, field
from tests.portal.fakes import City, case_of, ticket_id

COMPLAINT = {
    "nama": "Siti Contoh",
    "telepon": "0812 0000 0001",
    "surel": "siti@contoh.id",
    "alamat": "Jl. Contoh 1",
    "uraian": "Lampu jalan padam.\r\nSejak kemarin.",
    "kategori": "jalan-rusak",
    "lokasi": "depan pasar",
    "kelurahan": "Selong",
}


def decides(city: City) -> None:
    """The normalizer is quick: every form is ticket ``s``."""
    city.put(
        case_of("s", "JK2611230009", "menunggu", "DBM", "Dinas Bina Marga", channel="counter"),
        account="KEL:31.74.07.1003",
    )
    city.decide = lambda form, key: city.decided.__setitem__(key, (ticket_id("s"), "JK2611230009"))


async def form(client: httpx.AsyncClient, **fields: str) -> dict[str, str]:
    page = (await client.get("/loket")).text
    return {name: field(page, name) for name in ("csrf", "sekali")} | COMPLAINT | fields


async def test_a_complaint_becomes_a_slip_with_the_reporters_link(city: City, login: Login) -> None:
    decides(city)
    client = await login("counter")
    answer = await client.post("/loket", data=await form(client, diterima="2026-11-20T09:30"))
    assert answer.headers["location"] == f"/loket/slip/{ticket_id('s')}"
    given = city.forms[0]
    assert len(given.pop("form_id") or "") >= 16
    assert given == {
        "desk": "KEL:31.74.07.1003",
        "officer": "akun-counter",
        "name": "Siti Contoh",
        "phone": "0812 0000 0001",
        "email": "siti@contoh.id",
        "address": "Jl. Contoh 1",
        "subject": None,
        "text": "Lampu jalan padam.\nSejak kemarin.",
        "category": "jalan-rusak",
        "location_text": "depan pasar",
        "kelurahan": "Selong",
        "received_at": "2026-11-20T02:30:00+00:00",
    }
    slip = await client.get(answer.headers["location"])
    assert "JK2611230009" in slip.text
    assert '<svg class="qr"' in slip.text or 'class="qr"' in slip.text
    assert f"http://portal.test/lacak/pelapor-{ticket_id('s')}" in slip.text
    assert city.vault.trail == [("akun-counter", "slip", ticket_id("s"), "slip loket")]


async def test_without_a_date_now_counts(city: City, login: Login) -> None:
    decides(city)
    client = await login("counter")
    await client.post("/loket", data=await form(client))
    assert city.forms[0]["received_at"] == "2026-11-23T07:05:00+00:00"


async def test_a_form_sent_twice_is_one_and_a_changed_one_is_another(city: City, login: Login) -> None:
    decides(city)
    client = await login("counter")
    first = await form(client)
    for sent in (first, first, first | {"uraian": "Jalan berlubang."}):
        assert (await client.post("/loket", data=sent)).status_code == 303
    ids = [given["form_id"] for given in city.forms]
    assert ids[0] == ids[1]
    assert ids[2] != ids[0]


async def test_the_next_complaint_keeps_the_person_and_gets_a_new_form(city: City, login: Login) -> None:
    decides(city)
    client = await login("counter")
    first = await form(client, aksi="lagi")
    page = await client.post("/loket", data=first)
    assert page.status_code == 200
    assert "JK2611230009" in page.text
    assert field(page.text, "sekali") != first["sekali"]
    assert 'value="Siti Contoh"' in page.text
    assert "Lampu jalan padam" not in page.text


async def test_a_slow_normalizer_gets_a_waiting_page(city: City, login: Login) -> None:
    client = await login("counter")
    answer = await client.post("/loket", data=await form(client))
    waiting = answer.headers["location"]
    assert waiting.startswith("/loket/tunggu?kunci=counter")
    assert 'http-equiv="refresh"' in (await client.get(waiting)).text
    key = f"counter:KEL:31.74.07.1003:{city.forms[0]['form_id']}"
    city.decided[key] = (ticket_id("s"), "JK2611230009")
    assert (await client.get(waiting)).headers["location"] == f"/loket/slip/{ticket_id('s')}"


async def test_nothing_is_lost_silently_when_kafka_is_away(city: City, login: Login) -> None:
    client = await login("counter")
    city.casework.away = True
    answer = await client.post("/loket", data=await form(client))
    assert answer.status_code == 503
    assert "Belum ada yang tersimpan" in answer.text


async def test_a_wrong_field_keeps_what_was_typed_and_the_form_number(city: City, login: Login) -> None:
    client = await login("counter")
    sent = await form(client, telepon="nol delapan", diterima="2031-01-01T00:00")
    answer = await client.post("/loket", data=sent)
    assert answer.status_code == 422
    assert 'value="nol delapan"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert field(answer.text, "sekali") == sent["sekali"]
    assert city.forms == []


async def test_slips_are_only_for_counter_tickets_of_the_own_desk(city: City, login: Login) -> None:
    decides(city)
    whatsapp = city.put(case_of("w", "JK2611230010", "menunggu", None, None))
    elsewhere = city.put(case_of("x", "JK2611230011", "menunggu", None, None, channel="counter"), account="KEL:1")
    client = await login("counter")
    for ticket in (whatsapp.id, elsewhere.id, ticket_id("q"), "x" * 400):
        assert (await client.get(f"/loket/slip/{ticket}")).status_code == 404
    assert city.vault.trail == []
