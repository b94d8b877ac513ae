"""The responder: one consumer writes messages for facts, another sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

import msgspec

from pipeline.channel import Sender
from pipeline.clock import Clock
from pipeline.errors import InvalidItem, TransientError
from pipeline.plain import PlainConsumer
from pipeline.publisher import Publisher
from pipeline.sealing import Keys
from pipeline.settings import CoreSettings
from pipeline.stage import Message
from schemas.base import decode
from schemas.events import Reply
from schemas.topics import PROGRESS, REPLIES

from .outbox import ReplyOutbox, ResponderVault, outbound
from .wording import Wording, load
from .writer import replies_of

RETRY_TICK_SECONDS = 1.0


class Responder:
    """Answers citizens. ``senders`` holds every channel that can answer; None for one without credentials here."""

    def __init__(
        self,
        settings: CoreSettings,
        senders: Mapping[str, Sender | None],
        vault: ResponderVault,
        publisher: Publisher,
        keys: Keys,
        clock: Clock,
        wording: Wording | None = None,
    ) -> None:
        self._wording = wording or load()
        self._answered: Collection[str] = senders.keys()
        self._publisher = publisher
        self._outbox = ReplyOutbox(senders, vault, publisher, settings.base_url, clock)
        self._writer = PlainConsumer("responder", [PROGRESS], settings, publisher, keys, clock)
        self._sender = PlainConsumer("responder-outbox", [REPLIES], settings, publisher, keys, clock)

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._writer.run(self._write, stop))
            group.create_task(self._sender.run(self._deliver, stop))
            group.create_task(self._retry(stop))

    async def _write(self, messages: Sequence[Message]) -> None:
        replies = replies_of(messages, self._wording, self._answered)
        await self._publisher.publish([outbound(reply) for reply in replies])

    async def _deliver(self, messages: Sequence[Message]) -> None:
        try:
            replies = [decode(message.value, Reply) for message in messages]
        except msgspec.DecodeError as error:
            raise InvalidItem("responder.not-a-reply", type(error).__name__) from error
        await self._outbox.deliver([reply for reply in replies if reply.state == "queued"])

    async def _retry(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await asyncio.sleep(RETRY_TICK_SECONDS)
            try:
                await self._outbox.retry_due()
            except TransientError:
                continue
