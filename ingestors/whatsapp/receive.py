"""The webhook: challenge, signature over the raw bytes, outline of the envelope. No mapping, nothing is parsed out."""

from __future__ import annotations

from functools import partial

from ingestors.meta import MetaWebhook, verify_outline

from .decode import OBJECT
from .settings import WhatsAppSettings

NAME = "whatsapp"


def make_webhook(settings: WhatsAppSettings) -> MetaWebhook:
    """Deliveries of the number."""
    return MetaWebhook(
        NAME, settings.phone_number_id, settings, partial(verify_outline, expected=OBJECT, may_be_empty=True)
    )
