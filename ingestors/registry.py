"""The channels, one line each. Folder, topic suffix, settings prefix and metric label follow from the name."""

from __future__ import annotations

from pipeline.channel import Channel

from . import counter, email, telegram, whatsapp, x

CHANNELS: dict[str, Channel] = {channel.name: channel for channel in (
    counter.CHANNEL,
    email.CHANNEL,
    telegram.CHANNEL,
    whatsapp.CHANNEL,
    x.CHANNEL,
)}  # fmt: skip
