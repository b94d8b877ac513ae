"""Nothing that names a person, and no capability, stands anywhere in clear."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import MetaData

from pipeline.settings import CoreSettings
from schemas.item import Author
from vault.engine import Database
from vault.model import Original, Registration
from vault.store import Vault


def stored(settings: CoreSettings) -> Iterator[bytes]:
    """Every byte on disk, and every value of every table as the server gives it."""
    for path in settings.data_dir.rglob("*"):
        if path.is_file():
            yield path.read_bytes()
    database = Database.open(settings.database.get_secret_value(), settings.data_dir)
    with database.read() as connection:
        reflected = MetaData()
        reflected.reflect(connection)
        for table in reflected.tables.values():
            for row in connection.execute(table.select()):
                yield b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    database.close()


def test_no_identity_text_or_token_is_stored_or_logged(
    vault: Vault,
    settings: CoreSettings,
    message: Callable[..., Registration],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    who = Author(
        id="6281200000077", name="Siti Rekaan", phone="+62 812-0000-0077", email="siti@contoh.id", handle="siti_rekaan"
    )
    first = message(
        "a",
        author=who.id,
        identity=who,
        external_id="wamid.HBgNNjI4MTIwMDAwMDA3Nw==",
        thread="utas-6281200000077",
        original=Original("Perihal got mampet", "Got di depan rumah saya mampet", "Gang Rekaan 7", ("ktp-siti.jpg",)),
        message=vault.hash_of("message", "wamid.HBgNNjI4MTIwMDAwMDA3Nw=="),
    )
    vault.register([first])
    [key] = vault.lease_keys(1)
    vault.put_blob(b"foto milik Siti Rekaan", idempotency="6281200000077", person=first.person, media_type="image/jpeg")
    officer = vault.ensure_account("dewi.rekaan", "kata-sandi-rekaan", "Dewi Contoh", "officer", "DISHUB", "Dishub")
    session = vault.open_session(officer)
    vault.login("bukan-siapa-siapa", "salah")
    vault.claim_reply("r1")
    vault.settle_reply("r1", "sent", "wamid.KELUAR6281200000077")
    vault.originals(first.ticket_id, officer.id, "menelepon Siti Rekaan")
    tokens = [vault.token(first.ticket_id, "lihat"), vault.token(first.ticket_id, "pelapor")]
    secrets: list[Any] = [
        "6281200000077", "0000-0077", "Siti", "siti", "HBgNNjI4", "mampet", "Gang Rekaan", "ktp-siti", "KELUAR",
        "dewi.rekaan", "Dewi Contoh", "kata-sandi", "bukan-siapa", "menelepon", session, *tokens, key.secret,
        settings.master_key.get_secret_value(), settings.id_key.get_secret_value(),
    ]  # fmt: skip
    needles = [secret if isinstance(secret, bytes) else secret.encode() for secret in secrets]
    everything = b"\n".join([*stored(settings), caplog.text.encode(), "".join(capfd.readouterr()).encode()])
    assert first.ticket_id.encode() in everything
    assert [needle for needle in needles if needle in everything] == []


def test_a_vault_shows_no_secret(vault: Vault, settings: CoreSettings) -> None:
    shown = repr(vault) + str(vault) + repr(vars(vault))
    assert settings.master_key.get_secret_value() not in shown
    assert settings.id_key.get_secret_value() not in shown


def test_erased_bytes_are_gone_from_the_files(
    vault: Vault, settings: CoreSettings, message: Callable[..., Registration]
) -> None:
    first = message("a")
    vault.register([first])
    database = Database.open(settings.database.get_secret_value(), settings.data_dir)
    with database.read() as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        identity = connection.execute(metadata.tables["persons"].select()).one().identity
        wrapped = connection.execute(metadata.tables["record_keys"].select()).one().wrapped
    database.close()
    assert any(identity in part for part in stored(settings))
    vault.erase_person(str(first.person))
    everything = b"\n".join(stored(settings))
    assert identity not in everything
    assert wrapped not in everything


def test_ids_are_keyed_and_tell_their_parts_apart(vault: Vault, settings: CoreSettings, clock: Any) -> None:
    assert vault.pseudonym("whatsapp", "1", "6281").startswith("p")
    assert vault.ticket_id("whatsapp", "1", "6281").startswith("t")
    ids = {
        vault.pseudonym("whatsapp", "1", "6281")[1:],
        vault.ticket_id("whatsapp", "1", "6281")[1:],
        vault.hash_of("whatsapp", "1", "6281"),
        vault.hash_of("whatsapp", "16", "281"),
        vault.hash_of("whatsapp", "16281"),
        vault.pseudonym("x", "1", "6281")[1:],
        vault.pseudonym("whatsapp", "2", "6281")[1:],
    }
    assert len(ids) == 7
    assert all(len(each) == 26 for each in ids)
