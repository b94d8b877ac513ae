"""Where a photo or file of a message can be fetched (Meta, "Cloud API > Media")."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta

import httpx
import msgspec

from pipeline.channel import MediaLink
from pipeline.errors import InvalidItem, TransientError
from schemas.item import Attachment

from .graph import Graph, Refused, loopback_host
from .settings import WhatsAppSettings

HOSTS = ("fbsbx.com",)
"""Files come from lookaside.fbsbx.com."""
LIFETIME = timedelta(days=7)
"""How long a media id of a webhook is served."""
GONE = 100
_ID = re.compile(r"(?!\.+$)[A-Za-z0-9._-]{1,200}")


class _Found(msgspec.Struct):
    url: str = ""


class WhatsAppMedia:
    """Implements ``pipeline.channel.MediaSource``.

    The id is asked for anew each time: addresses, also the one in the webhook (``url``), end after five minutes.
    """

    lifetime = LIFETIME

    def __init__(self, settings: WhatsAppSettings, client: httpx.AsyncClient | None = None) -> None:
        self._graph = Graph(settings.graph_url, settings.access_token, client)
        local = loopback_host(settings.graph_url)
        self.hosts: Collection[str] = (*HOSTS, local) if local else HOSTS

    async def locate(self, found: Attachment, account: str) -> MediaLink:
        """See ``pipeline.channel.MediaSource``. The address asks for the token, too."""
        if not _ID.fullmatch(found.reference or ""):
            raise InvalidItem("whatsapp.media-gone", "the message names no media id")
        try:
            body = await self._graph.get(found.reference or "", phone_number_id=account)
        except Refused as error:
            if error.status == httpx.codes.NOT_FOUND or error.code == GONE:
                raise InvalidItem("whatsapp.media-gone", str(error)) from error
            raise TransientError(str(error)) from error
        try:
            url = msgspec.json.decode(body, type=_Found).url
        except (msgspec.DecodeError, RecursionError):
            url = ""
        if not url:
            raise TransientError("Graph API did not say where the file is")
        return MediaLink(url, self._graph.bearer)

    async def close(self) -> None:
        """Closes the connections."""
        await self._graph.close()


def make_media(settings: WhatsAppSettings) -> WhatsAppMedia | None:
    """None without an access token, except for a development API on loopback, which asks for none."""
    if settings.access_token is None and loopback_host(settings.graph_url) is None:
        return None
    return WhatsAppMedia(settings)
