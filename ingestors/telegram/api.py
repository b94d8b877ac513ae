"""python-telegram-bot's client, and what its errors mean. The token stands in every address, so no error is chained."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import telegram
from telegram import error as refused
from telegram.request import HTTPXRequest

from pipeline.errors import Backpressure, InvalidItem, TransientError

from .settings import TelegramSettings


def make_bot(settings: TelegramSettings, token: str, transport: httpx.AsyncBaseTransport | None = None) -> telegram.Bot:
    """A client of the configured Bot API; nothing is asked before the first call."""
    wait = settings.timeout_seconds
    options = {"transport": transport} if transport else {}

    def request() -> HTTPXRequest:
        return HTTPXRequest(
            connection_pool_size=8, read_timeout=wait, write_timeout=wait, connect_timeout=wait, pool_timeout=wait,
            httpx_kwargs={"trust_env": False, "follow_redirects": False, **options},
        )  # fmt: skip

    return telegram.Bot(
        token,
        base_url=f"{settings.api_url}/bot",
        base_file_url=f"{settings.api_url}/file/bot",
        request=request(),
        get_updates_request=request(),
    )


async def close(bot: telegram.Bot) -> None:
    """Closes the connections. ``Bot.shutdown`` does nothing for a client that was never initialised."""
    for request in bot._request:
        await request.shutdown()


@asynccontextmanager
async def fate(bad: str) -> AsyncIterator[None]:
    """Turns the library's errors into ours; a request that can never succeed is ``InvalidItem(bad)``.

    A refused token is the operator's to mend: what waits for it waits.
    """
    try:
        yield
    except refused.RetryAfter as error:
        raise Backpressure(_seconds(error)) from None
    except refused.Forbidden:
        raise InvalidItem("telegram.blocked") from None
    except refused.BadRequest as error:
        if "temporarily unavailable" in error.message.lower():
            raise TransientError("Telegram asks to try again") from None
        raise InvalidItem(bad) from None
    except refused.InvalidToken:
        raise TransientError("Telegram refuses the token: renew TANGGAP_TELEGRAM_BOT_TOKEN") from None
    except refused.ChatMigrated:
        raise
    except (telegram.error.TelegramError, ValueError, TypeError, KeyError) as error:
        # Time-outs, 5xx, and answers that the library cannot read.
        raise TransientError(f"Telegram did not answer as documented ({type(error).__name__})") from None


def _seconds(error: refused.RetryAfter) -> float:
    pause = error._retry_after
    return max(1.0, pause.total_seconds() if isinstance(pause, timedelta) else float(pause))
