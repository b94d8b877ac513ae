"""Files of messages (Telegram, "Bot API > getFile"): the address holds the bot's token and must not be logged."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from urllib.parse import quote, urlsplit

import httpx

from pipeline.channel import MediaLink
from pipeline.errors import InvalidItem
from schemas.item import Attachment

from .api import close, fate, make_bot
from .settings import TelegramSettings

LARGEST = 20 * 1024 * 1024


class TelegramFiles:
    """Implements ``pipeline.channel.MediaSource``. A link holds for an hour; a file id has no documented end."""

    lifetime = timedelta(days=30)

    def __init__(
        self, settings: TelegramSettings, token: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._bot = make_bot(settings, token, transport)
        self._base = f"{settings.api_url}/file/bot{token}/"
        self.hosts: Collection[str] = frozenset({urlsplit(settings.api_url).hostname or ""})

    async def locate(self, found: Attachment, account: str) -> MediaLink:
        """See ``pipeline.channel.MediaSource``."""
        if found.size is not None and found.size > LARGEST:
            raise InvalidItem("telegram.file-too-large")
        if not found.reference:
            raise InvalidItem("telegram.file-gone")
        async with fate("telegram.file-gone"):
            try:
                file = await self._bot.get_file(found.reference)
            except Exception as error:
                if "too big" in str(error).lower():
                    raise InvalidItem("telegram.file-too-large") from None
                raise
        address = file.file_path or ""
        path = address.removeprefix(self._base)
        # A Bot API server in local mode names files of its own disk.
        if path == address or path.startswith("/") or ".." in path.split("/"):
            raise InvalidItem("telegram.file-gone")
        return MediaLink(self._base + quote(path))

    async def close(self) -> None:
        """Closes the connections."""
        await close(self._bot)


def make_files(settings: TelegramSettings) -> TelegramFiles | None:
    """None without a bot token, except for a development API on loopback, which knows no bots."""
    if settings.bot_token is not None:
        return TelegramFiles(settings, settings.bot_token.get_secret_value())
    if settings.api_url.startswith("http://"):
        return TelegramFiles(settings, f"{settings.bot_id}:loopback")
    return None
