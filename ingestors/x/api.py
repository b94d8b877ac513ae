"""tweepy made fit: its client has no time-out and a fixed host (``https://api.twitter.com``, tweepy 4.17)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import tweepy

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
