"""Answers on Instagram: a reply under a comment or mention in public, a direct message in private.

Sources: Meta, "IG Comment > Replies", "IG User > Mentions", "IG Media > Comments" (limitations).
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from pydantic import SecretStr

from ingestors.page_reply import PageSender
from pipeline.channel import Cursors, Outgoing
from pipeline.clock import Clock

from .decode import MENTION, NAME
from .settings import InstagramSettings


class InstagramSender(PageSender):
    """Implements ``pipeline.channel.Sender``."""

    channel = NAME
    message_limit = 1000
    comment_limit = 300

    def __init__(self, settings: InstagramSettings, token: SecretStr, client: httpx.AsyncClient | None = None) -> None:
        super().__init__(settings, token, client)
        self._linked = settings.page_id

    def _page(self, message: Outgoing) -> str:
        return self._linked

    def _author_of(self, message: Outgoing, place: str) -> Mapping[str, str] | None:
        return {"comment_id": place} if not place.startswith(MENTION) else None

    async def _in_public(self, message: Outgoing, place: str) -> bytes:
        if not place.startswith(MENTION):
            return await self._api.post(f"{place}/replies", {"message": message.text})
        medium, _, comment = place.removeprefix(MENTION).partition(":")
        where = {"media_id": medium, **({"comment_id": comment} if comment else {})}
        return await self._api.post(f"{message.account}/mentions", {"message": message.text, **where})


def make_sender(settings: InstagramSettings, cursors: Cursors, clock: Clock) -> InstagramSender | None:
    """None without an access token."""
    return InstagramSender(settings, settings.access_token) if settings.access_token else None
