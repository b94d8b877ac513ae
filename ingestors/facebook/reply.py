"""Answers of the Page: a comment in public, Messenger in private. No wording here.

Sources: Meta, "Graph API > Object > Comments", "Messenger Platform > Send API", "… > Private Replies".
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

from .settings import FacebookSettings

NAME = "facebook"
MESSAGE_LIMIT = 2000
"""Characters of a Messenger text (we count bytes, which are never fewer)."""
COMMENT_LIMIT = 8000


class FacebookSender:
    """Implements ``pipeline.channel.Sender``."""

    def __init__(self, settings: FacebookSettings, token: SecretStr, client: httpx.AsyncClient | None = None) -> None:
        self._private = settings.private_replies
        self._api = sender_graph(settings, token, client)

    async def send(self, message: Outgoing) -> str | None:
        """See ``pipeline.channel.Sender``.

        What came in private (``dm:``) is answered in private, whatever else is known: the link in such an answer lets
        its holder speak for the citizen. A post or comment is answered under it.
        """
        place = message.external_id
        if not place:
            raise InvalidItem("facebook.refused", "nothing to answer to")
        try:
            if place.startswith(DIRECT):
                return await send_direct(NAME, self._api, message.account, message, MESSAGE_LIMIT)
            done, sent = await self._in_private(message, place) if self._private or message.private else (False, None)
            if done:
                return sent
            if message.private:
                raise InvalidItem("facebook.not-in-public", "the answer holds the citizen's own link")
            if len(message.text) > COMMENT_LIMIT:
                raise InvalidItem("facebook.reply-too-long", f"a comment may have {COMMENT_LIMIT} characters")
            body = await self._api.post(f"{place}/comments", {"message": message.text})
            return ident(graph.answer(body).id)
        except Refused as error:
            raise refused(NAME, error) from error

    async def close(self) -> None:
        """Closes the connections."""
        await self._api.close()

    async def _in_private(self, message: Outgoing, place: str) -> tuple[bool, str | None]:
        """Once for each post or comment, within 7 days; whether, and the id. If not, it is answered in public."""
        waited = message.now - message.last_inbound_at if message.now and message.last_inbound_at else None
        if waited is not None and waited > HUMAN_WINDOW:
            return False, None
        kind = "post_id" if place.startswith(f"{message.account}_") and place.count("_") == 1 else "comment_id"
        try:
            sent = await send_direct(NAME, self._api, message.account, message, MESSAGE_LIMIT, {kind: place})
        except (Refused, InvalidItem):
            return False, None
        return True, sent


def make_sender(settings: FacebookSettings, cursors: Cursors, clock: Clock) -> FacebookSender | None:
    """None without an access token."""
    return FacebookSender(settings, settings.access_token) if settings.access_token else None
