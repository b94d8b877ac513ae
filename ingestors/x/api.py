"""tweepy made fit: its client has no time-out and a fixed host (``https://api.twitter.com``, tweepy 4.17)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import tweepy

from pipeline.errors import Backpressure, TransientError

from .settings import XSettings

LONGEST_WAIT = 900.0
"""Seconds; X's rate-limit windows are 15 minutes."""


class _Session(requests.Session):
    """Every request goes to ``base`` and gives up after ``timeout`` seconds without a byte.

    The address is changed before the request is prepared, so that OAuth signs the one that is called.
    """

    def __init__(self, base: str, timeout: float) -> None:
        super().__init__()
        self._base = base
        self._timeout = timeout

    def request(self, method: str, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        parts = urlsplit(url.decode() if isinstance(url, bytes) else url)
        options.setdefault("timeout", self._timeout)
        options.setdefault("allow_redirects", False)
        return super().request(method, self._base + parts.path, *args, **options)


def client(settings: XSettings, **credentials: str) -> tweepy.Client:
    """A client that returns answers as they came (``requests.Response``)."""
    made = tweepy.Client(return_type=requests.Response, **credentials)
    made.session = _Session(settings.api_base, settings.timeout_seconds)
    return made


def reader(settings: XSettings) -> tweepy.Client:
    """The app itself (bearer token): reads what is public, and manages webhooks."""
    return client(settings, bearer_token=settings.bearer_token.get_secret_value())


def speaker(settings: XSettings) -> tweepy.Client:
    """The city's account (OAuth 1.0a user context)."""
    return client(
        settings,
        consumer_key=settings.consumer_key.get_secret_value(),
        consumer_secret=settings.consumer_secret.get_secret_value(),
        access_token=settings.access_token.get_secret_value(),
        access_token_secret=settings.access_token_secret.get_secret_value(),
    )


async def fetch(settings: XSettings, api: tweepy.Client, ask: Callable[[tweepy.Client], requests.Response]) -> bytes:
    """The body of one answer. Raises what tweepy and requests raise, and ``TimeoutError``.

    A client serves one call: a thread that outlived its time-out may still hold the last one.
    """

    def work() -> bytes:
        with api.session:
            return ask(api).content

    return await asyncio.wait_for(asyncio.to_thread(work), timeout=2 * settings.timeout_seconds)


def as_transient(error: Exception, now: datetime) -> TransientError:
    """What may pass, as the error that makes everybody wait. A token that has expired is the operator's to mend: what
    waits for it is caught up later, never thrown away."""
    if isinstance(error, TransientError):
        return error
    if isinstance(error, tweepy.HTTPException):
        status = error.response.status_code
        if status == 429:
            return Backpressure(retry_after(error.response, now) or 60.0)
        return TransientError(f"X answered {status}: {hint(error)}")
    return TransientError(f"X could not be reached or read ({type(error).__name__})")


def hint(error: Exception) -> str:
    """What an operator can do about an error of X."""
    status = error.response.status_code if isinstance(error, tweepy.HTTPException) else 0
    if status in (401, 403):
        return "check the tokens (TANGGAP_X_...) and the app's access level"
    if status == 402:
        return "the app's credits are used up: recharge them in X's developer console"
    if status == 429:
        return "raise TANGGAP_X_POLL_SECONDS if this stays"
    return "nothing is lost: it is tried again from the same place"


def retry_after(response: requests.Response, now: datetime) -> float | None:
    """Seconds to wait by ``x-rate-limit-reset`` (seconds since 1970) or ``retry-after``; None where X does not say.

    docs.x.com, "Rate limits", HTTP headers. Between 1 s and 15 minutes: a clock that is off must not stop us for days.
    """
    reset = response.headers.get("x-rate-limit-reset", "")
    asked = response.headers.get("retry-after", "")
    if response.status_code == 429 and _seconds(reset):
        wait = int(reset) - now.astimezone(UTC).timestamp()
    elif _seconds(asked):
        wait = float(asked)
    else:
        return None
    return min(max(wait, 1.0), LONGEST_WAIT)


def _seconds(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12
