"""Answers on X: in public under the citizen's post, in private to a direct message. No wording here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import msgspec
import requests
import tweepy

from pipeline.channel import Cursors, Outgoing
from pipeline.clock import Clock
from pipeline.errors import InvalidItem, TransientError

from . import bill
from .api import as_transient, fetch, speaker
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


Post = Callable[[tweepy.Client], requests.Response]


class XSender:
    """Posts as the city's account (OAuth 1.0a user context), within the month's budget for answers.

    X takes the same text once only (``x.reply-duplicate``), so an answer is paid once, however often it is tried.
    """

    def __init__(self, settings: XSettings, cursors: Cursors, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._budget = bill.answers(settings, cursors, clock)
        self._paid: set[str] = set()
        """Answers that were counted and whose end is not known: they are not counted again."""

    async def send(self, message: Outgoing) -> str | None:
        """The id of what was posted. Raises as ``pipeline.channel.Sender`` says.

        In private what came in private (``dm:`` before its id), and what holds the citizen's own link: a ticket of a
        direct message may have been joined by a post since.
        """
        if not message.external_id:
            raise InvalidItem("x.reply-not-possible")
        if message.private or message.external_id.startswith("dm:"):
            if len(message.text) > MESSAGE_LIMIT:
                raise InvalidItem("x.reply-too-long")
            return await self._paid_once(
                message, lambda api: api.create_direct_message(participant_id=message.to.id, text=message.text)
            )
        if weighted_length(message.text) > POST_LIMIT:
            raise InvalidItem("x.reply-too-long")
        return await self._paid_once(
            message, lambda api: api.create_tweet(in_reply_to_tweet_id=message.external_id, text=message.text)
        )

    async def close(self) -> None:
        """Nothing is kept between two answers."""

    async def _paid_once(self, message: Outgoing, post: Post) -> str | None:
        """An answer that X refused costs nothing; one whose fate is not known is counted until it is known."""
        grant = None
        if message.id not in self._paid:
            grant = await self._budget.take(bill.price_of(message.text))
            if grant is None:
                raise InvalidItem("x.budget-spent")
        try:
            body = await fetch(self._settings, speaker(self._settings), post)
        except tweepy.HTTPException as error:
            if grant is not None and error.response.status_code < 500:
                await self._budget.give_back(grant, grant.units)
                raise self._fate(error) from error
            fate = self._fate(error)
            (self._paid.add if isinstance(fate, TransientError) else self._paid.discard)(message.id)
            raise fate from error
        except (requests.RequestException, TimeoutError) as error:
            self._paid.add(message.id)
            raise TransientError(f"X could not be reached ({type(error).__name__})") from error
        except (AttributeError, TypeError, ValueError) as error:
            # tweepy trips over error bodies and headers that are not as documented; the post did not succeed.
            self._paid.add(message.id)
            raise TransientError(f"X answered something unreadable ({type(error).__name__})") from error
        self._paid.discard(message.id)
        return _created_id(body)

    def _fate(self, error: tweepy.HTTPException) -> Exception:
        status = error.response.status_code
        if status == 403:
            again = any("duplicate" in str(text).lower() for text in error.api_messages)
            return InvalidItem("x.reply-duplicate" if again else "x.reply-not-allowed")
        if status in (400, 404, 422):
            return InvalidItem("x.reply-rejected")
        # 401 is the operator's to mend, 402 and 5xx pass: the answer waits.
        return as_transient(error, self._clock.now())


def _created_id(body: bytes) -> str | None:
    """The new id; None where X took the post and did not say, because sending it again would post it twice."""
    try:
        created = msgspec.json.decode(body, type=_Answer).data
    except ValueError:
        return None
    return created.id or (f"dm:{created.dm_event_id}" if created.dm_event_id else None)


def sender(settings: XSettings, cursors: Cursors, clock: Clock) -> XSender | None:
    """None without credentials: answers are then recorded instead of sent."""
    return XSender(settings, cursors, clock) if settings.can_send else None
