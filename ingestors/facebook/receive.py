"""The webhook: challenge, signature over the raw bytes, outline of the envelope. No mapping, nothing is parsed out."""

from __future__ import annotations

from collections.abc import Mapping

from ingestors import meta
from pipeline.channel import HookAnswer, HookRequest, Raw

from .decode import NAME, OBJECT
from .settings import FacebookSettings


class FacebookWebhook:
    """Implements ``pipeline.channel.Webhook``. One delivery, up to 1,000 updates, is one raw record."""

    def __init__(self, settings: FacebookSettings) -> None:
        self._settings = settings

    def challenge(self, query: Mapping[str, str]) -> HookAnswer:
        """See ``pipeline.channel.Webhook``."""
        return meta.answer_challenge(query, self._settings.verify_token)

    def take(self, request: HookRequest) -> tuple[list[Raw], HookAnswer]:
        """See ``pipeline.channel.Webhook``. 401 before anything else is looked at, then 415, then 400."""
        meta.verify_signature(request, [self._settings.app_secret, self._settings.app_secret_previous])
        meta.verify_json(request)
        meta.verify_outline(request, OBJECT)
        raw = Raw(
            channel=NAME,
            account=self._settings.page_id,
            body=request.body,
            content_type="application/json",
            received_at=request.received_at,
        )
        return [raw], HookAnswer()
