"""The webhook: challenge, signature over the raw bytes, outline of the envelope. No mapping, nothing is parsed out."""

from __future__ import annotations

from functools import partial

from ingestors.meta import MetaWebhook, verify_outline

from .decode import NAME, OBJECT
from .settings import FacebookSettings


def make_webhook(settings: FacebookSettings) -> MetaWebhook:
    """Deliveries of the Page."""
    return MetaWebhook(NAME, settings.page_id, settings, partial(verify_outline, expected=OBJECT))
