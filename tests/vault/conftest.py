"""The suite runs over SQLite, and over PostgreSQL too when TANGGAP_TEST_DATABASE names one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, make_url, text

from pipeline.settings import CoreSettings
from schemas.item import Author
from vault.model import Original, Registration
from vault.store import Vault

POSTGRES = os.environ.get("TANGGAP_TEST_DATABASE", "")
BACKENDS = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.skipif(not POSTGRES, reason="TANGGAP_TEST_DATABASE")),
]
MASTER = "a-master-key-of-the-tests-0123456789"
IDENTIFIER = "an-id-key-of-the-tests-0123456789"


@dataclass
class HandClock:
    """A clock that the test moves."""

    time: datetime = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def advance(self, **span: float) -> None:
        self.time += timedelta(**span)


@pytest.fixture(params=BACKENDS)
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database: none named (SQLite), or a schema of its own in PostgreSQL."""
    if request.param == "sqlite":
        yield ""
        return
    schema = f"vault_{uuid.uuid4().hex}"
    engine = create_engine(make_url(POSTGRES).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield (
        make_url(POSTGRES)
        .update_query_dict({"options": f"-csearch_path={schema}"})
        .render_as_string(hide_password=False)
    )
    with engine.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def settings(tmp_path: Path, database: str) -> CoreSettings:
    return make_settings(tmp_path / "data", database)


def make_settings(data_dir: Path, database: str = "", **others: Any) -> CoreSettings:
    values: dict[str, Any] = {"master_key": SecretStr(MASTER), "id_key": SecretStr(IDENTIFIER)} | others
    return CoreSettings(data_dir=data_dir, database=database, _env_file=None, **values)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def vault(settings: CoreSettings, clock: HandClock) -> Iterator[Vault]:
    opened = Vault.open(settings, clock)
    yield opened
    opened.close()


@pytest.fixture
def other(settings: CoreSettings, clock: HandClock) -> Iterator[Vault]:
    """The same vault, opened once more as another process would."""
    opened = Vault.open(settings, clock)
    yield opened
    opened.close()


Message = Callable[..., Registration]


@pytest.fixture
def message(vault: Vault, clock: HandClock) -> Message:
    """Builds a registration of the message ``name`` of ``author``; keyword arguments replace fields."""

    def build(name: str = "m1", author: str = "6281200000001", **fields: Any) -> Registration:
        values: dict[str, Any] = {
            "item_key": vault.hash_of("item", name),
            "ticket_id": vault.ticket_id("whatsapp", "1001", name),
            "kind": "opened",
            "channel": "whatsapp",
            "account": "1001",
            "received_at": clock.now(),
            "message": vault.hash_of("message", name),
            "person": vault.pseudonym("whatsapp", "1001", author),
            "identity": Author(id=author, name=f"Warga {author}", phone=author),
            "original": Original("Perihal", f"Saya {author} melapor: {name}"),
            "external_id": f"wamid.{author}.{name}",
            "thread": f"thread-{author}",
        }
        return Registration(**(values | fields))

    return build
