"""The webhook: the shared secret first, then content type and outline. No mapping."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import msgspec

from ingestors.meta import verify_json
from ingestors.surrogates import whole_surrogates
from pipeline.channel import HookAnswer, HookRequest, Raw
from pipeline.errors import Rejected

from .payload import Outline
from .settings import NAME, TelegramSettings

HEADER = "X-Telegram-Bot-Api-Secret-Token"


class TelegramWebhook:
    """Implements ``pipeline.channel.Webhook`` (Telegram, "Bot API > setWebhook"). One delivery is one update."""

    def __init__(self, settings: TelegramSettings) -> None:
        self._settings = settings

    def challenge(self, query: Mapping[str, str]) -> HookAnswer:
        """Telegram asks nothing. Raises ``Rejected`` 404 always."""
        raise Rejected(404, "webhook.wrong-challenge", "Telegram has no challenge; deliveries are posted.")

    def take(self, request: HookRequest) -> tuple[list[Raw], HookAnswer]:
        """See ``pipeline.channel.Webhook``: 401 first of all, then 415, then 400."""
        self._verify(request)
        verify_json(request)
        try:
            msgspec.json.decode(whole_surrogates(request.body), type=Outline)
        except msgspec.ValidationError:
            raise Rejected(400, "webhook.wrong-shape", "Expected the member update_id.") from None
        raw = Raw(NAME, self._settings.bot_id, request.body, "application/json", request.received_at)
        return [raw], HookAnswer()

    def _verify(self, request: HookRequest) -> None:
        """Each secret is tried, so that a rotation loses nothing; an empty one, which everybody knows, never counts."""
        given = request.headers.get(HEADER.lower(), "").encode("utf-8", "replace")
        valid = False
        for secret in (self._settings.secret_token, self._settings.secret_token_previous):
            if secret is not None and secret.get_secret_value():
                valid |= hmac.compare_digest(secret.get_secret_value().encode(), given)
        if not valid:
            raise Rejected(401, "webhook.wrong-signature", f"{HEADER} is not the secret that setWebhook was given.")
