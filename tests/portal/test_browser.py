"""The pages in a real browser: a phone, a desk, without scripts, by keyboard; screenshots go to the test's folder."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser, Page, async_playwright

from tests.portal.fakes import PASSWORD, City, case_of, ticket_id

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE, DESK = 360, 1280

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's Chromium: apt-get install chromium"),
]


@contextlib.contextmanager
def serving() -> Iterator[City]:
    """The portal of an invented city on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    city = City(base_url=f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(city.app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            threading.Event().wait(0.02)
        yield city
    finally:
        server.should_exit = True
        thread.join(10)


def settle(city: City) -> None:
    """A few tickets in every state that has a page of its own."""
    city.put(case_of("a", "JK2611230001", "proses", "DISHUB", "Dinas Perhubungan"))
    city.put(case_of("b", "JK2611230002", "tinjauan", None, None))
    question = "Di sisi jalan yang mana mobil-mobil itu parkir?"
    city.put(case_of("c", "JK2611230003", "menunggu_warga", "DISHUB", "Dinas Perhubungan", question=question))
    city.put(
        case_of(
            "d", "JK2611230004", "selesai", "DISHUB", "Dinas Perhubungan", due_at=None, resolved_at=city.clock.now()
        )
    )
    slip = case_of("e", "JK2611230005", "menunggu", "DISHUB", "Dinas Perhubungan", channel="counter")
    city.put(slip, account="KEL:31.74.07.1003")
    city.decide = lambda form, key: city.decided.__setitem__(key, (ticket_id("e"), "JK2611230005"))


class Watch:
    """Notes what a page must never do: errors in its console (blocked by the policy, too) and requests elsewhere."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.faults: list[str] = []
        page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on(
            "request", lambda request: None if request.url.startswith(base_url) else self.faults.append(request.url)
        )
        page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}"))


async def focused(page: Page, field: str) -> None:
    """Waits until the page has put the cursor where it says."""
    await page.wait_for_function(f"document.activeElement && document.activeElement.id === '{field}'")


async def shortcut(page: Page, letter: str) -> None:
    """Alt and a letter. Playwright's ``press`` leaves out the text by which Chromium finds access keys."""
    session = await page.context.new_cdp_session(page)
    key = {"modifiers": 1, "key": letter, "code": f"Key{letter.upper()}", "windowsVirtualKeyCode": ord(letter.upper())}
    await session.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": letter, "unmodifiedText": letter, **key})
    await session.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})


async def enter(page: Page, city: City, role: str) -> None:
    """Logs in, by keyboard alone."""
    await page.goto(f"{city.deps.base_url}/masuk")
    await focused(page, "akun")
    await page.keyboard.type(role)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("form.keluar")


async def shoot(
    browser: Browser, city: City, role: str | None, paths: dict[str, str], folder: Path, width: int
) -> None:
    """Visits pages at a width: nothing may stick out sideways, fail, or load from elsewhere."""
    context = await browser.new_context(viewport={"width": width, "height": 800}, locale="id-ID")
    page = await context.new_page()
    watch = Watch(page, city.deps.base_url)
    if role:
        await enter(page, city, role)
    for name, path in paths.items():
        answer = await page.goto(city.deps.base_url + path)
        assert answer is not None
        assert answer.status == 200, path
        await page.screenshot(path=folder / f"{name}-{width}.png", full_page=True)
        overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{path} is {overflow} px too wide at {width} px"
    assert watch.faults == []
    await context.close()


def test_pages_fit_a_phone_and_a_desk(tmp_path: Path) -> None:
    async def work() -> None:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for width in (PHONE, DESK):
                lacak = {
                    "mulai": "/",
                    "masuk": "/masuk",
                    "lacak-lihat": f"/lacak/lihat-{ticket_id('a')}",
                    "lacak-tanya": f"/lacak/pelapor-{ticket_id('c')}",
                    "lacak-selesai": f"/lacak/pelapor-{ticket_id('d')}",
                }
                await shoot(browser, city, None, lacak, tmp_path, width)
                await shoot(browser, city, "desk", {"operasi": "/operasi", "tinjauan": "/opd"}, tmp_path, width)
                ticket = {"opd": "/opd", "opd-tiket": f"/opd/tiket/{ticket_id('a')}"}
                await shoot(browser, city, "officer", ticket, tmp_path, width)
                slip = {"loket": "/loket", "loket-slip": f"/loket/slip/{ticket_id('e')}"}
                await shoot(browser, city, "desk", slip, tmp_path, width)
            await browser.close()

    with serving() as city:
        settle(city)
        asyncio.run(work())


def test_counter_by_keyboard_and_inbox_without_scripts() -> None:
    async def work() -> None:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = await browser.new_page()
            await enter(page, city, "counter")
            await focused(page, "nama")
            await page.keyboard.type("Siti Contoh")
            await shortcut(page, "u")
            await page.keyboard.type("Lampu jalan padam sejak kemarin.")
            await shortcut(page, "s")
            await page.wait_for_selector(".slip svg.qr")
            assert city.forms[0]["name"] == "Siti Contoh"
            plain = await browser.new_context(java_script_enabled=False)
            page = await plain.new_page()
            await enter(page, city, "officer")
            await page.goto(f"{city.deps.base_url}/opd/tiket/{ticket_id('a')}")
            await page.fill("#teks-kabar", "Dua mobil sudah diderek.")
            await page.click("text=Simpan kabar")
            await page.wait_for_selector(".kabar.hijau")
            assert "Dua mobil sudah diderek." in await page.inner_text(".riwayat")
            await browser.close()

    with serving() as city:
        settle(city)
        asyncio.run(work())


def test_operations_page_follows_the_numbers() -> None:
    async def work() -> None:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = await browser.new_page()
            watch = Watch(page, city.deps.base_url)
            await enter(page, city, "operations")
            assert await page.locator("text=JK2611239999").count() == 0
            city.put(case_of("f", "JK2611239999", "menunggu", "DISHUB", "Dinas Perhubungan"))
            await page.wait_for_selector("text=JK2611239999")
            assert watch.faults == []
            await browser.close()

    with serving() as city:
        settle(city)
        asyncio.run(work())
