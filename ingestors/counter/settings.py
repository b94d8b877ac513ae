"""Settings of the counter channel: none. Officers log in to the portal, and an answer is the slip they hand over."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from pipeline.settings import Settings


class CounterSettings(Settings):
    """The prefix is reserved, so that a setting added later is found where every channel has its own."""

    model_config = SettingsConfigDict(env_prefix="TANGGAP_COUNTER_", env_ignore_empty=True)
