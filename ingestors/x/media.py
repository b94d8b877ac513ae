"""Where the files of posts and direct messages are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from urllib.parse import urlsplit

import msgspec
import requests
import tweepy

from pipeline.channel import MediaLink
from pipeline.clock import Clock, SystemClock
from pipeline.errors import InvalidItem, TransientError
from schemas.item import Attachment

from . import payload as x
from .api import as_transient, fetch, reader
from .dialects import best_address
from .settings import XSettings

PUBLIC = "twimg.com"
"""``pbs.`` for pictures, ``video.`` for films; no credentials."""
PRIVATE = "ton.twitter.com"
"""Files of direct messages (developer.x.com, "Retrieving media": a GET signed with OAuth 1.0a)."""
LOOPBACK = ("127.0.0.1", "localhost")


class _Found(msgspec.Struct):
    data: x.Media


class XMedia:
    """An ``Attachment.reference`` is the file's address, or a media key where the delivery did not hold the address.

    Addresses are taken as X gives them: how to ask for a larger version of a picture is not documented.
    """

    hosts: Collection[str]
    lifetime: timedelta = timedelta(days=7)
    """Ours; X documents none. The file goes with its post, so the sooner it is fetched the better."""

    def __init__(self, settings: XSettings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self.hosts = (PUBLIC, PRIVATE, *(LOOPBACK if settings.on_loopback else ()))

    async def locate(self, found: Attachment, account: str) -> MediaLink:
        """See ``pipeline.channel.MediaSource``; an address elsewhere than at ``hosts`` is ``x.media-foreign``."""
        reference = found.reference or ""
        url = reference if "://" in reference else await self._look_up(reference)
        host = self._host_of(url)
        if host == PRIVATE or host.endswith(f".{PRIVATE}"):
            return MediaLink(url, {"Authorization": self._signed(url)})
        return MediaLink(url)

    async def close(self) -> None:
        """Nothing is kept between two files."""

    def _host_of(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            raise InvalidItem("x.media-foreign") from None
        known = any(host == one or host.endswith(f".{one}") for one in self.hosts)
        if not known or parts.scheme != ("http" if host in LOOPBACK else "https") or parts.username is not None:
            raise InvalidItem("x.media-foreign")
        return host

    def _signed(self, url: str) -> str:
        """The ``Authorization`` header for one address; X takes it for some minutes. Raises ``TransientError``."""
        if not self._settings.can_send:
            raise TransientError("files of direct messages need TANGGAP_X_ACCESS_TOKEN: they wait until it is set")
        secrets = self._settings
        handler = tweepy.OAuth1UserHandler(
            secrets.consumer_key.get_secret_value(),
            secrets.consumer_secret.get_secret_value(),
            secrets.access_token.get_secret_value(),
            secrets.access_token_secret.get_secret_value(),
        )
        header = requests.Request("GET", url, auth=handler.apply_auth()).prepare().headers["Authorization"]
        return header.decode() if isinstance(header, bytes) else str(header)

    async def _look_up(self, key: str) -> str:
        """The address of a media key (``x-api/openapi.json``, ``GET /2/media/{media_key}``)."""
        if not x.is_media_key(key):
            raise InvalidItem("x.media-gone")
        if not (self._settings.bearer_token.get_secret_value() or self._settings.on_loopback):
            raise TransientError("files without an address need TANGGAP_X_BEARER_TOKEN: they wait until it is set")
        fields = {"media.fields": "type,url,preview_image_url,variants"}

        def ask(api: tweepy.Client) -> requests.Response:
            answer: requests.Response = api.request("GET", f"/2/media/{key}", params=fields)
            return answer

        try:
            body = await fetch(self._settings, reader(self._settings), ask)
        except (tweepy.NotFound, tweepy.BadRequest) as error:
            raise InvalidItem("x.media-gone") from error
        except (tweepy.TweepyException, requests.RequestException, TimeoutError, ValueError) as error:
            raise as_transient(error, self._clock.now()) from error
        try:
            address = best_address(msgspec.json.decode(body, type=_Found).data)
        except ValueError:
            address = None
        if address is None:
            raise InvalidItem("x.media-gone")
        return address


def media(settings: XSettings) -> XMedia:
    """Files of posts need no credentials."""
    return XMedia(settings)
