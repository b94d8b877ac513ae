"""A channel to copy: a made-up vendor that pushes signed JSON. `docs/adding-a-channel.md` walks through it.

Source: webhook, one message a delivery. Authentication: X-Signature, hex HMAC-SHA256 of the raw body. Owner: nobody.
"""

from __future__ import annotations

from pipeline.channel import Channel

from .decode import REASONS, decode
from .receive import TemplateWebhook
from .reply import make_sender
from .settings import NAME, TemplateSettings

CHANNEL = Channel(
    name=NAME,
    title=NAME.strip("_").title(),
    settings=TemplateSettings,
    decode=decode,
    webhook=TemplateWebhook,
    sender=make_sender,
)

__all__ = ["CHANNEL", "REASONS"]
