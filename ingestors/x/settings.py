"""Settings of the X channel: ``TANGGAP_X_…``."""

from __future__ import annotations

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
    bearer_token: SecretStr = Field(SecretStr(""), description="App-only token for mentions; empty: polling is off.")
    access_token: SecretStr = Field(
        SecretStr(""), description="Token of the city's account; empty: answers are recorded instead of sent."
    )
    access_token_secret: SecretStr = Field(SecretStr(""), description="Secret of the access token.")
    poll_seconds: float = Field(60.0, ge=5, le=3600, description="Seconds between two looks for new mentions.")
    backfill_hours: int = Field(24, ge=1, le=168, description="How far back the first look goes, in hours.")
    timeout_seconds: float = Field(20.0, gt=0, le=120, description="Longest wait for one answer of X, in seconds.")
    api_base: str = Field(
        "https://api.x.com",
        pattern=r"^(?:https://[^/\s]+|http://(?:127\.0\.0\.1|localhost)(?::[0-9]+)?)$",
        description="Scheme and host of the API, without a path; plain http on loopback only.",
    )

    @property
    def can_send(self) -> bool:
        """Whether all four credentials of OAuth 1.0a user context are there."""
        parts = (self.consumer_key, self.consumer_secret, self.access_token, self.access_token_secret)
        return all(part.get_secret_value() for part in parts)
