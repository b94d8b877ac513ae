from __future__ import annotations

import httpx
import pytest

from tests.portal.conftest import Login, browser, field
from tests.portal.fakes import PASSWORD, City, case_of, ticket_id

ROLES = ("officer", "desk", "counter", "operations")
OPEN_TO = {
    "/": ROLES,
    "/loket": ("counter", "desk", "operations"),
    "/loket/tunggu?kunci=x": ("counter", "desk", "operations"),
    f"/loket/slip/{ticket_id('s')}": ("counter", "desk", "operations"),
    "/opd": ("officer", "desk", "operations"),
    f"/opd/tiket/{ticket_id('a')}": ("officer", "desk", "operations"),
    "/operasi": ("desk", "operations"),
    "/operasi/angka": ("desk", "operations"),
}
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow, noarchive",
    "cache-control": "no-store",
}


@pytest.fixture
def tickets(city: City) -> City:
    city.put(case_of("a", "JK2611230001", "proses", "DISHUB", "Dinas Perhubungan"))
    slip = case_of("s", "JK2611230009", "menunggu", "DBM", "Dinas Bina Marga", channel="counter")
    city.put(slip, account="KEL:31.74.07.1003")
    return city


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", OPEN_TO)
async def test_roles_and_pages(tickets: City, login: Login, role: str, path: str) -> None:
    answer = await (await login(role)).get(path)
    assert answer.status_code == (200 if role in OPEN_TO[path] else 403)


@pytest.mark.parametrize("path", [path for path in OPEN_TO if path != "/"])
async def test_nobody_is_sent_to_the_login(tickets: City, client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/masuk?lanjut=" + path.split("?", maxsplit=1)[0]


async def test_a_fragment_sends_the_whole_window_to_the_login(client: httpx.AsyncClient) -> None:
    answer = await client.get("/operasi/angka", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"].startswith("/masuk")


@pytest.mark.parametrize("path", ["/", "/masuk", "/lacak", "/lacak/xxxxxxxxxxxxxxxxxxxxxxxx", "/tidak-ada", "/opd"])
async def test_every_answer_carries_the_headers(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("path", ["/", "/masuk", "/lacak", f"/lacak/pelapor-{ticket_id('a')}"])
async def test_pages_load_nothing_from_elsewhere_and_hold_no_inline_code(
    tickets: City, client: httpx.AsyncClient, path: str
) -> None:
    text = (await client.get(path)).text
    assert "http://" not in text
    assert "https://" not in text
    assert "<script>" not in text
    assert " style=" not in text
    assert " onclick" not in text


async def test_static_files_are_kept_for_good_and_nothing_else_is_found(client: httpx.AsyncClient) -> None:
    sheet = await client.get("/static/0/portal.css")
    assert sheet.status_code == 200
    assert "immutable" in sheet.headers["cache-control"]
    for name in ("..%2fapp.py", "%2e%2e%2fapp.py", "app.py", "htmx.LICENSE.txt"):
        assert (await client.get(f"/static/0/{name}")).status_code == 404


async def test_login_leads_where_one_wanted_to_go(city: City, client: httpx.AsyncClient) -> None:
    page = await client.get("/masuk?lanjut=/opd")
    form = {"csrf": field(page.text, "csrf"), "lanjut": field(page.text, "lanjut"), "akun": "desk", "sandi": PASSWORD}
    answer = await client.post("/masuk", data=form)
    assert answer.headers["location"] == "/opd"
    cookie = next(value for value in answer.headers.get_list("set-cookie") if value.startswith("sesi="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie


@pytest.mark.parametrize(
    "target",
    [
        "//evil.test",
        "https://evil.test",
        "/opd//evil.test",
        "/\\evil.test",
        "/opd/..//evil.test",
        "/masuk",
        "javascript:1",
    ],
)
async def test_login_never_leads_elsewhere(client: httpx.AsyncClient, target: str) -> None:
    page = await client.get("/masuk", params={"lanjut": target})
    assert 'name="lanjut"' not in page.text
    form = {"csrf": field(page.text, "csrf"), "lanjut": target, "akun": "desk", "sandi": PASSWORD}
    assert (await client.post("/masuk", data=form)).headers["location"] == "/opd"


async def test_cookies_are_secure_under_https() -> None:
    city = City(base_url="https://portal.test")
    async with browser(city) as client:
        page = await client.get("/masuk")
        form = {"csrf": field(page.text, "csrf"), "akun": "desk", "sandi": PASSWORD}
        cookies = (await client.post("/masuk", data=form)).headers.get_list("set-cookie")
        session = next(value for value in cookies if value.startswith("__Host-sesi="))
        assert "Secure" in session
        assert "Domain" not in session


async def test_wrong_name_and_wrong_password_look_alike_and_are_throttled(client: httpx.AsyncClient) -> None:
    texts = set()
    for n in range(10):
        page = await client.get("/masuk")
        form = {"csrf": field(page.text, "csrf"), "akun": "desk" if n % 2 else "siapa", "sandi": "salah"}
        answer = await client.post("/masuk", data=form)
        assert answer.status_code == 422
        texts.add(answer.text.replace(field(answer.text, "csrf"), ""))
    assert len(texts) == 1
    page = await client.get("/masuk")
    form = {"csrf": field(page.text, "csrf"), "akun": "desk", "sandi": PASSWORD}
    assert (await client.post("/masuk", data=form)).status_code == 429


async def test_a_login_form_of_somebody_else_does_not_count(city: City, client: httpx.AsyncClient) -> None:
    async with browser(city) as attacker:
        stolen = field((await attacker.get("/masuk")).text, "csrf")
    await client.get("/masuk")
    form = {"csrf": stolen, "akun": "desk", "sandi": PASSWORD}
    assert (await client.post("/masuk", data=form)).status_code == 403


async def test_leaving_ends_the_session(city: City, login: Login) -> None:
    client = await login("desk")
    assert (await client.post("/keluar", data={"csrf": "salah"})).status_code == 403
    assert city.vault.sessions
    answer = await client.post("/keluar", data={"csrf": field((await client.get("/opd")).text, "csrf")})
    assert answer.status_code == 303
    assert city.vault.sessions == {}
    assert (await client.get("/opd")).status_code == 303


async def test_programs_get_problem_json(city: City, client: httpx.AsyncClient) -> None:
    answer = await client.get("/lacak/" + "x" * 24, headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404
    assert answer.json()["type"] == "urn:tanggap:galat:unknown-token"


async def test_a_fault_is_a_page_without_its_cause(city: City, client: httpx.AsyncClient) -> None:
    case = city.put(case_of("a", "JK2611230001", "proses", None, None))

    def break_down(token: str) -> None:
        raise RuntimeError("rahasia 081200000001")

    city.vault.resolve = break_down  # type: ignore[method-assign]
    answer = await client.get(f"/lacak/lihat-{case.id}")
    assert answer.status_code == 500
    assert "Gangguan ini sudah kami catat" in answer.text
    assert "081200000001" not in answer.text
