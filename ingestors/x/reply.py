"""Answers on X: in public under the citizen's post, in private to a direct message. No wording here."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Callable

import msgspec
import requests
import tweepy

from pipeline.channel import Cursors, Outgoing
from pipeline.clock import Clock, SystemClock
from pipeline.errors import Backpressure, InvalidItem, TransientError

from .api import client, retry_after
from .settings import XSettings

POST_LIMIT = 280
"""Weighted characters (docs.x.com, "Counting characters", twitter-text configuration 3)."""
MESSAGE_LIMIT = 10_000
LINK_WEIGHT = 23
_LINK = re.compile(r"https?://\S+")
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
"""Code points that weigh one; all others weigh two."""


class _Created(msgspec.Struct):
    id: str | None = None
    dm_event_id: str | None = None


class _Answer(msgspec.Struct):
    data: _Created


def weighted_length(text: str) -> int:
    """Length as X counts it. An emoji made of several code points may be counted too long, never too short."""
    rest, links = _LINK.subn("", unicodedata.normalize("NFC", text))
    return links * LINK_WEIGHT + sum(1 if any(a <= ord(char) <= b for a, b in _LIGHT) else 2 for char in rest)


class XSender:
    """Posts as the city's account (OAuth 1.0a user context)."""

    def __init__(self, settings: XSettings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()

    async def send(self, message: Outgoing) -> str | None:
        """The id of what was posted. Raises as ``pipeline.channel.Sender`` says.

        A message that came in private (``dm:`` before its id) is answered in private, whatever else is known: the link
        in such an answer lets its holder speak for the citizen.
        """
        if not message.external_id:
            raise InvalidItem("x.reply-not-possible")
        if message.external_id.startswith("dm:"):
            if len(message.text) > MESSAGE_LIMIT:
                raise InvalidItem("x.reply-too-long")
            return await self._call(
                lambda api: api.create_direct_message(participant_id=message.to.id, text=message.text)
            )
        if weighted_length(message.text) > POST_LIMIT:
            raise InvalidItem("x.reply-too-long")
        return await self._call(
            lambda api: api.create_tweet(in_reply_to_tweet_id=message.external_id, text=message.text)
        )

    async def close(self) -> None:
        """Nothing is kept between two answers."""

    async def _call(self, post: Callable[[tweepy.Client], requests.Response]) -> str | None:
        def work() -> bytes:
            api = client(
                self._settings,
                consumer_key=self._settings.consumer_key.get_secret_value(),
                consumer_secret=self._settings.consumer_secret.get_secret_value(),
                access_token=self._settings.access_token.get_secret_value(),
                access_token_secret=self._settings.access_token_secret.get_secret_value(),
            )
            with api.session:
                return post(api).content

        try:
            body = await asyncio.wait_for(asyncio.to_thread(work), timeout=2 * self._settings.timeout_seconds)
        except tweepy.HTTPException as error:
            raise self._fate(error) from error
        except (requests.RequestException, TimeoutError) as error:
            raise TransientError(f"X could not be reached ({type(error).__name__})") from error
        except (AttributeError, TypeError, ValueError) as error:
            # tweepy trips over error bodies and headers that are not as documented; the post did not succeed.
            raise TransientError(f"X answered something unreadable ({type(error).__name__})") from error
        return _created_id(body)

    def _fate(self, error: tweepy.HTTPException) -> Exception:
        status = error.response.status_code
        if status == 429:
            return Backpressure(retry_after(error.response, self._clock.now()) or 60.0)
        if status == 403:
            again = any("duplicate" in str(text).lower() for text in error.api_messages)
            return InvalidItem("x.reply-duplicate" if again else "x.reply-not-allowed")
        if status in (400, 404, 422):
            return InvalidItem("x.reply-rejected")
        # 401 is the operator's to mend and 5xx the vendor's: the answer waits.
        return TransientError(f"X answered {status}: check the access token if this stays")


def _created_id(body: bytes) -> str | None:
    """The new id; None where X took the post and did not say, because sending it again would post it twice."""
    try:
        created = msgspec.json.decode(body, type=_Answer).data
    except ValueError:
        return None
    return created.id or (f"dm:{created.dm_event_id}" if created.dm_event_id else None)


def sender(settings: XSettings, cursors: Cursors, clock: Clock) -> XSender | None:
    """None without credentials: answers are then recorded instead of sent."""
    return XSender(settings, clock) if settings.can_send else None
