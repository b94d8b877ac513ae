from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from ingestors.registry import CHANNELS
from pipeline.settings import CoreSettings


@pytest.fixture(autouse=True)
def _away_from_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_embedded_defaults_work_with_nothing_set() -> None:
    assert CoreSettings().tenant == "jakarta"


def test_a_secret_comes_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("kunci-dari-berkas\n", encoding="utf-8")
    monkeypatch.setenv("TANGGAP_MASTER_KEY_FILE", str(tmp_path / "key"))
    assert CoreSettings().master_key.get_secret_value() == "kunci-dari-berkas"


def test_a_secret_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANGGAP_MASTER_KEY_FILE", "/tidak/ada")
    with pytest.raises(ValueError, match=r"TANGGAP_MASTER_KEY_FILE names /tidak/ada"):
        CoreSettings()


def test_a_secret_file_that_is_empty_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("\n", encoding="utf-8")
    monkeypatch.setenv("TANGGAP_MASTER_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(ValueError, match=r"TANGGAP_MASTER_KEY_FILE names .*, which is empty"):
        CoreSettings()


@pytest.mark.parametrize("kind", [CoreSettings, *(channel.settings for channel in CHANNELS.values())])
def test_an_empty_variable_counts_as_not_set(kind: type[BaseSettings], monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = str(kind.model_config["env_prefix"])
    for field in kind.model_fields:
        monkeypatch.setenv(f"{prefix}{field}".upper(), "")
        monkeypatch.setenv(f"{prefix}{field}_FILE".upper(), "")
    filled = kind()
    assert filled == kind.model_construct(**{name: info.default for name, info in kind.model_fields.items()})


def test_printing_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANGGAP_MASTER_KEY", "sangat-rahasia-sekali")
    settings = CoreSettings()
    assert "sangat-rahasia-sekali" not in f"{settings!r}{settings}{settings.model_dump()}{settings.model_dump_json()}"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        CoreSettings().tenant = "lain"  # type: ignore[misc]


@pytest.mark.parametrize("address", ["http://127.0.0.1:8080", "http://127.0.0.1:8080/berkas", "berkas.jakarta.go.id"])
def test_files_never_come_from_the_portals_own_origin(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANGGAP_MEDIA_URL", address)
    with pytest.raises(ValidationError, match="TANGGAP_MEDIA_URL"):
        CoreSettings()


def test_production_refuses_the_demo_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANGGAP_ENV", "production")
    with pytest.raises(ValidationError, match="TANGGAP_MASTER_KEY is a demo secret"):
        CoreSettings()


@pytest.mark.parametrize("name", [name for name, channel in CHANNELS.items() if channel.webhook])
def test_production_refuses_every_webhook_with_its_demo_secret(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANGGAP_ENV", "production")
    with pytest.raises(ValidationError, match="demo secret"):
        CHANNELS[name].settings()


@pytest.mark.parametrize("kind", [CoreSettings, *(channel.settings for channel in CHANNELS.values())])
def test_every_setting_is_described(kind: type[BaseSettings]) -> None:
    undescribed = [name for name, info in kind.model_fields.items() if name != "env" and not info.description]
    assert undescribed == []


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channels_settings_prefix_is_its_name(name: str) -> None:
    assert CHANNELS[name].settings.model_config["env_prefix"] == f"TANGGAP_{name.upper()}_"
