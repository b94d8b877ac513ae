"""X's listing of our mentions, for the nightly comparison; the poller is the short look."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import requests
import tweepy

from pipeline.channel import Cursors, Raw
from pipeline.clock import Clock

from .api import as_transient
from .bill import CHANNEL, MONTH, reads
from .listing import Listing
from .settings import XSettings


class _Memory:
    """Implements ``pipeline.channel.Cursors`` for as long as the process lives."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], str] = {}

    async def get(self, channel: str, account: str) -> str | None:
        """See ``Cursors``."""
        return self._values.get((channel, account))

    async def set(self, channel: str, account: str, value: str) -> None:
        """See ``Cursors``."""
        self._values[channel, account] = value


class XHistory:
    """Mentions, and what recent search holds below them, as pages that decode to the keys of the webhook's posts."""

    every: timedelta | None = None
    overlap = timedelta(minutes=10)
    nightly = timedelta(hours=48)

    def __init__(self, settings: XSettings, clock: Clock, cursors: Cursors | None = None) -> None:
        """Without ``cursors`` the month's account cannot be seen: this process then reads no more than a day's share
        of the cap in a month, apart from the poller's."""
        self._settings = settings
        self._clock = clock
        budget = reads(settings, cursors or _Memory(), clock)
        if cursors is None:
            budget.limit //= MONTH
        self._listing = Listing(settings, budget, clock)

    async def pages(self, since: datetime) -> AsyncIterator[Raw]:
        """See ``pipeline.channel.History``; raises ``BudgetSpent`` too."""
        try:
            async for page in self._listing.since(None, since):
                if page.end.data:
                    meta = {"source": page.source}
                    now = self._clock.now()
                    yield Raw(CHANNEL, self._settings.user_id, page.body, "application/json", now, meta)
        except (tweepy.TweepyException, requests.RequestException, TimeoutError, ValueError) as error:
            raise as_transient(error, self._clock.now()) from error

    async def close(self) -> None:
        """Nothing is kept between two looks."""


def history(settings: XSettings, clock: Clock, cursors: Cursors | None = None) -> XHistory | None:
    """None without a bearer token."""
    return XHistory(settings, clock, cursors) if settings.bearer_token.get_secret_value() else None
