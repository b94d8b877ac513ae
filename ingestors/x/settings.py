"""Settings of the X channel: ``TANGGAP_X_…``."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from pipeline.settings import Settings


class XSettings(Settings):
    """One X account of the city. Secrets also as ``…_FILE``; an empty variable counts as not set."""

    model_config = SettingsConfigDict(env_prefix="TANGGAP_X_", env_ignore_empty=True)

    account: str = Field("DKIJakarta", description="Handle of the city's account, without @.")
    user_id: str = Field(
        "1000000001",
        pattern=r"^[0-9]{1,20}$",
        description="Numeric id of the account; never changes with the handle.",
    )
    consumer_key: SecretStr = Field(SecretStr(""), description="API key of the developer app; needed for answers.")
    consumer_secret: SecretStr = Field(
        SecretStr("demo-x-consumer-secret-00000000"),
        min_length=16,
        description="API secret of the developer app: signs webhooks and the CRC answer.",
    )
    consumer_secret_previous: SecretStr | None = Field(
        None, min_length=16, description="The secret before a rotation; still accepted on deliveries while set."
    )
    client_secret: SecretStr | None = Field(
        None,
        min_length=16,
        description="OAuth 2.0 client secret of the app; set, it is taken on deliveries too, and answers the CRC.",
    )
    client_secret_previous: SecretStr | None = Field(
        None, min_length=16, description="The client secret before a rotation; still accepted on deliveries while set."
    )
    bearer_token: SecretStr = Field(SecretStr(""), description="App-only token for mentions; empty: polling is off.")
    access_token: SecretStr = Field(
        SecretStr(""), description="Token of the city's account; empty: answers are recorded instead of sent."
    )
    access_token_secret: SecretStr = Field(SecretStr(""), description="Secret of the access token.")
    poll_seconds: float = Field(60.0, ge=5, le=3600, description="Seconds between two looks for new mentions.")
    backfill_hours: int = Field(24, ge=1, le=168, description="How far back the first look goes, in hours.")
    webhook_id: str = Field(
        "",
        pattern=r"^[0-9]{0,20}$",
        description="X's id of the webhook: after a gap its deliveries are asked for again; empty: they are not.",
    )
    monthly_read_dollars: float = Field(
        100.0,
        ge=0,
        le=100_000,
        description="Most that reading posts may cost in a calendar month (UTC), in US dollars.",
    )
    monthly_answer_dollars: float = Field(
        300.0, ge=0, le=100_000, description="Most that answers may cost in a calendar month (UTC), in US dollars."
    )
    post_read_dollars: float = Field(
        0.005, ge=0.001, le=1, description="Price of reading one post; 0.001 where X bills reads of mentions as owned."
    )
    timeout_seconds: float = Field(20.0, gt=0, le=120, description="Longest wait for one answer of X, in seconds.")
    api_base: str = Field(
        "https://api.x.com",
        pattern=r"^(?:https://[^/\s]+|http://(?:127\.0\.0\.1|localhost)(?::[0-9]+)?(?:/[\w-]+)*)$",
        description="Scheme and host of the API; plain http, and a path, on loopback only.",
    )

    @property
    def on_loopback(self) -> bool:
        """Whether the API is a stand-in on this machine."""
        return urlsplit(self.api_base).hostname in {"127.0.0.1", "localhost"}

    @property
    def can_send(self) -> bool:
        """Whether all four credentials of OAuth 1.0a user context are there."""
        parts = (self.consumer_key, self.consumer_secret, self.access_token, self.access_token_secret)
        return all(part.get_secret_value() for part in parts)
