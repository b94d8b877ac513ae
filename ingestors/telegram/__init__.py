"""Telegram: what people write to the city's bot, in private and in groups.

Source: the Bot API's webhook (push only; the vendor queues for 24 hours and keeps no history).
Authentication: the secret in X-Telegram-Bot-Api-Secret-Token. Owner: Diskominfotik, CRM desk.
"""

from __future__ import annotations

from pipeline.channel import Channel

from .decode import decode
from .media import make_files
from .probe import probe
from .reasons import REASONS
from .receive import TelegramWebhook
from .reply import make_sender
from .settings import NAME, TelegramSettings

CHANNEL = Channel(
    name=NAME,
    title="Telegram",
    settings=TelegramSettings,
    decode=decode,
    webhook=TelegramWebhook,
    sender=make_sender,
    public_replies=True,
    media=make_files,
    probe=probe,
)

__all__ = ["CHANNEL", "REASONS"]
