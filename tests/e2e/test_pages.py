"""The demo in a real browser: each tracking address, and one complaint from the agency's inbox to the citizen's stars.

Screenshots go to the test's folder, and to ``TANGGAP_SCREENSHOTS`` where that is set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.conftest import City
from tests.e2e.senders import until

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE, DESK = {"width": 360, "height": 800}, {"width": 1280, "height": 900}

pytestmark = [
    pytest.mark.integration,
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def demo(city: City) -> dict[str, Any]:
    return city.demo()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = os.environ.get("TANGGAP_SCREENSHOTS")
    path = Path(folder) if folder else tmp_path_factory.mktemp("pictures")
    path.mkdir(parents=True, exist_ok=True)
    return path


def tickets(demo: dict[str, Any]) -> list[dict[str, Any]]:
    """One row a ticket: follow-ups share the address of their ticket."""
    return list({row["ticket_id"]: row for row in demo["complaints"] if row["ticket_id"]}.values())


def story(demo: dict[str, Any], start: str) -> dict[str, Any]:
    return next(row for row in demo["complaints"] if row["story"].startswith(start))


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def enter(browser: Browser, city: City, name: str) -> Page:
    """A page of somebody who has logged in."""
    page = browser.new_context(viewport=DESK, locale="id-ID").new_page()  # type: ignore[arg-type]
    page.goto(f"{city.base_url}/masuk")
    page.fill("#akun", name)
    page.fill("#sandi", f"demo-{name}")
    page.click("main button")
    page.wait_for_selector("form.keluar")
    return page


def listed(page: Page, url: str, number: str) -> bool:
    """Whether the list at ``url`` has the ticket now. The stand-in's first search after a rest may be an old view."""
    page.goto(url)
    return number in page.inner_text("main")


def act(page: Page, url: str, title: str, button: str, text: str | None = None) -> None:
    """Opens the ticket, unfolds the action, fills it in and sends it; waits for the page's word that it is done."""
    page.goto(url)
    action = page.locator("#tindakan details", has=page.locator("button", has_text=button))
    if action.get_attribute("open") is None:
        action.locator("summary", has_text=title).click()
    if text is not None:
        action.locator("textarea").fill(text)
    action.get_by_role("button", name=button, exact=True).click()
    page.wait_for_selector(".kabar.hijau")


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_each_tracking_address_shows_its_complaint(
    browser: Browser, demo: dict[str, Any], pictures: Path, size: dict[str, int]
) -> None:
    page = browser.new_context(viewport=size, locale="id-ID").new_page()  # type: ignore[arg-type]
    for row in tickets(demo):
        answer = page.goto(row["tracking"])
        assert answer is not None
        assert answer.status == 200
        shown = page.inner_text("main")
        assert row["number"] in shown
        assert (row["unit"] or "Biro Pemerintahan") in shown
        assert "Tenggat" in shown
        assert page.locator(".riwayat li").count() >= 2
        assert fits(page), row["story"]
    page.goto(story(demo, "X (Twitter): parkir")["tracking"])
    page.screenshot(path=pictures / f"lacak-{size['width']}.png", full_page=True)


def test_the_address_of_a_public_answer_shows_no_text(browser: Browser, city: City, demo: dict[str, Any]) -> None:
    page = browser.new_page()
    parking = story(demo, "X (Twitter): parkir")
    page.goto(parking["tracking"])
    assert "Jalur sepeda" in page.inner_text("main")
    page.goto(f"{city.base_url}/lacak/{lihat_token(city, parking['ticket_id'])}")
    assert parking["number"] in page.inner_text("main")
    assert "Jalur sepeda" not in page.content()
    assert page.locator("form").count() == 0


def lihat_token(city: City, ticket_id: str) -> str:
    """What a public answer carries; the demo prints the reporter's only."""
    from pipeline.clock import SystemClock
    from pipeline.settings import CoreSettings
    from vault.store import Vault

    settings = CoreSettings().model_copy(
        update={
            "data_dir": Path(city.env["TANGGAP_DATA_DIR"]),
            "database": type(CoreSettings().database)(city.env["TANGGAP_DATABASE"]),
        }
    )
    vault = Vault.open(settings, SystemClock())
    try:
        return vault.token(ticket_id, "lihat")
    finally:
        vault.close()


def test_from_the_inbox_to_the_stars(browser: Browser, city: City, demo: dict[str, Any], pictures: Path) -> None:
    parking = story(demo, "X (Twitter): parkir")
    url = f"{city.base_url}/opd/tiket/{parking['ticket_id']}"
    officer = enter(browser, city, "dishub")
    assert until(lambda: listed(officer, f"{city.base_url}/opd", parking["number"]), 15)
    officer.screenshot(path=pictures / "opd.png")
    act(officer, url, "Terima laporan", "Terima dan kerjakan")
    question = "Di sisi jalan yang mana mobil-mobil itu parkir?"
    act(officer, url, "Tanya pelapor", "Kirim pertanyaan", question)

    citizen = browser.new_context(viewport=PHONE, locale="id-ID").new_page()  # type: ignore[arg-type]
    citizen.goto(parking["tracking"])
    assert question in citizen.inner_text("#tanya")
    citizen.fill("#jawaban", "Di sisi utara, dekat pertigaan.")
    citizen.click("text=Kirim jawaban")
    citizen.wait_for_selector(".kabar.hijau")

    officer.goto(url)
    assert "Di sisi utara, dekat pertigaan." in officer.inner_text(".riwayat")
    act(officer, url, "Selesaikan", "Tutup laporan", "Lima mobil sudah diderek dari jalur sepeda.")

    citizen.goto(parking["tracking"])
    assert "Selesai" in citizen.inner_text(".sampul")
    citizen.screenshot(path=pictures / "lacak-selesai.png", full_page=True)
    citizen.locator("#bintang label").nth(4).click()
    citizen.click("text=Kirim penilaian")
    citizen.wait_for_selector(".kabar.hijau")
    assert "Penilaian Anda: 5 dari 5" in citizen.inner_text("#nilai")


def test_the_operations_page_shows_live_numbers(
    browser: Browser, city: City, demo: dict[str, Any], pictures: Path
) -> None:
    page = enter(browser, city, "operasi")
    page.goto(f"{city.base_url}/operasi")
    page.wait_for_selector(".ubin")
    received = int(page.inner_text(".ubin li:first-child b"))
    assert received >= len(tickets(demo))
    health = page.inner_text(".layanan >> nth=0")
    assert "mati" not in health.lower(), health
    recorded = page.locator("tr", has_text="Dicatat saja").locator(".bil")
    assert until(lambda: int(recorded.inner_text()) > 0, 15)
    page.screenshot(path=pictures / "operasi.png", full_page=True)
    again = city.demo()
    page.wait_for_function(
        f"parseInt(document.querySelector('.ubin li:first-child b').textContent) >= {received + len(tickets(again))}"
    )


def test_the_counter_form(browser: Browser, city: City, pictures: Path) -> None:
    page = enter(browser, city, "loket")
    page.goto(f"{city.base_url}/loket")
    page.fill("#nama", "Slamet Contoh")
    page.fill("#uraian", "Tumpukan sampah di pinggir Jl. Jatinegara Timur, baunya menyengat.")
    page.fill("#kelurahan", "Balimester")
    page.screenshot(path=pictures / "loket.png")
    page.click("text=Simpan dan buka slip")
    page.wait_for_selector(".slip svg.qr")
    assert "JK" in page.inner_text(".slip")
    page.screenshot(path=pictures / "slip.png")
