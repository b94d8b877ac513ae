"""Answers on Instagram: a reply under a comment or mention in public, a direct message in private. No wording here.

Sources: Meta, "IG Comment > Replies", "IG User > Mentions", "Instagram Messaging > Send API", "… > Private Replies".
"""

from __future__ import annotations

import httpx
from pydantic import SecretStr

from ingestors import graph
from ingestors.graph import Refused
from ingestors.graph_access import HUMAN_WINDOW, refused, send_direct, sender_graph
from ingestors.items import ident
from ingestors.messaging import DIRECT
from pipeline.channel import Cursors, Outgoing
from pipeline.clock import Clock
from pipeline.errors import InvalidItem

from .decode import MENTION, NAME
from .settings import InstagramSettings

MESSAGE_LIMIT = 1000
"""Bytes of a direct message."""
COMMENT_LIMIT = 300
"""Characters of a comment by the API ("IG Media > Comments", limitations)."""


class InstagramSender:
    """Implements ``pipeline.channel.Sender``."""

    def __init__(self, settings: InstagramSettings, token: SecretStr, client: httpx.AsyncClient | None = None) -> None:
        self._page = settings.page_id
        self._private = settings.private_replies
        self._api = sender_graph(settings, token, client)

    async def send(self, message: Outgoing) -> str | None:
        """See ``pipeline.channel.Sender``.

        What came in private (``dm:``) is answered in private, whatever else is known: the link in such an answer lets
        its holder speak for the citizen. A comment or mention is answered under it.
        """
        place = message.external_id
        if not place:
            raise InvalidItem("instagram.refused", "nothing to answer to")
        try:
            if place.startswith(DIRECT):
                return await send_direct(NAME, self._api, self._page, message, MESSAGE_LIMIT)
            private = (self._private or message.private) and not place.startswith(MENTION)
            done, sent = await self._in_private(message, place) if private else (False, None)
            if done:
                return sent
            if message.private:
                raise InvalidItem("instagram.not-in-public", "the answer holds the citizen's own link")
            if len(message.text) > COMMENT_LIMIT:
                raise InvalidItem("instagram.reply-too-long", f"a comment may have {COMMENT_LIMIT} characters")
            return ident(graph.answer(await self._in_public(message, place)).id)
        except Refused as error:
            raise refused(NAME, error) from error

    async def close(self) -> None:
        """Closes the connections."""
        await self._api.close()

    async def _in_public(self, message: Outgoing, place: str) -> bytes:
        if not place.startswith(MENTION):
            return await self._api.post(f"{place}/replies", {"message": message.text})
        medium, _, comment = place.removeprefix(MENTION).partition(":")
        where = {"media_id": medium, **({"comment_id": comment} if comment else {})}
        return await self._api.post(f"{message.account}/mentions", {"message": message.text, **where})

    async def _in_private(self, message: Outgoing, place: str) -> tuple[bool, str | None]:
        """Once for each comment, within 7 days; whether, and the id. If not, it is answered in public."""
        waited = message.now - message.last_inbound_at if message.now and message.last_inbound_at else None
        if waited is not None and waited > HUMAN_WINDOW:
            return False, None
        try:
            sent = await send_direct(NAME, self._api, self._page, message, MESSAGE_LIMIT, {"comment_id": place})
        except (Refused, InvalidItem):
            return False, None
        return True, sent


def make_sender(settings: InstagramSettings, cursors: Cursors, clock: Clock) -> InstagramSender | None:
    """None without an access token."""
    return InstagramSender(settings, settings.access_token) if settings.access_token else None
