"""Sends one message through the Cloud API (Meta, "Cloud API > Messages"). No wording here."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import msgspec

from pipeline.channel import Cursors, Outgoing
from pipeline.clock import Clock
from pipeline.errors import Backpressure, InvalidItem

from .graph import LONGEST_PAUSE_SECONDS, Graph, Named, PairLimited, Refused
from .settings import WhatsAppSettings

SERVICE_WINDOW = timedelta(hours=24)
"""Free-form messages are allowed for 24 hours after the person's last message (error 131047 afterwards)."""
WINDOW_CLOSED = 131047
TEXT_LIMIT = 4096
PAIR_SECONDS = 6.0
PAIR_BURST = 45
"""One message in 6 seconds to a person; up to 45 at once, borrowed from the time after (Meta, "Pair rate limits")."""
PEOPLE_REMEMBERED = 10_000


class _Answer(msgspec.Struct):
    messages: list[Named] = []


class Bucket:
    """Leaky bucket: ``burst`` at once, then one in ``seconds``. Times are seconds of any steady clock."""

    def __init__(self, seconds: float, burst: int) -> None:
        self._seconds = seconds
        self._slack = seconds * (burst - 1)
        self._free_at = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until one more is allowed."""
        return max(0.0, self._free_at - self._slack - now)

    def take(self, now: float) -> None:
        """Counts one more, also one that will first wait."""
        self._free_at = max(self._free_at, now) + self._seconds


class WhatsAppSender:
    """Implements ``pipeline.channel.Sender``."""

    def __init__(
        self,
        settings: WhatsAppSettings,
        clock: Clock,
        client: httpx.AsyncClient | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._graph = Graph(settings.graph_url, settings.access_token, client)
        self._clock = clock
        self._pause = pause
        rate = settings.messages_per_second
        self._throughput = Bucket(1 / rate, max(1, int(rate)))
        self._pairs: OrderedDict[str, Bucket] = OrderedDict()
        self._strikes: OrderedDict[str, int] = OrderedDict()

    async def send(self, message: Outgoing) -> str | None:
        """The wamid. Inside the window a text, after it the approved template where one is set.

        Raises as ``pipeline.channel.Sender`` says. A window that Meta counts as closed though ours is open (its clock
        decides) gets the template at once.
        """
        closed = bool(
            message.last_inbound_at and message.now and message.now - message.last_inbound_at > SERVICE_WINDOW
        )
        if not closed and len(message.text) > TEXT_LIMIT:
            raise InvalidItem("whatsapp.reply-too-long", f"a text may have {TEXT_LIMIT} characters")
        body = self._template(message) if closed else _text(message)
        await self._room(message.to.id)
        try:
            return await self._post(message, body)
        except Refused as error:
            if error.code != WINDOW_CLOSED or closed:
                raise _refused(error) from error
        try:
            return await self._post(message, self._template(message))
        except Refused as error:
            raise _refused(error) from error

    async def close(self) -> None:
        """Closes the connections."""
        await self._graph.close()

    async def _post(self, message: Outgoing, body: dict[str, Any]) -> str | None:
        person = message.to.id
        try:
            found = await self._graph.post(f"{message.account}/messages", body)
        except PairLimited:
            strikes = self._strikes.pop(person, 0)
            _remember(self._strikes, person, strikes + 1)
            raise Backpressure(min(4.0 ** min(strikes, 6), LONGEST_PAUSE_SECONDS)) from None
        self._strikes.pop(person, None)
        return _wamid(found)

    async def _room(self, person: str) -> None:
        """Keeps to Meta's limits. Raises ``Backpressure`` where one person would get too many."""
        bucket = self._pairs.pop(person, None) or Bucket(PAIR_SECONDS, PAIR_BURST)
        _remember(self._pairs, person, bucket)
        now = self._clock.now().timestamp()
        if wait := bucket.wait(now):
            raise Backpressure(wait)
        bucket.take(now)
        wait = self._throughput.wait(now)
        self._throughput.take(now)
        if wait:
            await self._pause(wait)

    def _template(self, message: Outgoing) -> dict[str, Any]:
        """Body with the number and the tracking link as its parameters (Meta, "Cloud API > Template messages")."""
        name = self._settings.template_name
        if not name:
            raise InvalidItem("whatsapp.window-closed", "only approved templates may be sent after 24 hours")
        parameters = [{"type": "text", "text": one} for one in (message.number, message.link)]
        template = {
            "name": name.replace("{kalimat}", message.template),
            "language": {"code": self._settings.template_language},
            "components": [{"type": "body", "parameters": parameters}],
        }
        return _envelope(message) | {"type": "template", "template": template}


def _remember(memory: OrderedDict[str, Any], person: str, value: Any) -> None:
    """As the newest; the oldest is forgotten, so that memory stays bounded."""
    memory[person] = value
    if len(memory) > PEOPLE_REMEMBERED:
        memory.popitem(last=False)


def _envelope(message: Outgoing) -> dict[str, Any]:
    """Whoever hides the number is reached by user id (``recipient``, since May 2026). Always the person alone: the
    answer to a message in a group holds a link that is only theirs.
    """
    to = {"to": message.to.phone.lstrip("+")} if message.to.phone else {"recipient": message.to.id}
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **to,
        "biz_opaque_callback_data": message.id,
    }


def _text(message: Outgoing) -> dict[str, Any]:
    body = _envelope(message) | {"type": "text", "text": {"preview_url": False, "body": message.text}}
    # A message of a group cannot be quoted outside it.
    if message.external_id and not message.thread:
        body["context"] = {"message_id": message.external_id}
    return body


def _wamid(body: bytes) -> str | None:
    """None where Meta took it and did not say: sending it again would send it twice."""
    try:
        messages = msgspec.json.decode(body, type=_Answer).messages
    except (msgspec.DecodeError, RecursionError):
        return None
    return str(messages[0].id) if messages and messages[0].id is not None else None


def _refused(error: Refused) -> InvalidItem:
    closed = error.code == WINDOW_CLOSED
    return InvalidItem("whatsapp.window-closed" if closed else "whatsapp.refused", str(error))


def make_sender(settings: WhatsAppSettings, cursors: Cursors, clock: Clock) -> WhatsAppSender | None:
    """None without an access token."""
    return WhatsAppSender(settings, clock) if settings.access_token is not None else None
