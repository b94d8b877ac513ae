"""Text from strangers in every field, and forms that no page of ours would send."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from fastapi.routing import APIRoute

from portal.app import routes
from schemas.case import Case
from tests.portal.conftest import Login, browser, field
from tests.portal.fakes import City, case_of, ticket_id
from vault.model import Original

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</textarea></title><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raise %}",
    "javascript:alert(1)",
    "\u202egpj.exe\u2066",
)
ADDRESSES = {
    None: (f"/lacak/lihat-{ticket_id('a')}", f"/lacak/pelapor-{ticket_id('a')}", f"/lacak/pelapor-{ticket_id('b')}"),
    "officer": ("/opd", f"/opd/tiket/{ticket_id('a')}"),
    "desk": ("/opd?tahap=", f"/opd/tiket/{ticket_id('c')}", f"/loket/slip/{ticket_id('a')}", "/operasi"),
}


class Elements(HTMLParser):
    """What a browser would make of a page: element names, and attributes that run code."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.dangers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        for name, value in attrs:
            if name.startswith("on") or (name in ("href", "src", "action") and (value or "").startswith("javascript:")):
                self.dangers.append(f"{tag} {name}")


def elements(text: str) -> Elements:
    parser = Elements()
    parser.feed(text)
    return parser


def poisoned(case: Case, payload: str) -> Case:
    """The case with the payload in every text that somebody may write or a model may derive."""

    def poison(value: object, path: str) -> object:
        if isinstance(value, dict):
            return {key: poison(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [poison(inner, path) for inner in value]
        texts = {
            "text", "subject", "question", "reasons", "route_reasons", "name", "unit_name", "street", "kelurahan",
            "kecamatan", "kota", "source", "rule", "account", "number", "channel", "value",
        }  # fmt: skip
        return payload if isinstance(value, str) and path in texts else value

    return msgspec.convert(poison(msgspec.to_builtins(case), ""), Case)


def settle(city: City, payload: str) -> None:
    question = {"question": "Di mana?", "subject": "Perihal"}
    for letter, status in (("a", "menunggu_warga"), ("b", "selesai"), ("c", "tinjauan")):
        case = case_of(letter, "JK2611230001", status, "DISHUB", "Dinas Perhubungan", **question)  # type: ignore[arg-type]
        city.put(poisoned(case, payload))
    ticket = city.vault.tickets[ticket_id("a")]
    city.vault.tickets[ticket_id("a")] = type(ticket)(
        ticket.ticket_id, payload, "jakarta", "counter", "x", ticket.received_at
    )
    city.health = {
        "services": [{"name": payload, "state": payload, "lag": 1}],
        "dead_letters": {payload: 1},
        "outbox": {"sent": 1},
    }


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_hostile_text_stays_text(login: Login, city: City, payload: str) -> None:
    plain = City()
    settle(plain, "biasa")
    settle(city, payload)
    for role, addresses in ADDRESSES.items():
        client, calm = browser(city), browser(plain)
        if role is not None:
            client = await login(role)
            calm.cookies.set("sesi", plain.vault.open_session(plain.vault.accounts[role]))
        for address in addresses:
            page, expected = await client.get(address), await calm.get(address)
            assert page.status_code == 200, address
            assert elements(page.text).dangers == []
            assert elements(page.text).names == elements(expected.text).names, address
            assert "49" not in page.text or "{{" not in payload or "{{ 7 * 7 }}" in page.text
        await calm.aclose()


async def test_a_hostile_original_stays_text(login: Login, city: City) -> None:
    case = city.put(case_of("a", "JK2611230001", "proses", "DISHUB", "Dinas Perhubungan"))
    script = PAYLOADS[0]
    city.vault.words[case.id] = [Original(script, script, script, (script,))]
    client = await login("officer")
    token = field((await client.get(f"/opd/tiket/{case.id}")).text, "csrf")
    page = await client.post(f"/opd/tiket/{case.id}/asli", data={"csrf": token, "alasan": "memeriksa lokasi kejadian"})
    assert page.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 4
    assert "script" not in elements(page.text).names


async def test_what_was_typed_wrongly_comes_back_as_text(login: Login, city: City) -> None:
    client = await login("counter")
    page = (await client.get("/loket")).text
    names = ("nama", "telepon", "surel", "alamat", "perihal", "uraian", "kategori", "lokasi", "kelurahan", "diterima")
    form = dict.fromkeys(names, f"{PAYLOADS[1]}{PAYLOADS[3]}")
    form |= {name: field(page, name) for name in ("csrf", "sekali")}
    answer = await client.post("/loket", data=form)
    assert answer.status_code == 422
    assert elements(answer.text).dangers == []
    assert elements(answer.text).names.count("img") == 1
    assert city.forms == []


def posts(city: City) -> Iterator[str]:
    """Every address that takes a form, read from the router: a new one is tested without being listed."""
    values = {"token": f"pelapor-{ticket_id('a')}", "ticket_id": ticket_id("a"), "action": "kabar"}
    for route in routes(city.deps).routes:
        if isinstance(route, APIRoute) and "POST" in (route.methods or ()):
            yield route.path.format(**values)


POSTS = sorted(posts(City()))
FIELDS = (
    "csrf", "sekali", "versi", "jawaban", "bintang", "ulasan", "alasan", "akun", "sandi", "nama", "telepon", "surel",
    "alamat", "perihal", "uraian", "kategori", "lokasi", "kelurahan", "diterima", "teks", "unit", "hingga", "aksi",
)  # fmt: skip
URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
BAD_BODIES = {
    "empty": b"",
    "doubled": urlencode([(name, "1") for name in FIELDS for _ in range(2)]).encode()[:60_000],
    "a megabyte": b"uraian=" + b"a" * 1_048_576,
    "many fields": "&".join(f"f{n}=1" for n in range(5_000)).encode(),
    "nul": b"uraian=%00&teks=%00",
    "broken utf-8": b"uraian=%ff%fe&teks=%c3",
    "raw bytes": bytes(range(256)),
    "surrogate": b"uraian=%ed%a0%80",
    "no equals": b"uraian",
}


def test_every_form_is_covered() -> None:
    assert len(POSTS) == 8
    assert f"/opd/tiket/{ticket_id('a')}/asli" in POSTS


@pytest.mark.parametrize("name", BAD_BODIES)
@pytest.mark.parametrize("path", POSTS)
async def test_a_broken_form_is_a_page_and_no_fault(login: Login, city: City, path: str, name: str) -> None:
    city.put(case_of("a", "JK2611230001", "proses", "DISHUB", "Dinas Perhubungan"))
    client = await login("counter" if path.startswith("/loket") else "officer")
    answer = await client.post(path, content=BAD_BODIES[name], headers=URLENCODED)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert city.casework.sent == []
    assert city.forms == []


@pytest.mark.parametrize("fill", ["", " ", "x" * 9_000, "-1", "9" * 400, "2026-13", "\u202e"])
@pytest.mark.parametrize("path", POSTS)
async def test_wrong_fields_with_a_valid_token_are_refused(login: Login, city: City, path: str, fill: str) -> None:
    city.put(case_of("a", "JK2611230001", "menunggu_warga", "DISHUB", "Dinas Perhubungan", question="Di mana?"))
    client = await login("counter" if path.startswith("/loket") else "officer")
    source = "/loket" if path == "/loket" else path.rsplit("/", 1)[0] if path.count("/") > 1 else "/"
    if path == "/masuk":
        client = browser(city)
        source = "/masuk"
    form = dict.fromkeys(FIELDS, fill) | {"csrf": field((await client.get(source)).text, "csrf"), "sekali": "n" * 20}
    answer = await client.post(path, data={name: value[:2_600] for name, value in form.items()})
    if path == "/keluar":
        assert answer.status_code == 303
        return
    assert 400 <= answer.status_code < 500, path
    assert city.casework.sent == []
    assert city.forms == []


@pytest.mark.parametrize("path", POSTS)
async def test_other_kinds_of_body_are_refused(city: City, client: httpx.AsyncClient, login: Login, path: str) -> None:
    city.put(case_of("a", "JK2611230001", "proses", "DISHUB", "Dinas Perhubungan"))
    client = await login("counter" if path.startswith("/loket") else "officer")
    assert (await client.post(path, json={"csrf": 1})).status_code == 415
    assert (await client.post(path, files={"uraian": b"x"})).status_code == 415


@pytest.mark.parametrize("path", [path for path in POSTS if not path.startswith(("/lacak", "/masuk"))])
async def test_without_its_token_no_form_counts(city: City, login: Login, path: str) -> None:
    city.put(case_of("a", "JK2611230001", "proses", "DISHUB", "Dinas Perhubungan"))
    client = await login("counter" if path.startswith("/loket") else "officer")
    other = await login("desk")
    stolen = field((await other.get("/opd")).text, "csrf")
    for token in ("", "x" * 64, stolen, "é"):
        form = {"csrf": token, "sekali": "n" * 20, "versi": "5", "teks": "Sudah diderek.", "uraian": "Lampu padam."}
        assert (await client.post(path, data=form)).status_code == 403
    assert city.casework.sent == []
    assert city.forms == []


@pytest.mark.parametrize(
    "query", ["hal=-1", "hal=9999999999999", "hal=x", "tahap=%3Cscript%3E", "tenggat=1", "hasil=%00"]
)
async def test_strange_addresses_are_harmless(city: City, login: Login, query: str) -> None:
    case = city.put(case_of("a", "JK2611230001", "proses", "DISHUB", "Dinas Perhubungan"))
    client = await login("officer")
    for path in ("/opd", f"/opd/tiket/{case.id}", f"/lacak/lihat-{case.id}"):
        answer = await client.get(f"{path}?{query}")
        assert answer.status_code == 200
        assert "<script>" not in answer.text
