"""X's own listing of posts that mention the account, newest first: the mentions endpoint, below it recent search."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import requests
import structlog
import tweepy

from ingestors.budget import Budget
from ingestors.surrogates import whole_surrogates
from pipeline.clock import Clock
from pipeline.errors import TransientError

from . import payload as x
from .api import fetch, reader
from .bill import CHANNEL, FEWEST, price_of_read
from .dialects import read, snowflake_time
from .settings import XSettings

log = structlog.get_logger(__name__)

PAGE = 100
"""Most posts a page may hold, in both listings (docs.x.com, ``x-api/openapi.json`` 2.167)."""
NEARLY_FULL = 600
"""Posts; the mentions endpoint goes back 800 in all, and those that were deleted or withheld count among them without
being shown. A search that finds nothing below costs nothing."""
SEARCHABLE = timedelta(days=7) - timedelta(minutes=5)
"""How far back recent search goes, less the time that a request takes."""
_FIELDS: dict[str, list[str]] = {
    "tweet_fields": [
        "attachments", "author_id", "conversation_id", "created_at", "edit_history_tweet_ids", "entities", "geo",
        "note_tweet", "referenced_tweets",
    ],
    "expansions": ["author_id", "attachments.media_keys", "geo.place_id"],
    "media_fields": ["type", "url", "preview_image_url", "variants"],
    "place_fields": ["full_name"],
    "user_fields": ["name", "username"],
}  # fmt: skip

Params = Mapping[str, Any]
Call = Callable[[tweepy.Client, Params], requests.Response]


@dataclass(frozen=True)
class Page:
    """One answer as it came; ``source`` names the listing."""

    body: bytes
    end: x.PageEnd
    source: str


@dataclass(frozen=True)
class _Source:
    name: str
    call: Call
    token: str
    """Name of the parameter that asks for a further page."""
    smallest: int
    """Fewest posts that may be asked for."""


class Listing:
    """Reads within the month's budget: a page is paid before it is asked for, and what it did not hold is given back.

    What X may have billed for an answer that never came is not counted: it bills a post once in a day (docs.x.com,
    "Pricing", de-duplication), and the same page is asked for again.
    """

    def __init__(self, settings: XSettings, budget: Budget, clock: Clock) -> None:
        self._settings = settings
        self._budget = budget
        self._clock = clock
        user, query = settings.user_id, f"@{settings.account} -is:retweet"
        self._mentions = _Source(
            "mentions", lambda api, params: api.get_users_mentions(user, **params), "pagination_token", FEWEST
        )
        self._search = _Source(
            "search", lambda api, params: api.search_recent_tweets(query, **params), "next_token", 10
        )

    async def since(self, last: str | None, start: datetime) -> AsyncIterator[Page]:
        """Every post after the id ``last``, or from ``start`` on without one, as far back as X goes.

        Raises ``BudgetSpent``, other ``TransientError``, and what tweepy and requests raise; ask again from the same
        place.
        """
        count, oldest = 0, None
        async for page in self._pages(self._mentions, {"since_id": last} if last else {"start_time": start}):
            count += len(page.end.data or ())
            oldest = page.end.meta.oldest_id or oldest
            yield page
        if count < NEARLY_FULL or oldest is None:
            return
        log.warning("x.window_full", channel=CHANNEL, count=count, hint="reading on with recent search")
        async for page in self._pages(self._search, {**self._floor(last, start), "until_id": oldest}):
            yield page

    def _floor(self, last: str | None, start: datetime) -> Params:
        wanted = snowflake_time(last) if last else start
        first = self._clock.now() - SEARCHABLE
        if wanted < first:
            log.error("x.gap_too_long", channel=CHANNEL, hint="mentions older than 7 days are missing: X lists no more")
            return {"start_time": first}
        return {"since_id": last} if last else {"start_time": start}

    async def _pages(self, source: _Source, window: Params) -> AsyncIterator[Page]:
        token: str | None = None
        given: set[str] = set()
        while True:
            page = await self._page(source, {**_FIELDS, **window, **({source.token: token} if token else {})})
            yield page
            token = page.end.meta.next_token
            if not token:
                return
            if token in given:
                raise TransientError("X named a page that it gave before; the cursor stays")
            given.add(token)

    async def _page(self, source: _Source, params: Params) -> Page:
        price = price_of_read(self._settings)
        grant = await self._budget.take(PAGE * price, source.smallest * price)
        if grant is None:
            raise self._budget.spent()
        params = {**params, "max_results": grant.units // price}
        try:
            body = await fetch(self._settings, reader(self._settings), lambda api: source.call(api, params))
            end = _end_of(body)
        except (Exception, asyncio.CancelledError):
            await self._budget.give_back(grant, grant.units)
            raise
        await self._budget.give_back(grant, grant.units - len(end.data or ()) * price)
        return Page(body, end, source.name)


def _end_of(body: bytes) -> x.PageEnd:
    end = read(body, x.PageEnd) or read(whole_surrogates(body), x.PageEnd)
    if end is None:
        raise TransientError("X answered 200 with something that is not a page of posts")
    return end
