"""The channels, one line each. Folder, topic suffix, settings prefix and metric label follow from the name."""

from __future__ import annotations

from pipeline.channel import Channel

from . import counter, email, facebook, instagram, telegram, whatsapp, x

CHANNELS: dict[str, Channel] = {channel.name: channel for channel in (
    counter.CHANNEL,
    email.CHANNEL,
    facebook.CHANNEL,
    instagram.CHANNEL,
    telegram.CHANNEL,
    whatsapp.CHANNEL,
    x.CHANNEL,
)}  # fmt: skip
