"""Settings: environment variables ``TANGGAP_…``, secrets also as ``TANGGAP_…_FILE``; frozen, and safe to print."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

DEMO_PREFIX = "demo-"
"""Secrets that start so are for the embedded default and refused in production."""


class FileSecrets(PydanticBaseSettingsSource):
    """Reads ``NAME_FILE`` for every secret field, as containers mount them."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        name = f"{self.config.get('env_prefix', '')}{field_name}".upper() + "_FILE"
        path = os.environ.get(name)
        if not path:
            return None, field_name, False
        try:
            secret = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"{name} names {path}, which cannot be read ({error.strerror}): fix the path") from error
        if not secret:
            raise ValueError(f"{name} names {path}, which is empty: write the secret into it, or unset {name}")
        return secret, field_name, False

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, info in self.settings_cls.model_fields.items():
            value, key, _ = self.get_field_value(info, name)
            if value is not None:
                found[key] = value
        return found


class Settings(BaseSettings):
    """Base of all settings classes: sets where values come from, and refuses demo secrets in production.

    An empty variable counts as not set: an empty secret would be one that everybody knows.
    """

    model_config = SettingsConfigDict(
        env_prefix="TANGGAP_", env_file=".env", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    env: Literal["development", "production"] = Field("development", validation_alias="TANGGAP_ENV")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, FileSecrets(settings_cls), env_settings, dotenv_settings

    @model_validator(mode="after")
    def _no_demo_secrets_in_production(self) -> Settings:
        if self.env != "production":
            return self
        for name, info in type(self).model_fields.items():
            value = getattr(self, name)
            if isinstance(value, SecretStr) and value.get_secret_value().startswith(DEMO_PREFIX):
                variable = f"{self.model_config.get('env_prefix', '')}{name}".upper()
                raise ValueError(
                    f"{variable} is a demo secret: set a real one before TANGGAP_ENV=production ({info.description})"
                )
        return self


class CoreSettings(Settings):
    """What every service needs."""

    tenant: str = Field("jakarta", description="City; stands in every event, key and index.")
    data_dir: Path = Field(Path(".data"), description="Folder of the embedded default's data, blobs and tables.")
    kafka: str = Field("127.0.0.1:9092", description="Bootstrap servers, host:port, comma separated.")
    elasticsearch: str = Field("http://127.0.0.1:9200", description="Elasticsearch address.")
    database: SecretStr = Field(
        SecretStr(""), description="SQLAlchemy URL of the vault; empty: SQLite under the data folder."
    )
    partitions: int = Field(4, ge=1, le=512, description="Partitions of all topics after raw; fixed at creation.")
    replication: int = Field(1, ge=1, description="Replication factor of topics that we create.")
    base_url: str = Field("http://127.0.0.1:8080", description="Public address that tracking links begin with.")
    host: str = Field("127.0.0.1", description="Address the HTTP services bind to.")
    port: int = Field(8080, description="Port of webhooks and portal.")
    media_url: str = Field(
        "http://127.0.0.1:8081",
        description="Public address that files of messages come from; never that of the portal.",
    )
    media_port: int = Field(8081, description="Port that the media service gives files on.")
    demo_port: int = Field(8098, description="Loopback port at which `tanggap demo` plays the vendors' file servers.")
    metrics_base_port: int = Field(9090, description="Metrics and health listen on this port + the service's number.")
    instance: str = Field("0", description="Number of this worker among its service's; names the static group member.")
    master_key: SecretStr = Field(
        SecretStr("demo-master-key-not-for-production"), description="Wraps the vault's keys; 32 characters or more."
    )
    id_key: SecretStr = Field(
        SecretStr("demo-id-key-not-for-production"), description="Keys ticket ids, pseudonyms and tracking tokens."
    )
    boundaries: Path | None = Field(None, description="GeoJSON of kelurahan polygons (properties kode, nama).")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged: debug, info, warning or error."
    )

    @model_validator(mode="after")
    def _files_from_another_origin(self) -> CoreSettings:
        """What citizens send must never share an origin with the pages that officers are logged in to."""
        files, pages = urlsplit(self.media_url), urlsplit(self.base_url)
        if files.scheme not in {"http", "https"} or not files.netloc:
            raise ValueError("TANGGAP_MEDIA_URL is no address: set one like https://berkas.example.go.id")
        if (files.scheme, files.netloc) == (pages.scheme, pages.netloc):
            raise ValueError("TANGGAP_MEDIA_URL is the portal's own address: set another host name or port for files")
        return self
