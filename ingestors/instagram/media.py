"""Where Instagram's files are: the address in the message, or, for a mention, what Graph says of the place.

A mention comes without its words (Meta, "Webhooks > Instagram > mentions"): they are asked for together with the
picture and go the way of everything that comes in.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import msgspec

from ingestors.graph import Graph, Refused
from ingestors.graph_access import UrlMedia, understood
from ingestors.items import Id, Text, listing
from pipeline.channel import MediaLink, Raw
from pipeline.clock import Clock, SystemClock
from pipeline.errors import InvalidItem, TransientError
from schemas.item import Attachment

from .decode import MENTION, NAME
from .settings import InstagramSettings

LIFETIME = timedelta(hours=24)
"""As long as a story lives; its picture goes with it (Instagram Messaging, "Story mentions")."""
_PLACE = re.compile(r"([0-9]{1,30})(?::([0-9]{1,30}))?")
MEDIUM = "mentioned_media.media_id({medium}){{caption,timestamp,username,media_url}}"
COMMENT = "mentioned_comment.comment_id({comment}){{text,timestamp,username,media{{media_url}}}}"


class _Medium(msgspec.Struct):
    media_url: str | None = None
    caption: Text | None = None
    timestamp: Id | None = None
    username: str | None = None


class _Comment(msgspec.Struct):
    text: Text | None = None
    timestamp: Id | None = None
    username: str | None = None
    media: _Medium | None = None


class _Answer(msgspec.Struct):
    mentioned_media: _Medium | None = None
    mentioned_comment: _Comment | None = None


class _Words(msgspec.Struct, omit_defaults=True):
    """As ``/tags`` lists a post; ``id`` is the place of the mention."""

    id: str
    caption: Text
    timestamp: Id | None = None
    username: str | None = None


class InstagramMedia(UrlMedia):
    """Implements ``pipeline.channel.MediaSource``."""

    def __init__(self, settings: InstagramSettings, api: Graph | None = None, clock: Clock | None = None) -> None:
        super().__init__(NAME, settings, LIFETIME)
        self._user = settings.user_id
        self._clock = clock or SystemClock()
        self._api = api
        if api is None and settings.access_token is not None:
            self._api = Graph(settings.graph_url, settings.access_token, sleep=None)

    async def locate(self, found: Attachment, account: str) -> MediaLink:
        """See ``pipeline.channel.MediaSource``. Without a token a mention's words and picture wait."""
        reference = found.reference or ""
        if not reference.startswith(MENTION):
            return self.link(reference)
        place = _PLACE.fullmatch(reference.removeprefix(MENTION))
        if place is None:
            raise InvalidItem("instagram.media-gone", "the mention names no medium")
        if self._api is None:
            raise TransientError("set TANGGAP_INSTAGRAM_ACCESS_TOKEN to read where the city was mentioned")
        medium, comment = place.groups()
        fields = COMMENT.format(comment=comment) if comment else MEDIUM.format(medium=medium)
        try:
            told = understood(await self._api.get(self._user, fields=fields), _Answer)
        except Refused as error:
            raise InvalidItem("instagram.media-gone", str(error)) from error
        return self._told(place.group(), told)

    def _told(self, place: str, told: _Answer) -> MediaLink:
        words, medium = None, told.mentioned_media
        if told.mentioned_comment is not None:
            said, medium = told.mentioned_comment, told.mentioned_comment.media
            words = said.text and _Words(place, said.text, said.timestamp, said.username)
        elif medium is not None:
            words = medium.caption and _Words(place, medium.caption, medium.timestamp, medium.username)
        raw = self._raw(words) if words else None
        try:
            return replace(self.link(medium.media_url if medium else None), words=raw)
        except InvalidItem:
            if raw is None:
                raise
            return MediaLink("", words=raw)

    def _raw(self, words: _Words) -> Raw:
        body = listing("tags", self._user, [msgspec.Raw(msgspec.json.encode(words))])
        return Raw(NAME, self._user, body, "application/json", self._clock.now(), {"source": "mention"})

    async def close(self) -> None:
        """Closes the connections."""
        if self._api is not None:
            await self._api.close()
