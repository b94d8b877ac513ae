"""Plain kafka-python consumers, for services that write to the outside and keep no table."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from kafka import KafkaConsumer
from kafka.errors import CommitFailedError, KafkaError

from schemas.topics import Topic

from .clock import Clock
from .fate import backoff, settle
from .metrics import PROCESSED, READY
from .outbox import dead_record
from .pacing import FETCH_LIMITS, Pacing, Polling
from .publisher import Publisher
from .records import to_message
from .sealing import Keys
from .settings import CoreSettings
from .stage import Message

POLL_RECORDS = 1000
BUSY_SECONDS = 0.05
IDLE_SECONDS = 0.25
"""Rests between polls: nobody notices a quarter of a second on the way of an answer."""

log = structlog.get_logger(__name__)

Handler = Callable[[Sequence[Message]], Awaitable[None]]


class PlainConsumer:
    """Polls in a thread, handles on the loop, commits after ``handle`` has returned (at least once).

    A message that ``handle`` rejects becomes a dead letter; while something is away nothing is committed and nothing
    is skipped.
    """

    def __init__(
        self,
        name: str,
        topics: Sequence[Topic],
        settings: CoreSettings,
        publisher: Publisher,
        keys: Keys,
        clock: Clock,
    ) -> None:
        self.name = name
        self._topics = topics
        self._settings = settings
        self._publisher = publisher
        self._keys = keys
        self._clock = clock
        self._stop = asyncio.Event()

    async def run(self, handle: Handler, stop: asyncio.Event) -> None:
        """Until ``stop``; survives a broker that is away at the start or goes later."""
        self._stop = stop
        attempt = 0
        while not stop.is_set():
            try:
                await self._session(handle)
            except (KafkaError, OSError) as error:
                READY.labels(self.name).set(0)
                log.warning("consumer.broker-away", stage=self.name, error=type(error).__name__, attempt=attempt)
                await self.pause(backoff(attempt))
                attempt += 1
            else:
                attempt = 0

    async def _session(self, handle: Handler) -> None:
        consumer = await asyncio.to_thread(self._connect)
        try:
            READY.labels(self.name).set(1)
            pacing, polling = Pacing(BUSY_SECONDS, IDLE_SECONDS), Polling(consumer, POLL_RECORDS)
            while await self.pause(pacing.wait()):
                fetched = await asyncio.to_thread(polling.poll)
                messages = [to_message(record) for records in fetched.values() for record in records]
                pacing.asked(bool(messages))
                if not messages:
                    continue
                if not await settle(self.name, messages, handle, self):
                    return
                try:
                    await asyncio.to_thread(consumer.commit)
                except CommitFailedError:
                    log.warning("consumer.rebalanced", stage=self.name)
                for message in messages:
                    PROCESSED.labels(self.name, message.topic).inc()
        finally:
            READY.labels(self.name).set(0)
            await asyncio.to_thread(consumer.close)

    def _connect(self) -> Any:
        return KafkaConsumer(
            *(topic.name for topic in self._topics),
            bootstrap_servers=self._settings.kafka.split(","),
            client_id=f"tanggap-{self.name}",
            group_id=f"tanggap-{self.name}",
            group_instance_id=f"{self.name}-{self._settings.instance}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            max_poll_interval_ms=600_000,
            **FETCH_LIMITS,
        )

    async def pause(self, seconds: float) -> bool:
        """See ``pipeline.fate.Surroundings``."""
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return True
        return False

    async def publish_dead(self, message: Message, reason: str, detail: str) -> None:
        """See ``pipeline.fate.Surroundings``."""
        now = self._clock.now()
        letter = dead_record(self.name, self._settings.tenant, self._keys, message, reason, detail, now)
        await self._publisher.publish([letter])
