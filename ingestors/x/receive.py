"""X's entrance: the signed webhook. No mapping: bytes are handed over as they came. ``poll.py`` is the second net."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping

import msgspec

from ingestors.surrogates import whole_surrogates
from pipeline.channel import HookAnswer, HookRequest, Raw
from pipeline.errors import Rejected

from . import payload as x
from .bill import CHANNEL
from .dialects import read
from .settings import XSettings

SIGNATURE = "x-twitter-webhooks-signature"
SIGNATURE_2 = "x-twitter-webhooks-signature-oauth2"
"""With the OAuth 2.0 client secret; the only one that apps without an OAuth 1.0a secret get (docs.x.com, "V2 Webhooks
API", signature headers)."""
JSON = "application/json"
_CRC_TOKEN = re.compile(r"[A-Za-z0-9+/=_.~-]{1,512}")
_JSON_TYPE = re.compile(r'application/json\s*(?:;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)


class XWebhook:
    """Deliveries of the X Activity API and the Account Activity API (docs.x.com, ``x-api/webhooks/introduction``)."""

    def __init__(self, settings: XSettings) -> None:
        self._account = settings.user_id
        keys = [
            (SIGNATURE_2, settings.client_secret),
            (SIGNATURE_2, settings.client_secret_previous),
            (SIGNATURE, settings.consumer_secret),
            (SIGNATURE, settings.consumer_secret_previous),
        ]
        self._keys = [(header, key.get_secret_value().encode()) for header, key in keys if key is not None]
        self._challenged = (settings.client_secret or settings.consumer_secret).get_secret_value().encode()

    def challenge(self, query: Mapping[str, str]) -> HookAnswer:
        """Proves to X that we hold the app's secret. Raises ``Rejected`` 400 ``webhook.wrong-challenge``.

        The answer is a signature with the very key of the deliveries, over a text that anybody may choose. Only tokens
        of letters, digits and a few signs are answered: no JSON object can be written with them, so nobody gets one
        signed.
        """
        token = query.get("crc_token", "")
        if not _CRC_TOKEN.fullmatch(token):
            raise Rejected(
                400,
                "webhook.wrong-challenge",
                "crc_token is missing or has characters that X does not use: send X's own token",
            )
        answer = {"response_token": _sign(self._challenged, token.encode())}
        return HookAnswer(msgspec.json.encode(answer), JSON)

    def take(self, request: HookRequest) -> tuple[list[Raw], HookAnswer]:
        """One delivery. Raises ``Rejected``: 401 signature, 415 content type, 400 not JSON or not what X sends."""
        # Every secret is tried, so that the time taken does not tell which one is in use.
        matches = [
            hmac.compare_digest(
                _sign(secret, request.body).encode(), request.headers.get(header, "").encode("utf-8", "replace")
            )
            for header, secret in self._keys
        ]
        if not any(matches):
            raise Rejected(
                401, "webhook.wrong-signature", f"sign the raw body with the app's consumer secret in {SIGNATURE}"
            )
        if not _JSON_TYPE.fullmatch(request.headers.get("content-type", "").strip()):
            raise Rejected(415, "webhook.wrong-content-type", "send application/json in UTF-8")
        _check_envelope(request.body)
        raw = Raw(CHANNEL, self._account, request.body, JSON, request.received_at, {"source": "webhook"})
        return [raw], HookAnswer()


def _sign(secret: bytes, data: bytes) -> str:
    return "sha256=" + base64.b64encode(hmac.new(secret, data, hashlib.sha256).digest()).decode()


def _check_envelope(body: bytes) -> None:
    fields = read(body, dict[str, msgspec.Raw])
    if fields is None:
        fields = read(whole_surrogates(body), dict[str, msgspec.Raw])
    if fields is None:
        raise Rejected(400, "webhook.not-json", "the body must be one JSON object")
    lists = (read(value, list[msgspec.Raw]) for name, value in fields.items() if name.endswith("_events"))
    data = fields.get("data")
    events = [data, *(read(data, list[msgspec.Raw]) or ())]
    known = "user_event" in fields or any(one is not None for one in lists)
    if not known and all(read(one, x.Activity) is None for one in events):
        raise Rejected(
            400, "webhook.wrong-shape", "expected data.event_type and data.payload, or a list named …_events"
        )
