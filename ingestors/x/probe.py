"""What X says of our access: credentials, webhook, subscriptions, and what the month has cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import requests
import tweepy

from pipeline.channel import Cursors, Probe
from pipeline.clock import Clock

from . import bill
from . import payload as x
from .api import as_transient, fetch, reader, speaker
from .settings import XSettings

T = TypeVar("T")
NEEDED = frozenset({"post.mention.create", "post.reply.create", "post.quote.create", "dm.received"})
"""A mention that X puts into a reply by itself is reported as a reply only (docs.x.com, ``x-api/activity``)."""


class _User(msgspec.Struct):
    id: x.Id


class _UserAnswer(msgspec.Struct):
    data: _User


class _Hook(msgspec.Struct):
    id: str
    valid: bool = False


class _Hooks(msgspec.Struct):
    data: list[_Hook] = []


class _Filter(msgspec.Struct):
    user_id: str | None = None


class _Subscription(msgspec.Struct):
    event_type: str
    filter: _Filter = msgspec.field(default_factory=_Filter)
    webhook_id: str | None = None


class _Subscriptions(msgspec.Struct):
    data: list[_Subscription] = []


async def probe(settings: XSettings, cursors: Cursors, clock: Clock) -> Probe:
    """Raises ``TransientError`` when X does not answer. The first problem found is told.

    The account is read by its own token where there is one; X bills one user a day at most (docs.x.com, "Pricing").
    """
    asked = _Asker(settings, clock)
    accepted, problem = await _credentials(settings, asked)
    subscribed: bool | None = None
    if settings.bearer_token.get_secret_value() and accepted is not False:
        subscribed, trouble = await _deliveries(settings, asked)
        problem = problem or trouble
    used, limit, unit, spent = await _budget(settings, cursors, clock)
    return Probe(
        accepted=accepted,
        subscribed=subscribed,
        used=used,
        limit=limit,
        unit=unit,
        problem=problem or ("x.budget-spent" if spent else None),
    )


class _Asker:
    """Questions to X that a refusal (None) answers too."""

    def __init__(self, settings: XSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def ask(self, api: tweepy.Client, question: Callable[[tweepy.Client], Any], kind: type[T]) -> T | None:
        """The answer; None when the credentials are not taken (401, 403)."""
        try:
            return msgspec.json.decode(await fetch(self._settings, api, question), type=kind)
        except (tweepy.Unauthorized, tweepy.Forbidden):
            return None
        except (tweepy.TweepyException, requests.RequestException, TimeoutError, ValueError) as error:
            raise as_transient(error, self._clock.now()) from error


async def _credentials(settings: XSettings, asked: _Asker) -> tuple[bool | None, str | None]:
    """Whether every set of credentials that we hold is taken, and by the right account."""
    if settings.can_send:
        me = await asked.ask(speaker(settings), lambda api: api.get_me(user_auth=True), _UserAnswer)
        if me is None:
            return False, "x.not-accepted"
        if me.data.id != settings.user_id:
            return False, "x.other-account"
    if settings.bearer_token.get_secret_value():
        user = await asked.ask(reader(settings), lambda api: api.get_user(id=settings.user_id), _UserAnswer)
        if user is None:
            return False, "x.not-accepted"
        return True, None
    return (True if settings.can_send else None), None


async def _deliveries(settings: XSettings, asked: _Asker) -> tuple[bool | None, str | None]:
    """Whether the webhook is valid and gets all events it should; None where X tells us of no webhook at all."""
    hooks = await asked.ask(reader(settings), lambda api: api.request("GET", "/2/webhooks"), _Hooks)
    mine = [one for one in hooks.data if settings.webhook_id in ("", one.id)] if hooks else []
    if not mine:
        return (False, "x.webhook-invalid") if hooks and settings.webhook_id else (None, None)
    valid = {one.id for one in mine if one.valid}
    if not valid:
        return False, "x.webhook-invalid"
    listed = await asked.ask(
        reader(settings), lambda api: api.request("GET", "/2/activity/subscriptions"), _Subscriptions
    )
    if listed is None:
        return None, None
    have = {
        one.event_type.replace("tweet.", "post.")
        for one in listed.data
        if one.filter.user_id == settings.user_id and (one.webhook_id is None or one.webhook_id in valid)
    }
    return (True, None) if have >= NEEDED else (False, "x.not-subscribed")


async def _budget(settings: XSettings, cursors: Cursors, clock: Clock) -> tuple[float, float, str, bool]:
    """Of the two accounts the one nearer to its cap: used, limit, unit, and whether it lets nothing more through."""
    reads, answers = bill.reads(settings, cursors, clock), bill.answers(settings, cursors, clock)
    accounts = [
        (await reads.used(), reads.limit, "USD/month, reading", bill.price_of_read(settings) * bill.FEWEST),
        (await answers.used(), answers.limit, "USD/month, answers", bill.ANSWER),
    ]
    used, limit, unit, _ = max(accounts, key=lambda one: one[0] / one[1] if one[1] else 1.0)
    spent = any(most - so_far < least for so_far, most, _, least in accounts)
    return used / bill.DOLLAR, limit / bill.DOLLAR, unit, spent
