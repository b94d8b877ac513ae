"""Sends one text through the Cloud API (Meta, "Cloud API > Messages")."""

from __future__ import annotations

from datetime import timedelta

import httpx
import msgspec

from pipeline.channel import Cursors, Outgoing
from pipeline.clock import Clock
from pipeline.errors import Backpressure, InvalidItem, TransientError

from .settings import WhatsAppSettings

SERVICE_WINDOW = timedelta(hours=24)
"""Free-form messages are allowed for 24 hours after the person's last message (error 131047 afterwards)."""
TEXT_LIMIT = 4096
TIMEOUT_SECONDS = 10.0
THROTTLED = frozenset({4, 80007, 130429, 131048, 131056})
THROTTLE_PAUSE_SECONDS = 60.0


class _Error(msgspec.Struct):
    code: int = 0


class _Sent(msgspec.Struct):
    id: str | None = None


class _Answer(msgspec.Struct):
    error: _Error | None = None
    messages: list[_Sent] = []


class WhatsAppSender:
    """Implements ``pipeline.channel.Sender``."""

    def __init__(self, settings: WhatsAppSettings, token: str, client: httpx.AsyncClient | None = None) -> None:
        self._url = f"{settings.graph_url.rstrip('/')}"
        self._client = client or httpx.AsyncClient(timeout=TIMEOUT_SECONDS)
        self._token = token

    async def send(self, message: Outgoing) -> str | None:
        """See ``pipeline.channel.Sender``."""
        if message.last_inbound_at and message.now and message.now - message.last_inbound_at > SERVICE_WINDOW:
            raise InvalidItem("whatsapp.window-closed", "only approved templates may be sent after 24 hours")
        try:
            response = await self._client.post(
                f"{self._url}/{message.account}/messages",
                headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
                content=msgspec.json.encode(_body(message)),
            )
        except httpx.HTTPError as error:
            raise TransientError(type(error).__name__) from error
        return _outcome(response)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def _body(message: Outgoing) -> dict[str, object]:
    person: dict[str, object] = (
        {"to": message.to.phone.lstrip("+")} if message.to.phone else {"recipient": message.to.id}
    )
    context = {"context": {"message_id": message.external_id}} if message.external_id else {}
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **person,
        **context,
        "type": "text",
        "text": {"preview_url": False, "body": message.text[:TEXT_LIMIT]},
        "biz_opaque_callback_data": message.id,
    }


def _outcome(response: httpx.Response) -> str | None:
    try:
        answer = msgspec.json.decode(response.content, type=_Answer)
    except msgspec.DecodeError:
        answer = _Answer()
    code = answer.error.code if answer.error else 0
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS or code in THROTTLED:
        raise Backpressure(float(response.headers.get("retry-after", THROTTLE_PAUSE_SECONDS)))
    if response.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN} or response.is_server_error:
        # An expired token must be mended by us; the citizen's answer waits for that.
        raise TransientError(f"Graph API answered {response.status_code}")
    if response.is_error:
        raise InvalidItem("whatsapp.refused", f"Graph API answered {response.status_code}, code {code}")
    return answer.messages[0].id if answer.messages else None


def make_sender(settings: WhatsAppSettings, cursors: Cursors, clock: Clock) -> WhatsAppSender | None:
    """None without an access token."""
    if settings.access_token is None:
        return None
    return WhatsAppSender(settings, settings.access_token.get_secret_value())
