"""Answers of the channels of a Page: under a post or comment in public, by the Send API in private. No wording here.

Sources: Meta, "Messenger Platform > Send API", "… > Private Replies", "Instagram Messaging > Send API".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Protocol

import httpx
from pydantic import SecretStr

from pipeline.channel import Outgoing
from pipeline.errors import InvalidItem

from .graph import OUTSIDE_WINDOW, Graph, Refused, answer
from .graph_access import PageSettings
from .items import UNKNOWN, ident
from .messaging import DIRECT

STANDARD_WINDOW = timedelta(hours=24)
"""Meta, "Messenger Platform > Policy": messages of any kind for 24 hours after the person's last one …"""
HUMAN_WINDOW = timedelta(days=7)
"""… and for 7 days with the tag HUMAN_AGENT; private replies to a comment for 7 days too, one a comment."""


class ReplySettings(PageSettings, Protocol):
    """What a :class:`PageSender` reads of a channel's settings."""

    @property
    def private_replies(self) -> bool: ...


class PageSender(ABC):
    """Implements ``pipeline.channel.Sender``."""

    channel: ClassVar[str]
    message_limit: ClassVar[int]
    """Bytes of a direct message."""
    comment_limit: ClassVar[int]
    """Characters of an answer in public."""

    def __init__(self, settings: ReplySettings, token: SecretStr, client: httpx.AsyncClient | None = None) -> None:
        self._private = settings.private_replies
        # A sender's queue waits better than the client does.
        self._api = Graph(settings.graph_url, token, client, sleep=None)

    async def send(self, message: Outgoing) -> str | None:
        """See ``pipeline.channel.Sender``.

        What came in private (``dm:``) is answered in private, whatever else is known: the link in such an answer lets
        its holder speak for the citizen. Anything else is answered under it.
        """
        place = message.external_id
        if not place:
            raise self._invalid("refused", "nothing to answer to")
        try:
            if place.startswith(DIRECT):
                return await self._direct(message)
            done, sent = await self._in_private(message, place) if self._private or message.private else (False, None)
            if done:
                return sent
            if message.private:
                raise self._invalid("not-in-public", "the answer holds the citizen's own link")
            if len(message.text) > self.comment_limit:
                raise self._invalid("reply-too-long", f"a comment may have {self.comment_limit} characters")
            return ident(answer(await self._in_public(message, place)).id)
        except Refused as error:
            closed = error.subcode == OUTSIDE_WINDOW
            raise self._invalid("window-closed" if closed else "refused", str(error)) from error

    async def close(self) -> None:
        """Closes the connections."""
        await self._api.close()

    @abstractmethod
    def _page(self, message: Outgoing) -> str:
        """Id of the Page that the Send API writes for."""

    @abstractmethod
    def _author_of(self, message: Outgoing, place: str) -> Mapping[str, str] | None:
        """The recipient of a private reply; None where Meta allows none."""

    @abstractmethod
    async def _in_public(self, message: Outgoing, place: str) -> bytes:
        """What Meta says of an answer under ``place``."""

    async def _in_private(self, message: Outgoing, place: str) -> tuple[bool, str | None]:
        """Once for each post or comment, within 7 days; whether, and the id. If not, it is answered in public."""
        recipient = self._author_of(message, place)
        if recipient is None or _waited(message) > HUMAN_WINDOW:
            return False, None
        try:
            return True, await self._direct(message, recipient)
        except (Refused, InvalidItem):
            return False, None

    async def _direct(self, message: Outgoing, recipient: Mapping[str, str] | None = None) -> str | None:
        """One direct message; the id as the webhook and the listing name it. ``recipient``: of a private reply."""
        waited = _waited(message)
        if waited > HUMAN_WINDOW:
            raise self._invalid("window-closed", "Meta takes no message after 7 days")
        if len(message.text.encode()) > self.message_limit:
            raise self._invalid("reply-too-long", f"a message may have {self.message_limit} bytes")
        if recipient is None and message.to.id.startswith(UNKNOWN):
            raise self._invalid("no-recipient", "the message came without its author")
        body: dict[str, Any] = {
            "recipient": recipient or {"id": message.to.id.removeprefix(DIRECT)},
            "messaging_type": "RESPONSE",
            "message": {"text": message.text},
        }
        if recipient is None and waited > STANDARD_WINDOW:
            body |= {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
        sent = ident(answer(await self._api.post(f"{self._page(message)}/messages", body)).message_id)
        return DIRECT + sent if sent else None

    def _invalid(self, code: str, detail: str) -> InvalidItem:
        return InvalidItem(f"{self.channel}.{code}", detail)


def _waited(message: Outgoing) -> timedelta:
    """Since the person's last message; nothing where it is not known."""
    return message.now - message.last_inbound_at if message.now and message.last_inbound_at else timedelta()
