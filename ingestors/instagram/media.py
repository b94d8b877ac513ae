"""Where Instagram's files are: the address in the message, or, for a mention, what Graph says of the medium."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec

from ingestors.graph import Graph, Refused
from ingestors.graph_access import UrlMedia
from pipeline.channel import MediaLink
from pipeline.errors import InvalidItem, TransientError
from schemas.item import Attachment

from .decode import MENTION, NAME
from .settings import InstagramSettings

LIFETIME = timedelta(hours=24)
"""As long as a story lives; its picture goes with it (Instagram Messaging, "Story mentions")."""
_ID = re.compile(r"[0-9]{1,30}")


class _Medium(msgspec.Struct):
    media_url: str | None = None


class _Answer(msgspec.Struct):
    mentioned_media: _Medium | None = None


class InstagramMedia(UrlMedia):
    """Implements ``pipeline.channel.MediaSource``."""

    def __init__(self, settings: InstagramSettings, api: Graph | None = None) -> None:
        super().__init__(NAME, settings, LIFETIME)
        self._user = settings.user_id
        self._api = api
        if api is None and settings.access_token is not None:
            self._api = Graph(settings.graph_url, settings.access_token, sleep=None)

    async def locate(self, found: Attachment, account: str) -> MediaLink:
        """See ``pipeline.channel.MediaSource``. Without a token the picture of a mention waits."""
        reference = found.reference or ""
        if not reference.startswith(MENTION):
            return self.link(reference)
        medium = reference.removeprefix(MENTION)
        if not _ID.fullmatch(medium):
            raise InvalidItem("instagram.media-gone", "the mention names no medium")
        if self._api is None:
            raise TransientError("set TANGGAP_INSTAGRAM_ACCESS_TOKEN to read where the city was mentioned")
        try:
            body = await self._api.get(self._user, fields=f"mentioned_media.media_id({medium}){{media_url}}")
            told = msgspec.json.decode(body, type=_Answer).mentioned_media
        except Refused as error:
            raise InvalidItem("instagram.media-gone", str(error)) from error
        except msgspec.DecodeError:
            raise TransientError("Graph API answered something else than a medium") from None
        return self.link(told.media_url if told else None)

    async def close(self) -> None:
        """Closes the connections."""
        if self._api is not None:
            await self._api.close()
