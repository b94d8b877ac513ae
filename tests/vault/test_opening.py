from __future__ import annotations

import os
import sqlite3
import stat
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from pipeline.errors import Unavailable
from pipeline.settings import CoreSettings
from vault.engine import Database
from vault.errors import VaultError
from vault.model import Registration
from vault.schema import metadata
from vault.store import Vault


def test_migrations_build_what_the_code_expects(vault: Vault, settings: CoreSettings) -> None:
    database = Database.open(settings.database.get_secret_value(), settings.data_dir)
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_a_database_of_a_newer_version_is_refused(vault: Vault, settings: CoreSettings, clock: Any) -> None:
    database = Database.open(settings.database.get_secret_value(), settings.data_dir)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(VaultError, match="newer"):
        Vault.open(settings, clock)


@pytest.mark.parametrize(("field", "variable"), [("master_key", "TANGGAP_MASTER_KEY"), ("id_key", "TANGGAP_ID_KEY")])
def test_a_wrong_key_is_named(vault: Vault, settings: CoreSettings, clock: Any, field: str, variable: str) -> None:
    wrong = settings.model_copy(update={field: SecretStr("quite-another-key-of-some-length-0123")})
    with pytest.raises(VaultError, match=variable) as caught:
        Vault.open(wrong, clock)
    assert "quite-another" not in "".join(traceback.format_exception(caught.value))
    Vault.open(settings, clock).close()


@pytest.mark.parametrize("field", ["master_key", "id_key"])
def test_a_short_key_is_refused(settings: CoreSettings, clock: Any, field: str) -> None:
    with pytest.raises(VaultError, match="fewer than"):
        Vault.open(settings.model_copy(update={field: SecretStr("short")}), clock)


@pytest.mark.parametrize("url", ["mysql://a@b/c", "sqlite:///x.db", "kein url", "postgresql+asyncpg://a@b/c"])
def test_another_database_is_refused(tmp_path: Path, settings: CoreSettings, clock: Any, url: str) -> None:
    with pytest.raises(VaultError, match="TANGGAP_DATABASE"):
        Vault.open(settings.model_copy(update={"database": SecretStr(url), "data_dir": tmp_path}), clock)


def test_a_database_that_is_away_is_unavailable_and_its_password_unseen(settings: CoreSettings, clock: Any) -> None:
    away = settings.model_copy(update={"database": SecretStr("postgresql://tanggap:rahasia-sekali@127.0.0.1:1/vault")})
    with pytest.raises(Unavailable) as caught:
        Vault.open(away, clock)
    assert "rahasia-sekali" not in "".join(traceback.format_exception(caught.value))


def sqlite_settings(settings: CoreSettings) -> CoreSettings:
    if settings.database.get_secret_value():
        pytest.skip("about the SQLite file")
    return settings


def test_files_are_the_owners_alone(settings: CoreSettings, clock: Any) -> None:
    sqlite_settings(settings)
    settings.data_dir.mkdir(mode=0o755)
    (settings.data_dir / "vault.db").touch(0o644)
    before = os.umask(0)
    try:
        vault = Vault.open(settings, clock)
        vault.lease_keys(1)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in settings.data_dir.iterdir()}
    vault.close()
    assert modes == {"vault.db": 0o600, "vault.db-wal": 0o600, "vault.db-shm": 0o600, "blobs": 0o700}
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700


def test_what_is_no_database_is_said_to_be_none(settings: CoreSettings, clock: Any) -> None:
    sqlite_settings(settings)
    settings.data_dir.mkdir()
    (settings.data_dir / "vault.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(VaultError, match="cannot be used"):
        Vault.open(settings, clock)


def test_a_busy_database_is_unavailable_and_recovers(
    settings: CoreSettings, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_settings(settings)
    monkeypatch.setattr("vault.engine.WAIT", 0.1)
    vault = Vault.open(settings, clock)
    blocker = sqlite3.connect(settings.data_dir / "vault.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        vault.lease_keys(1)
    assert vault.find_keys(["unknown"]) == {}
    blocker.execute("ROLLBACK")
    blocker.close()
    assert len(vault.lease_keys(1)) == 1
    vault.close()


def test_a_failure_in_the_middle_quotes_nobody_and_leaves_nothing(
    vault: Vault, settings: CoreSettings, message: Callable[..., Registration]
) -> None:
    database = Database.open(settings.database.get_secret_value(), settings.data_dir)
    with database.write() as connection:
        connection.execute(text("ALTER TABLE messages RENAME COLUMN hash TO digest"))
    first = message("a")
    with pytest.raises((DatabaseError, Unavailable)) as caught:
        vault.register([first])
    shown = "".join(traceback.format_exception(caught.value))
    assert first.identity is not None
    assert "INSERT INTO messages" in shown
    assert not [word for word in (first.identity.id, first.external_id, "Warga", "melapor") if str(word) in shown]
    with database.write() as connection:
        connection.execute(text("ALTER TABLE messages RENAME COLUMN digest TO hash"))
    database.close()
    assert vault.lookup([first.item_key]).items == {}
    assert vault.register([first])[first.item_key].number == "JK2611230001"
