"""The webhook: challenge, signature over the raw bytes, outline of the envelope. No mapping, nothing is parsed out."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ingestors import meta
from ingestors.surrogates import whole_surrogates
from pipeline.channel import HookAnswer, HookRequest, Raw
from pipeline.errors import Rejected

from .decode import OBJECT
from .settings import WhatsAppSettings

NAME = "whatsapp"


class _Outline(msgspec.Struct):
    object: str
    entry: list[msgspec.Raw]


class WhatsAppWebhook:
    """Implements ``pipeline.channel.Webhook``. One delivery, up to 1,000 updates, is one raw record."""

    def __init__(self, settings: WhatsAppSettings) -> None:
        self._settings = settings

    def challenge(self, query: Mapping[str, str]) -> HookAnswer:
        """See ``pipeline.channel.Webhook``."""
        return meta.answer_challenge(query, self._settings.verify_token)

    def take(self, request: HookRequest) -> tuple[list[Raw], HookAnswer]:
        """See ``pipeline.channel.Webhook``. 401 before anything else is looked at, then 415, then 400."""
        meta.verify_signature(request, [self._settings.app_secret, self._settings.app_secret_previous])
        meta.verify_json(request)
        try:
            outline = msgspec.json.decode(whole_surrogates(request.body), type=_Outline)
        except msgspec.ValidationError:
            raise Rejected(400, "webhook.wrong-shape", "Expected the members object and entry.") from None
        if outline.object != OBJECT:
            raise Rejected(400, "webhook.wrong-shape", f"Expected object {OBJECT}.")
        raw = Raw(
            channel=NAME,
            account=self._settings.phone_number_id,
            body=request.body,
            content_type="application/json",
            received_at=request.received_at,
        )
        return [raw], HookAnswer()
