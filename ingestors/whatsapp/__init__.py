"""WhatsApp 0811-1272-206 through Meta's Cloud API.

Source: Meta webhooks (push only; the vendor keeps no history and retries for up to 7 days). Auth: X-Hub-Signature-256.
Owner: Diskominfotik, CRM desk.
"""

from __future__ import annotations

from pipeline.channel import Channel

from .decode import decode
from .media import make_media
from .probe import probe
from .reasons import REASONS
from .receive import NAME, WhatsAppWebhook
from .reply import make_sender
from .settings import WhatsAppSettings

CHANNEL = Channel(
    name=NAME,
    title="WhatsApp",
    settings=WhatsAppSettings,
    decode=decode,
    webhook=WhatsAppWebhook,
    sender=make_sender,
    media=make_media,
    probe=probe,
)

__all__ = ["CHANNEL", "REASONS"]
