"""The fate of a batch: done, tried again, or narrowed down to the message that must be buried."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from .errors import InvalidItem, TransientError
from .log import safe_trace
from .metrics import RETRIES
from .stage import Message

BACKOFF = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)
QUIET_ATTEMPTS = 0

log = structlog.get_logger(__name__)


class Surroundings(Protocol):
    """What a batch's runner provides."""

    async def pause(self, seconds: float) -> bool:
        """Waits; False when the batch must be given up because the partition or the process goes."""

    async def publish_dead(self, message: Message, reason: str, detail: str) -> None:
        """Makes the dead letter durable. Raises ``TransientError``."""


async def settle(
    name: str,
    messages: Sequence[Message],
    process: Callable[[Sequence[Message]], Awaitable[None]],
    around: Surroundings,
) -> bool:
    """Runs ``process`` until every message is done or buried; False when given up, and nothing may be committed.

    ``TransientError`` repeats the same messages with back-off, so nothing behind them overtakes. Any other error
    halves the batch until one message is left, which becomes a dead letter.
    """
    attempt = 0
    while True:
        try:
            await process(messages)
        except TransientError as error:
            RETRIES.labels(name).inc()
            if attempt == QUIET_ATTEMPTS:
                log.warning("stage.waiting", stage=name, error=type(error).__name__, hint=str(error), attempt=attempt)
            if not await around.pause(backoff(attempt, error)):
                return False
            attempt += 1
        except Exception as error:
            if len(messages) == 1:
                return await _bury(name, messages[0], error, around)
            middle = len(messages) // 2
            first = await settle(name, messages[:middle], process, around)
            return first and await settle(name, messages[middle:], process, around)
        else:
            return True


def backoff(attempt: int, error: Exception | None = None) -> float:
    """Seconds until the next attempt; what the counterpart asked for comes first."""
    asked: float | None = getattr(error, "retry_after", None)
    return asked if asked is not None else BACKOFF[min(attempt, len(BACKOFF) - 1)]


async def _bury(name: str, message: Message, error: Exception, around: Surroundings) -> bool:
    if isinstance(error, InvalidItem):
        reason, detail = error.reason, error.detail
    else:
        reason, detail = f"{name}.error", safe_trace(error)
        log.error("stage.failed", stage=name, topic=message.topic, offset=message.offset, where=detail)
    attempt = 0
    while True:
        try:
            await around.publish_dead(message, reason, detail)
        except TransientError as away:
            if not await around.pause(backoff(attempt, away)):
                return False
            attempt += 1
        else:
            return True
