"""The poller for mentions: the second net under the webhook."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
import structlog
import tweepy

from ingestors.budget import BudgetSpent
from pipeline.channel import Cursors, Intake, Raw
from pipeline.clock import Clock, SystemClock

from .api import fetch, hint, reader, retry_after
from .bill import CHANNEL, reads
from .dialects import snowflake_time
from .listing import Listing
from .settings import XSettings

log = structlog.get_logger(__name__)

JSON = "application/json"
_SPENT = "mentions wait for the next month: raise TANGGAP_X_MONTHLY_READ_DOLLARS"
GAP = timedelta(minutes=15)
"""A poller that was away for longer asks for the webhook's deliveries again: the webhook was likely away too."""
REPLAYABLE = timedelta(hours=24) - timedelta(minutes=1)
"""How far back X replays (docs.x.com, ``POST /2/webhooks/replay``), less the time that a request takes."""


def looked_key(settings: XSettings) -> str:
    """The cursor of the last complete look, an ISO instant; the account's own holds the newest id."""
    return f"looked:{settings.user_id}"


class Mentions:
    """Polls the mentions of one account.

    X lists newest first, so the cursor (the newest id seen) moves only when every page down to the old cursor is on
    Kafka: whatever stops us in between, the next round reads the same pages again, and a post read twice is one ticket.
    """

    def __init__(
        self,
        settings: XSettings,
        intake: Intake,
        cursors: Cursors,
        *,
        clock: Clock | None = None,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._intake = intake
        self._cursors = cursors
        self._clock = clock or SystemClock()
        self._sleep = sleep
        self._listing = Listing(settings, reads(settings, cursors, self._clock), self._clock)
        self._failures = 0
        self._looking_back = True
        self._gap_from: datetime | None = None

    async def run(self) -> None:
        """Until it is cancelled; no error ends it."""
        while True:
            try:
                await self._after_start()
                await self.round()
            except BudgetSpent as spent:
                delay = spent.retry_after
                log.warning("x.read_budget_spent", channel=CHANNEL, seconds=delay, hint=_SPENT)
            except Exception as error:
                self._failures += 1
                delay = self._delay(error)
                log.warning(
                    "x.poll_failed", channel=CHANNEL, error=type(error).__name__, attempt=self._failures, seconds=delay,
                    hint=hint(error), exc_info=error,
                )  # fmt: skip
            else:
                self._failures = 0
                delay = self._settings.poll_seconds
            await self._sleep(delay)

    async def round(self) -> int:
        """Takes in everything since the cursor and moves it; returns the number of posts.

        Raises what the API or the intake raised; the cursor then stands where it stood.
        """
        account = self._settings.user_id
        since = await self._cursors.get(CHANNEL, account)
        began = self._clock.now()
        newest, count = since, 0
        async for page in self._listing.since(since, began - timedelta(hours=self._settings.backfill_hours)):
            if page.end.data:
                meta = {"source": page.source}
                await self._intake.accept(Raw(CHANNEL, account, page.body, JSON, self._clock.now(), meta))
            newest = max((one for one in (newest, page.end.meta.newest_id) if one), key=int, default=None)
            count += len(page.end.data or ())
        if newest is not None and newest != since:
            await self._cursors.set(CHANNEL, account, newest)
        await self._cursors.set(CHANNEL, looked_key(self._settings), began.astimezone(UTC).isoformat())
        return count

    async def _after_start(self) -> None:
        """Asks for the webhook's deliveries of a gap before the start, until X agrees or refuses; stops no round."""
        now = self._clock.now()
        if self._looking_back:
            last = await last_look(self._settings, self._cursors)
            self._gap_from = last if last is not None and now - last > GAP else None
            self._looking_back = False
        if self._gap_from is None or not self._settings.webhook_id:
            return
        try:
            await replay(self._settings, self._gap_from, now)
        except Exception as error:
            final = isinstance(error, tweepy.BadRequest | tweepy.Forbidden | tweepy.NotFound)
            log.warning(
                "x.replay_refused" if final else "x.replay_failed", channel=CHANNEL, error=type(error).__name__,
                hint="check TANGGAP_X_WEBHOOK_ID; direct messages of the gap may be missing" if final else hint(error),
            )  # fmt: skip
            if not final:
                return
        self._gap_from = None

    def _delay(self, error: Exception) -> float:
        """Seconds: what X asked for, else doubled at each failure; from 60 s on for 429 and from 5 s for all else, as
        docs.x.com asks ("Consuming streaming data", reconnecting); spread, so that not all instances come at once."""
        limited = isinstance(error, tweepy.TooManyRequests)
        spread = random.uniform(1.0, 1.25)  # noqa: S311 - jitter, not a secret
        asked = retry_after(error.response, self._clock.now()) if isinstance(error, tweepy.HTTPException) else None
        if asked is not None:
            return asked + 5 * (spread - 1)
        first, most = (60.0, 900.0) if limited else (5.0, 320.0)
        return float(min(first * 2 ** min(self._failures - 1, 10), most) * spread)


async def last_look(settings: XSettings, cursors: Cursors) -> datetime | None:
    """When the poller last was up to date; by the newest post where that is not known, None before the first look."""
    value = await cursors.get(CHANNEL, looked_key(settings))
    if value:
        return datetime.fromisoformat(value)
    newest = await cursors.get(CHANNEL, settings.user_id)
    return snowflake_time(newest) if newest else None


async def replay(settings: XSettings, since: datetime, until: datetime) -> None:
    """Asks X to deliver again what the webhook was sent between two instants; at most the last 24 hours.

    docs.x.com, "Replaying webhook events"; minutes in UTC, and neither may lie in the future. The deliveries come to
    the webhook like all others. Raises what tweepy and requests raise.
    """
    first = max(since - timedelta(minutes=1), until - REPLAYABLE).astimezone(UTC)
    job = {
        "webhook_id": settings.webhook_id,
        "from_date": f"{first:%Y%m%d%H%M}",
        "to_date": f"{until.astimezone(UTC):%Y%m%d%H%M}",
    }

    def ask(api: tweepy.Client) -> requests.Response:
        answer: requests.Response = api.request("POST", "/2/webhooks/replay", json=job)
        return answer

    await fetch(settings, reader(settings), ask)
    log.info("x.replay_asked", channel=CHANNEL, seconds=(until - first).total_seconds())


async def ingest(settings: XSettings, intake: Intake, cursors: Cursors) -> None:
    """Polls mentions until it is cancelled; without a bearer token there is nothing to do, and it says so."""
    if not settings.bearer_token.get_secret_value():
        log.info("x.polling_off", channel=CHANNEL, hint="set TANGGAP_X_BEARER_TOKEN to poll mentions")
        await asyncio.Event().wait()
    await Mentions(settings, intake, cursors).run()
