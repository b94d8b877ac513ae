"""The webhook: signature over the raw bytes, then content type and outline. No mapping."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import msgspec

from ingestors.meta import verify_json
from ingestors.surrogates import whole_surrogates
from pipeline.channel import HookAnswer, HookRequest, Raw
from pipeline.errors import Rejected

from .settings import NAME, TemplateSettings

HEADER = "X-Signature"


class _Outline(msgspec.Struct):
    message: msgspec.Raw


def signature(body: bytes, secret: str) -> str:
    """Value of the header for a body."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


class TemplateWebhook:
    """Implements ``pipeline.channel.Webhook``."""

    def __init__(self, settings: TemplateSettings) -> None:
        self._settings = settings

    def challenge(self, query: Mapping[str, str]) -> HookAnswer:
        """This vendor asks nothing. Raises ``Rejected`` 404 always."""
        raise Rejected(404, "webhook.wrong-challenge", "This vendor has no challenge; deliveries are posted.")

    def take(self, request: HookRequest) -> tuple[list[Raw], HookAnswer]:
        """See ``pipeline.channel.Webhook``: 401 first of all, then 415, then 400."""
        given = request.headers.get(HEADER.lower(), "").encode("utf-8", "replace")
        valid = False
        for secret in (self._settings.secret, self._settings.secret_previous):
            if secret is not None and secret.get_secret_value():
                valid |= hmac.compare_digest(signature(request.body, secret.get_secret_value()).encode(), given)
        if not valid:
            raise Rejected(401, "webhook.wrong-signature", f"{HEADER} does not match the body.")
        verify_json(request)
        try:
            msgspec.json.decode(whole_surrogates(request.body), type=_Outline)
        except msgspec.ValidationError:
            raise Rejected(400, "webhook.wrong-shape", "Expected the member message.") from None
        raw = Raw(NAME, self._settings.account, request.body, "application/json", request.received_at)
        return [raw], HookAnswer()
