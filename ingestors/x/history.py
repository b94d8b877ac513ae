"""X's listing of our mentions, for the nightly comparison; the poller is the short look."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import requests
import tweepy

from pipeline.channel import Cursors, Raw
from pipeline.clock import Clock

from .api import as_transient
from .bill import CHANNEL, reads
from .listing import Listing
from .settings import XSettings


class XHistory:
    """Mentions, and what recent search holds below them, as pages that decode to the keys of the webhook's posts."""

    every: timedelta | None = None
    overlap = timedelta(minutes=10)
    nightly = timedelta(hours=48)

    def __init__(self, settings: XSettings, cursors: Cursors, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._listing = Listing(settings, reads(settings, cursors, clock), clock)

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


def history(settings: XSettings, cursors: Cursors, clock: Clock) -> XHistory | None:
    """None without a bearer token."""
    return XHistory(settings, cursors, clock) if settings.bearer_token.get_secret_value() else None
