"""Settings of the channel. Its name is that of this folder, so that a copy needs no renaming."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from pipeline.settings import Settings

NAME = __name__.split(".")[-2]


class TemplateSettings(Settings):
    """Without ``api_token`` answers are recorded instead of sent."""

    model_config = SettingsConfigDict(
        env_prefix=f"TANGGAP_{NAME.upper()}_", env_file=".env", frozen=True, extra="ignore"
    )

    account: str = Field("kota-contoh", description="The city's account at the vendor.")
    secret: SecretStr = Field(
        SecretStr("demo-channel-secret"), min_length=16, description="Secret that signs deliveries (X-Signature)."
    )
    secret_previous: SecretStr | None = Field(
        None, min_length=16, description="The secret before a rotation; accepted until it is unset."
    )
    api_url: str = Field(
        "https://api.contoh.id", description="Address of the vendor's API, without a slash at its end."
    )
    api_token: SecretStr | None = Field(None, description="Token for answers.")
