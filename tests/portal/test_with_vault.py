"""The pages over the real vault: what the in-memory one promises, the real one keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from pipeline.settings import CoreSettings
from portal import errors
from portal.app import routes
from schemas.item import Author
from tests.portal.conftest import browser, field
from tests.portal.fakes import NOW, PASSWORD, City, case_of, ticket_id
from vault.model import Original, Registration
from vault.store import Vault


@pytest.fixture
def vault(tmp_path: Path, city: City) -> Iterator[Vault]:
    """A vault with one officer and one ticket, under the city's portal."""
    master, identifier = SecretStr("m" * 32), SecretStr("i" * 32)
    settings = CoreSettings(data_dir=tmp_path, database="", master_key=master, id_key=identifier)
    vault = Vault.open(settings, city.clock)
    vault.ensure_account("petugas", PASSWORD, "Petugas Contoh", "officer", "DISHUB", "Dinas Perhubungan")
    city.cases.cases[ticket_id("a")] = case_of("a", "JK2611230001", "proses", "DISHUB", "Dinas Perhubungan")
    person = vault.pseudonym("whatsapp", "dki", "6281200000001")
    vault.register(
        [
            Registration(
                item_key=vault.hash_of("item", "1"),
                ticket_id=ticket_id("a"),
                kind="opened",
                channel="whatsapp",
                account="dki",
                received_at=NOW,
                person=person,
                identity=Author(id="6281200000001", name="Siti Contoh", phone="6281200000001"),
                original=Original(None, "Parkir liar, telepon saya 081200000001"),
            )
        ]
    )
    city.app = FastAPI(openapi_url=None)
    city.app.include_router(routes(replace(city.deps, vault=vault)))
    errors.install(city.app)
    yield vault
    vault.close()


async def test_both_tokens_open_until_they_are_rotated(vault: Vault, city: City) -> None:
    async with browser(city) as client:
        seen = vault.token(ticket_id("a"), "lihat")
        reporter = vault.token(ticket_id("a"), "pelapor")
        assert "Jalur sepeda" not in (await client.get(f"/lacak/{seen}")).text
        assert "Jalur sepeda" in (await client.get(f"/lacak/{reporter}")).text
        vault.rotate_tokens(ticket_id("a"))
        assert {(await client.get(f"/lacak/{token}")).status_code for token in (seen, reporter)} == {404}


async def test_an_officer_opens_the_original_and_leaves_a_trace(vault: Vault, city: City) -> None:
    async with browser(city) as client:
        form = {"csrf": field((await client.get("/masuk")).text, "csrf"), "akun": "petugas", "sandi": PASSWORD}
        assert (await client.post("/masuk", data=form)).headers["location"] == "/opd"
        ticket = f"/opd/tiket/{ticket_id('a')}"
        token = field((await client.get(ticket)).text, "csrf")
        reason = "menghubungi pelapor soal lokasi"
        page = await client.post(f"{ticket}/asli", data={"csrf": token, "alasan": reason})
        assert "081200000001" in page.text
        assert [entry.reason for entry in vault.audit_trail(ticket_id("a"))] == [reason]


async def test_the_vaults_own_limit_on_logins_is_a_page(vault: Vault, city: City) -> None:
    for n in range(11):
        async with browser(city, f"198.51.100.{n}") as client:
            form = {"csrf": field((await client.get("/masuk")).text, "csrf"), "akun": "petugas", "sandi": "salah"}
            answer = await client.post("/masuk", data=form)
    assert answer.status_code == 429
    assert "Terlalu banyak percobaan" in answer.text
