"""The media origin: an address is a right, and everything else is the same 404."""

from __future__ import annotations

import dataclasses
import random
import string
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import msgspec
import pytest

from media.serve import MISSING, application
from portal.files import shown
from tests.media.desk import Answer, Desk, jpeg, photo
from tests.portal.fakes import City, case_of
from vault.store import Vault

PDF = b"%PDF-1.7\n%invented\n"


@pytest.fixture
async def files(vault: Vault) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application(vault), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://berkas.test") as client:
        yield client


@pytest.fixture
async def kept(desk: Desk) -> tuple[str, str, str]:
    """A ticket with a photo: its id, the photo as it came, and the picture made anew."""
    desk.vendor.answers["/foto-1"] = Answer(jpeg())
    ticket = await desk.came("m1", photo())
    await desk.tick()
    (file,) = desk.commands[0].evidence
    return ticket, file.blob or "", file.view or ""


async def test_a_picture_is_given_to_whoever_has_its_address(
    desk: Desk, files: httpx.AsyncClient, kept: tuple[str, str, str]
) -> None:
    ticket, _, view = kept
    path = desk.vault.media_path(ticket, view, "gambar", desk.clock.now() + timedelta(hours=1))
    answer = await files.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert b"Telepon Siti" in jpeg()
    assert b"Telepon Siti" not in answer.content
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; sandbox")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "set-cookie" not in answer.headers
    assert "content-disposition" not in answer.headers


async def test_the_file_itself_is_a_download(desk: Desk, files: httpx.AsyncClient, kept: tuple[str, str, str]) -> None:
    ticket, blob, _ = kept
    answer = await files.get(desk.vault.media_path(ticket, blob, "unduh", desk.clock.now() + timedelta(minutes=5)))
    assert answer.status_code == 200
    assert answer.content == jpeg()
    assert answer.headers["content-disposition"] == f'attachment; filename="lampiran-{blob[:8]}.jpg"'
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("kind", "given"), [("text/html", "application/octet-stream"), ("application/pdf", "application/pdf")]
)
async def test_what_is_no_picture_is_never_shown(desk: Desk, files: httpx.AsyncClient, kind: str, given: str) -> None:
    ticket = desk.register("m1")
    blob = desk.vault.put_blob(PDF, idempotency="x", person=desk.person, media_type=kind)
    until = desk.clock.now() + timedelta(minutes=5)
    assert (await files.get(desk.vault.media_path(ticket, blob, "gambar", until))).status_code == 404
    answer = await files.get(desk.vault.media_path(ticket, blob, "unduh", until))
    assert answer.headers["content-type"] == given
    assert answer.headers["content-disposition"].startswith("attachment;")


async def nothing(files: httpx.AsyncClient, path: str, method: str = "GET") -> None:
    answer = await files.request(method, path)
    assert (answer.status_code, answer.text if method != "HEAD" else MISSING) == (404, MISSING)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-disposition" not in answer.headers


async def test_an_address_is_for_its_ticket_file_variant_and_hour(
    desk: Desk, files: httpx.AsyncClient, kept: tuple[str, str, str]
) -> None:
    ticket, blob, view = kept
    other = desk.register("m2")
    path = desk.vault.media_path(ticket, view, "gambar", desk.clock.now() + timedelta(minutes=30))
    _, _, _, _, _, expires, mac = path.split("/")
    for forged in (
        path.replace(ticket, other),
        path.replace(view, blob),
        path.replace("gambar", "unduh"),
        path.replace(expires, str(int(expires) + 600)),
        path.replace(mac, mac[:-1] + ("A" if mac[-1] != "A" else "B")),
        path.replace(mac, "A" * 32),
        path.replace(mac, ""),
        path + "/",
        path + "%0a",
        path.upper(),
        "/" + path,
        path.replace("/berkas", "/berkas/.."),
    ):
        await nothing(files, forged)
    assert (await files.get(path)).status_code == 200


async def test_it_ends_with_its_hour(desk: Desk, files: httpx.AsyncClient, kept: tuple[str, str, str]) -> None:
    ticket, _, view = kept
    path = desk.vault.media_path(ticket, view, "gambar", desk.clock.now() + timedelta(hours=1))
    desk.clock.advance(minutes=59)
    assert (await files.get(path)).status_code == 200
    desk.clock.advance(minutes=1)
    await nothing(files, path)


async def test_none_is_good_for_longer_than_an_hour(
    desk: Desk, files: httpx.AsyncClient, kept: tuple[str, str, str]
) -> None:
    ticket, _, view = kept
    await nothing(files, desk.vault.media_path(ticket, view, "gambar", desk.clock.now() + timedelta(hours=2)))


async def test_an_erased_persons_files_are_gone(
    desk: Desk, files: httpx.AsyncClient, kept: tuple[str, str, str]
) -> None:
    ticket, blob, view = kept
    until = desk.clock.now() + timedelta(hours=1)
    desk.vault.erase_person(desk.person)
    await nothing(files, desk.vault.media_path(ticket, view, "gambar", until))
    await nothing(files, desk.vault.media_path(ticket, blob, "unduh", until))


async def test_a_lost_file_is_no_fault(desk: Desk, files: httpx.AsyncClient, kept: tuple[str, str, str]) -> None:
    ticket, _, view = kept
    for path in (desk.settings.data_dir / "blobs").rglob(view):
        path.unlink()
    await nothing(files, desk.vault.media_path(ticket, view, "gambar", desk.clock.now() + timedelta(hours=1)))


@pytest.mark.parametrize(
    "path", ["/", "/berkas", "/berkas/", "/berkas/x", "/static/x", "/metrics", "/lacak/x", "/berkas/a/b/c/d/e"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
async def test_everything_else_is_the_same_nothing(files: httpx.AsyncClient, path: str, method: str) -> None:
    await nothing(files, path, method)


async def test_the_portals_addresses_open_here(
    desk: Desk, files: httpx.AsyncClient, kept: tuple[str, str, str]
) -> None:
    city = City()
    ticket, blob, _ = kept
    fetched = desk.commands[0].evidence
    case = msgspec.structs.replace(
        case_of("a", "JK2611230001", "proses", "DISHUB", "-"), id=ticket, attachments=fetched
    )
    deps = dataclasses.replace(city.deps, vault=desk.vault, clock=desk.clock, media_url="http://berkas.test/")
    (picture,) = shown(deps, case, officer=False)
    assert picture.picture is not None
    assert blob not in picture.picture
    assert (await files.get(picture.picture)).headers["content-type"] == "image/jpeg"


async def test_guessing_leads_nowhere(desk: Desk, files: httpx.AsyncClient, kept: tuple[str, str, str]) -> None:
    """FreeScout CVE-2026-40496: predictable attachment tokens."""
    ticket, _, view = kept
    letters = string.ascii_letters + string.digits + "-_"
    expires = int(desk.clock.now().timestamp()) + 600
    for _ in range(2000):
        mac = "".join(random.choices(letters, k=32))
        assert desk.vault.media_right(f"/berkas/{ticket}/{view}/gambar/{expires}/{mac}") is None
    await nothing(files, f"/berkas/{ticket}/{view}/gambar/{expires}/{'A' * 32}")
