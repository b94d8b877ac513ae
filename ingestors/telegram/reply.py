"""Sends one text through the Bot API (Telegram, "Bot API > sendMessage")."""

from __future__ import annotations

import re

import httpx
import telegram
from aiolimiter import AsyncLimiter
from telegram.error import ChatMigrated

from pipeline.channel import Cursors, Outgoing
from pipeline.clock import Clock
from pipeline.errors import Backpressure, InvalidItem

from .api import close, fate, make_bot
from .settings import TelegramSettings

TEXT_LIMIT = 4096
REMEMBERED_CHATS = 10_000
_MESSAGE = re.compile(r"(-?[0-9]{1,20}):([0-9]{1,20})")


class _Pace:
    """At most 30 messages a second, one a second to a chat, 20 a minute to a group (Telegram, "Bots FAQ > limits")."""

    def __init__(self) -> None:
        self._all = AsyncLimiter(30, 1)
        self._chats: dict[int, AsyncLimiter] = {}

    async def step(self, chat: int) -> None:
        """Raises ``Backpressure`` with the pause that frees the narrowest of the limits."""
        private = chat > 0
        limiter = self._chats.pop(chat, None) or (AsyncLimiter(1, 1) if private else AsyncLimiter(20, 60))
        self._chats[chat] = limiter
        if len(self._chats) > REMEMBERED_CHATS:
            del self._chats[next(iter(self._chats))]
        if not limiter.has_capacity():
            raise Backpressure(1.0 if private else 3.0)
        if not self._all.has_capacity():
            raise Backpressure(1.0)
        await limiter.acquire()
        await self._all.acquire()


class TelegramSender:
    """Implements ``pipeline.channel.Sender``. The answer goes to the chat of the last message, below that message."""

    def __init__(
        self, settings: TelegramSettings, token: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._bot = make_bot(settings, token, transport)
        self._pace = _Pace()

    async def send(self, message: Outgoing) -> str | None:
        """See ``pipeline.channel.Sender``."""
        chat, answered = _target(message)
        if len(message.text) > TEXT_LIMIT:
            raise InvalidItem("telegram.reply-too-long")
        await self._pace.step(chat)
        async with fate("telegram.refused"):
            try:
                sent = await self._post(chat, message.text, answered)
            except ChatMigrated as moved:
                # The supergroup numbers its messages anew: there is nothing to answer below.
                sent = await self._post(moved.new_chat_id, message.text, None)
        return f"{sent.chat_id}:{sent.message_id}"

    async def close(self) -> None:
        """Closes the connections."""
        await close(self._bot)

    async def _post(self, chat: int, text: str, answered: int | None) -> telegram.Message:
        below = telegram.ReplyParameters(answered, allow_sending_without_reply=True) if answered is not None else None
        return await self._bot.send_message(
            chat, text, reply_parameters=below, link_preview_options=telegram.LinkPreviewOptions(is_disabled=True)
        )


def _target(message: Outgoing) -> tuple[int, int | None]:
    """Chat and message to answer. A bot may write to who wrote to it: their private chat has the person's id."""
    named = _MESSAGE.fullmatch(message.external_id or "")
    if named is not None:
        return int(named[1]), int(named[2])
    if not re.fullmatch(r"[0-9]{1,20}", message.to.id):
        raise InvalidItem("telegram.reply-not-possible")
    return int(message.to.id), None


def make_sender(settings: TelegramSettings, cursors: Cursors, clock: Clock) -> TelegramSender | None:
    """None without a bot token."""
    if settings.bot_token is None:
        return None
    return TelegramSender(settings, settings.bot_token.get_secret_value())
