"""The Page's own listing: posts, posts that name it, comments, Messenger (Meta, "Graph API > Page")."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta

import msgspec

from ingestors.graph import Graph, Refused
from ingestors.graph_access import dated, messages, newest_first, since_then
from ingestors.items import ident, instant, listing
from pipeline.channel import Cursors, Raw
from pipeline.clock import Clock
from pipeline.errors import TransientError

from .decode import NAME
from .settings import FacebookSettings

SHOWN = "attachments{media_type,media,subattachments{media_type,media}}"
POST = f"id,message,created_time,from,{SHOWN}"
COMMENT = "id,message,created_time,from,parent{id},attachment{type,media}"
MESSAGE = "id,created_time,from,message,sticker,attachments{id,mime_type,name,image_data,video_data,file_url}"


class FacebookHistory:
    """Implements ``pipeline.channel.History``."""

    every: timedelta | None = timedelta(minutes=5)
    overlap = timedelta(minutes=15)
    nightly = timedelta(hours=48)

    def __init__(self, settings: FacebookSettings, clock: Clock, api: Graph) -> None:
        self._page = settings.page_id
        self._post_age = timedelta(days=settings.history_post_days)
        self._clock = clock
        self._api = api

    async def pages(self, since: datetime) -> AsyncIterator[Raw]:
        """See ``pipeline.channel.History``. Posts first: a comment then finds the ticket of what it answers."""
        try:
            async for page in self._api.pages(f"{self._page}/feed", since=_unix(since), fields=POST, limit="100"):
                if found := since_then(page.data, since):
                    yield self._raw("posts", found)
            async for found in newest_first(
                self._api, f"{self._page}/tagged", since, since=_unix(since), fields=POST, limit="100"
            ):
                yield self._raw("posts", found)
            for post in await self._moved(since):
                async for found in newest_first(
                    self._api, f"{post}/comments", since, may_be_gone=True, filter="stream",
                    order="reverse_chronological", since=_unix(since), fields=COMMENT, limit="100",
                ):  # fmt: skip
                    yield self._raw("comments", found, post)
            async for found in messages(self._api, self._page, "messenger", MESSAGE, since):
                yield self._raw("messages", found)
        except Refused as error:
            raise TransientError(str(error)) from error

    async def close(self) -> None:
        """Closes the connections."""
        await self._api.close()

    async def _moved(self, since: datetime) -> list[str]:
        """Posts, up to the age of the settings, that were written or commented on since then (``updated_time``)."""
        moved = []
        far = self._clock.now()
        async for page in self._api.pages(
            f"{self._page}/feed", since=_unix(since - self._post_age), fields="id,updated_time", limit="100"
        ):
            for one in map(dated, page.data):
                if (name := ident(one.id)) and instant(one.updated_time, far) >= since:
                    moved.append(name)
        return moved

    def _raw(self, kind: str, found: Iterable[msgspec.Raw], thread: str | None = None) -> Raw:
        return Raw(
            channel=NAME,
            account=self._page,
            body=listing(kind, self._page, found, thread),
            content_type="application/json",
            received_at=self._clock.now(),
            meta={"source": "history"},
        )


def _unix(at: datetime) -> str:
    return str(int(at.timestamp()))


def make_history(settings: FacebookSettings, cursors: Cursors, clock: Clock) -> FacebookHistory | None:
    """None without an access token."""
    if settings.access_token is None:
        return None
    return FacebookHistory(settings, clock, Graph(settings.graph_url, settings.access_token))
