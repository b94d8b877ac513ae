"""The webhook: challenge, signature over the raw bytes, outline of the envelope. No mapping, nothing is parsed out."""

from __future__ import annotations

from functools import partial

from ingestors.meta import MetaWebhook, verify_outline

from .decode import NAME
from .settings import InstagramSettings


def make_webhook(settings: InstagramSettings) -> MetaWebhook:
    """Deliveries of the account, also those that name the Page it is linked to."""
    return MetaWebhook(
        NAME, settings.user_id, settings, partial(verify_outline, expected=NAME, account=settings.user_id)
    )
