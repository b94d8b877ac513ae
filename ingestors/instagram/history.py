"""The account's own listing: comments, posts that tag it, direct messages (Meta, "IG User", "IG Media > Comments")."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta

import msgspec

from ingestors.graph import Graph, Page, Refused
from ingestors.graph_access import messages, newest_first, since_then, understood
from ingestors.items import EPOCH, Id, ident, listing
from pipeline.channel import Cursors, Raw
from pipeline.clock import Clock
from pipeline.errors import TransientError

from .decode import NAME
from .settings import InstagramSettings

WORDS = "id,text,timestamp,from,username,parent_id"
COMMENT = f"{WORDS},replies.limit(50){{{WORDS}}}"
TAGGED = "id,caption,media_type,media_url,timestamp,username"
MESSAGE = "id,created_time,from,message,story,attachments{id,mime_type,name,image_data,video_data,file_url}"
SHORT = timedelta(hours=6)
"""Looks that go further back than this read every post's comments, whether their number changed or not."""


class _Medium(msgspec.Struct):
    id: Id | None = None
    comments_count: int | None = None


class _Comment(msgspec.Struct):
    id: Id | None = None
    replies: Page | None = None


class InstagramHistory:
    """Implements ``pipeline.channel.History``."""

    every: timedelta | None = timedelta(minutes=5)
    overlap = timedelta(minutes=15)
    nightly = timedelta(hours=48)

    def __init__(self, settings: InstagramSettings, clock: Clock, api: Graph) -> None:
        self._user = settings.user_id
        self._page = settings.page_id
        self._post_age = timedelta(days=settings.history_post_days)
        self._clock = clock
        self._api = api
        self._counts: dict[str, int] = {}

    async def pages(self, since: datetime) -> AsyncIterator[Raw]:
        """See ``pipeline.channel.History``."""
        counts: dict[str, int] = {}
        try:
            for medium in await self._commented(since, counts):
                async for found in self._comments(medium, since):
                    yield self._raw("comments", found, medium)
            async for found in newest_first(
                self._api, f"{self._user}/tags", since, by_cursor=True, fields=TAGGED, limit="50"
            ):
                yield self._raw("tags", found)
            async for found in messages(self._api, self._page, "instagram", MESSAGE, since):
                yield self._raw("messages", found)
        except Refused as error:
            raise TransientError(str(error)) from error
        # Only now is everything taken over: a look that broke off must find the same posts again.
        self._counts = counts

    async def close(self) -> None:
        """Closes the connections."""
        await self._api.close()

    async def _commented(self, since: datetime, counts: dict[str, int]) -> list[str]:
        """Our newer posts whose number of comments, which counts replies too, differs from the last complete look's."""
        short = self._clock.now() - since <= SHORT
        found = []
        async for page in newest_first(
            self._api, f"{self._user}/media", since - self._post_age, fields="id,timestamp,comments_count", limit="100"
        ):
            for medium in (understood(one, _Medium) for one in page):
                name = ident(medium.id)
                if name is None:
                    continue
                if not short or medium.comments_count is None or self._counts.get(name) != medium.comments_count:
                    found.append(name)
                counts[name] = medium.comments_count or 0
        return found

    async def _comments(self, medium: str, since: datetime) -> AsyncIterator[list[msgspec.Raw]]:
        """A new reply may stand under an old comment: all comments are read, and what is new is kept."""
        async for page in newest_first(
            self._api, f"{medium}/comments", EPOCH, may_be_gone=True, fields=COMMENT, limit="50"
        ):
            kept: list[msgspec.Raw] = []
            for one in page:
                new = since_then([one], since)
                kept += new
                comment = understood(one, _Comment)
                inside = comment.replies or Page([])
                if inside.paging is not None and inside.paging.next is not None:
                    kept += await self._replies(ident(comment.id), since)
                elif not new:
                    kept += since_then(inside.data, since)
            if kept:
                yield kept

    async def _replies(self, comment: str | None, since: datetime) -> list[msgspec.Raw]:
        """Of a comment that has more replies than came with it. Those that did come twice, under the same key."""
        if comment is None:
            raise TransientError("Graph API listed a comment without its id")
        found: list[msgspec.Raw] = []
        async for page in newest_first(
            self._api, f"{comment}/replies", EPOCH, may_be_gone=True, fields=WORDS, limit="50"
        ):
            found += since_then(page, since)
        return found

    def _raw(self, kind: str, found: Iterable[msgspec.Raw], thread: str | None = None) -> Raw:
        return Raw(
            channel=NAME,
            account=self._user,
            body=listing(kind, self._user, found, thread),
            content_type="application/json",
            received_at=self._clock.now(),
            meta={"source": "history"},
        )


def make_history(settings: InstagramSettings, cursors: Cursors, clock: Clock) -> InstagramHistory | None:
    """None without an access token."""
    if settings.access_token is None:
        return None
    return InstagramHistory(settings, clock, Graph(settings.graph_url, settings.access_token))
