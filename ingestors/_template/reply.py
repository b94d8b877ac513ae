"""Sends one text through the vendor's API."""

from __future__ import annotations

import httpx

from pipeline.channel import Cursors, Outgoing
from pipeline.clock import Clock
from pipeline.errors import Backpressure, InvalidItem, TransientError

from .settings import NAME, TemplateSettings

PAUSE_SECONDS = 60.0


class TemplateSender:
    """Implements ``pipeline.channel.Sender``."""

    def __init__(
        self, settings: TemplateSettings, token: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._url = f"{settings.api_url}/messages"
        self._client = httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=10, transport=transport)

    async def send(self, message: Outgoing) -> str | None:
        """See ``pipeline.channel.Sender``. The id of ours lets the vendor know a repetition."""
        body = {"id": message.id, "to": message.to.id, "answers": message.external_id, "text": message.text}
        try:
            answer = await self._client.post(self._url, json=body)
        except httpx.HTTPError as error:
            raise TransientError(type(error).__name__) from error
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            asked = answer.headers.get("retry-after", "")
            raise Backpressure(float(asked) if asked.isascii() and asked.isdigit() else PAUSE_SECONDS)
        if answer.status_code in {401, 403} or answer.is_server_error:
            # A token that expired is ours to mend; the citizen's answer waits for that.
            raise TransientError(f"the vendor answered {answer.status_code}")
        if answer.is_error:
            raise InvalidItem(f"{NAME}.refused", f"the vendor answered {answer.status_code}")
        return message.id

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def make_sender(settings: TemplateSettings, cursors: Cursors, clock: Clock) -> TemplateSender | None:
    """None without a token."""
    return TemplateSender(settings, settings.api_token.get_secret_value()) if settings.api_token else None
