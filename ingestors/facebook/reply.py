"""Answers of the Page: a comment in public, Messenger in private (Meta, "Graph API > Object > Comments")."""

from __future__ import annotations

from collections.abc import Mapping

from ingestors.page_reply import PageSender
from pipeline.channel import Cursors, Outgoing
from pipeline.clock import Clock

from .decode import NAME
from .settings import FacebookSettings


class FacebookSender(PageSender):
    """Implements ``pipeline.channel.Sender``. Messenger counts 2,000 characters; bytes are never fewer."""

    channel = NAME
    message_limit = 2000
    comment_limit = 8000

    def _page(self, message: Outgoing) -> str:
        return message.account

    def _author_of(self, message: Outgoing, place: str) -> Mapping[str, str]:
        post = place.startswith(f"{message.account}_") and place.count("_") == 1
        return {"post_id" if post else "comment_id": place}

    async def _in_public(self, message: Outgoing, place: str) -> bytes:
        return await self._api.post(f"{place}/comments", {"message": message.text})


def make_sender(settings: FacebookSettings, cursors: Cursors, clock: Clock) -> FacebookSender | None:
    """None without an access token."""
    return FacebookSender(settings, settings.access_token) if settings.access_token else None
