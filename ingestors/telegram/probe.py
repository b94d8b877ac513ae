"""What Telegram says of our access: getMe and getWebhookInfo."""

from __future__ import annotations

import httpx
from telegram.error import Conflict, InvalidToken

from pipeline.channel import Cursors, Probe
from pipeline.clock import Clock

from .api import close, fate, make_bot
from .settings import TelegramSettings


async def probe(
    settings: TelegramSettings, cursors: Cursors, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> Probe:
    """See ``pipeline.channel.Channel.probe``; nothing is known without a bot token."""
    if settings.bot_token is None:
        return Probe()
    bot = make_bot(settings, settings.bot_token.get_secret_value(), transport)
    try:
        async with fate("telegram.refused"):
            try:
                await bot.get_me()
                hook = await bot.get_webhook_info()
            except InvalidToken:
                return Probe(accepted=False, problem="telegram.token-refused")
            except Conflict:
                return Probe(accepted=True, subscribed=False, problem="telegram.conflict")
    finally:
        await close(bot)
    waiting = hook.pending_update_count
    problem = None
    if not hook.url:
        problem = "telegram.no-webhook"
    elif hook.last_error_message and waiting:
        # The last error stays for good; only what still waits says that it is not over.
        conflict = "getupdates" in hook.last_error_message.lower()
        problem = "telegram.conflict" if conflict else "telegram.webhook-failing"
    return Probe(accepted=True, subscribed=bool(hook.url), used=float(waiting), unit="updates waiting", problem=problem)
