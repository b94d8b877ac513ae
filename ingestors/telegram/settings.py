"""Settings of the Telegram channel: ``TANGGAP_TELEGRAM_…``."""

from __future__ import annotations

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from pipeline.settings import Settings

NAME = "telegram"


class TelegramSettings(Settings):
    """One bot of the city. Without ``bot_token`` answers are recorded instead of sent, and files wait."""

    model_config = SettingsConfigDict(env_prefix="TANGGAP_TELEGRAM_", env_file=".env", frozen=True, extra="ignore")

    bot_id: str = Field(
        "7000000001",
        pattern=r"^[0-9]{1,20}$",
        description="Numeric id of the bot: the part of its token before the colon.",
    )
    secret_token: SecretStr = Field(
        SecretStr("demo-telegram-secret-token"),
        min_length=16,
        max_length=256,
        description="Secret that setWebhook was given (letters, digits, _ and -); Telegram repeats it on deliveries.",
    )
    secret_token_previous: SecretStr | None = Field(
        None, min_length=16, max_length=256, description="The secret before a rotation; accepted until it is unset."
    )
    bot_token: SecretStr | None = Field(None, description="The bot's token from @BotFather, for answers and files.")
    api_url: str = Field(
        "https://api.telegram.org",
        pattern=r"^(?:https://[^/\s]+|http://(?:127\.0\.0\.1|localhost)(?::[0-9]+)?(?:/[a-z_-]+)?)$",
        description="Address of the Bot API, without a slash at its end; plain http on loopback only.",
    )
    timeout_seconds: float = Field(
        10.0, gt=0, le=120, description="Longest wait for one answer of Telegram, in seconds."
    )

    @model_validator(mode="after")
    def _token_is_of_this_bot(self) -> TelegramSettings:
        if self.bot_token is not None and self.bot_token.get_secret_value().partition(":")[0] != self.bot_id:
            raise ValueError(
                "TANGGAP_TELEGRAM_BOT_TOKEN is of another bot: set TANGGAP_TELEGRAM_BOT_ID to its first part"
            )
        return self
