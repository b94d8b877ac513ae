"""X's entrances: the signed webhook, and the poller for mentions. No mapping: bytes are handed over as they came."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import msgspec
import requests
import structlog
import tweepy

from ingestors.surrogates import whole_surrogates
from pipeline.channel import Cursors, HookAnswer, HookRequest, Intake, Raw
from pipeline.clock import Clock, SystemClock
from pipeline.errors import Rejected, TransientError

from . import payload as x
from .api import client, retry_after
from .decode import CHANNEL
from .dialects import read
from .settings import XSettings

log = structlog.get_logger(__name__)

SIGNATURE = "x-twitter-webhooks-signature"
JSON = "application/json"
_CRC_TOKEN = re.compile(r"[A-Za-z0-9+/=_.~-]{1,512}")
_JSON_TYPE = re.compile(r'application/json\s*(?:;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)

PAGE = 100
"""Most posts a page may hold; the endpoint goes back 800 posts in all (docs.x.com, ``GET /2/users/{id}/mentions``)."""
WINDOW = 800
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


class XWebhook:
    """Deliveries of the X Activity API and the Account Activity API (docs.x.com, ``x-api/webhooks/introduction``)."""

    def __init__(self, settings: XSettings) -> None:
        self._account = settings.user_id
        previous = settings.consumer_secret_previous
        self._secrets = [settings.consumer_secret.get_secret_value().encode()]
        if previous is not None:
            self._secrets.append(previous.get_secret_value().encode())

    def challenge(self, query: Mapping[str, str]) -> HookAnswer:
        """Proves to X that we hold the app's secret. Raises ``Rejected`` 400 ``webhook.wrong-challenge``.

        The answer is a signature with the very key of the deliveries, over a text that anybody may choose. Only tokens
        of letters, digits and a few signs are answered: no JSON object can be written with them, so nobody gets one
        signed.
        """
        token = query.get("crc_token", "")
        if not _CRC_TOKEN.fullmatch(token):
            raise Rejected(
                400,
                "webhook.wrong-challenge",
                "crc_token is missing or has characters that X does not use: send X's own token",
            )
        answer = {"response_token": _sign(self._secrets[0], token.encode())}
        return HookAnswer(msgspec.json.encode(answer), JSON)

    def take(self, request: HookRequest) -> tuple[list[Raw], HookAnswer]:
        """One delivery. Raises ``Rejected``: 401 signature, 415 content type, 400 not JSON or not what X sends."""
        given = request.headers.get(SIGNATURE, "").encode("utf-8", "replace")
        # Every secret is tried, so that the time taken does not tell which one is in use.
        matches = [hmac.compare_digest(_sign(secret, request.body).encode(), given) for secret in self._secrets]
        if not any(matches):
            raise Rejected(
                401, "webhook.wrong-signature", f"sign the raw body with the app's consumer secret in {SIGNATURE}"
            )
        if not _JSON_TYPE.fullmatch(request.headers.get("content-type", "").strip()):
            raise Rejected(415, "webhook.wrong-content-type", "send application/json in UTF-8")
        _check_envelope(request.body)
        raw = Raw(CHANNEL, self._account, request.body, JSON, request.received_at, {"source": "webhook"})
        return [raw], HookAnswer()


def _sign(secret: bytes, data: bytes) -> str:
    return "sha256=" + base64.b64encode(hmac.new(secret, data, hashlib.sha256).digest()).decode()


def _check_envelope(body: bytes) -> None:
    fields = read(body, dict[str, msgspec.Raw])
    if fields is None:
        fields = read(whole_surrogates(body), dict[str, msgspec.Raw])
    if fields is None:
        raise Rejected(400, "webhook.not-json", "the body must be one JSON object")
    lists = (read(value, list[msgspec.Raw]) for name, value in fields.items() if name.endswith("_events"))
    known = "user_event" in fields or any(one is not None for one in lists)
    if not known and read(fields.get("data"), x.Activity) is None:
        raise Rejected(
            400, "webhook.wrong-shape", "expected data.event_type and data.payload, or a list named …_events"
        )


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
        self._failures = 0

    async def run(self) -> None:
        """Until it is cancelled; no error ends it."""
        while True:
            try:
                await self.round()
            except Exception as error:
                self._failures += 1
                delay = self._delay(error)
                log.warning(
                    "x.poll_failed", channel=CHANNEL, error=type(error).__name__, attempt=self._failures, seconds=delay,
                    hint=_hint(error), exc_info=error,
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
        first = self._clock.now() - timedelta(hours=self._settings.backfill_hours)
        newest, count = since, 0
        async for page in self._pages({"since_id": since} if since else {"start_time": first}):
            newest = max((one for one in (newest, page.meta.newest_id) if one), key=int, default=None)
            count += len(page.data or ())
        if newest is not None and newest != since:
            await self._cursors.set(CHANNEL, account, newest)
        if count >= WINDOW:
            log.error(
                "x.window_full", channel=CHANNEL, count=count, hint="older mentions may be missing: replay the webhook"
            )
        return count

    async def _pages(self, window: Mapping[str, Any]) -> AsyncIterator[x.PageEnd]:
        """The pages of one round, each on Kafka before it is yielded."""
        token: str | None = None
        given: set[str] = set()
        while True:
            params = {**_FIELDS, **window, "max_results": PAGE, **({"pagination_token": token} if token else {})}
            work = asyncio.to_thread(self._fetch, params)
            body = await asyncio.wait_for(work, timeout=2 * self._settings.timeout_seconds)
            page = _end_of(body)
            if page.data:
                meta = {"source": "mentions"}
                await self._intake.accept(Raw(CHANNEL, self._settings.user_id, body, JSON, self._clock.now(), meta))
            yield page
            token = page.meta.next_token
            if not token:
                return
            if token in given:
                raise TransientError("X named a page that it gave before; the cursor stays")
            given.add(token)

    def _fetch(self, params: Mapping[str, Any]) -> bytes:
        """One page, as it came. A client a page: a thread that outlived its time-out may still hold the last one."""
        api = client(self._settings, bearer_token=self._settings.bearer_token.get_secret_value())
        with api.session:
            response: requests.Response = api.get_users_mentions(self._settings.user_id, **params)
            return response.content

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


def _end_of(body: bytes) -> x.PageEnd:
    end = read(body, x.PageEnd) or read(whole_surrogates(body), x.PageEnd)
    if end is None:
        raise TransientError("X answered 200 with something that is not a page of posts")
    return end


def _hint(error: Exception) -> str:
    if isinstance(error, tweepy.Unauthorized | tweepy.Forbidden):
        return "check TANGGAP_X_BEARER_TOKEN and the app's access level"
    if isinstance(error, tweepy.TooManyRequests):
        return "raise TANGGAP_X_POLL_SECONDS if this stays"
    return "nothing is lost: the cursor stays until the pages are in"


async def ingest(settings: XSettings, intake: Intake, cursors: Cursors) -> None:
    """Polls mentions until it is cancelled; without a bearer token there is nothing to do, and it says so."""
    if not settings.bearer_token.get_secret_value():
        log.info("x.polling_off", channel=CHANNEL, hint="set TANGGAP_X_BEARER_TOKEN to poll mentions")
        await asyncio.Event().wait()
    await Mentions(settings, intake, cursors).run()
