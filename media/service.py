"""The media service: one consumer makes jobs of items, a loop does them. ``media.serve`` gives the files out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec
import structlog

from pipeline.channel import Intake, MediaSource
from pipeline.clock import Clock
from pipeline.errors import InvalidItem, TransientError
from pipeline.log import safe_trace
from pipeline.metrics import MEDIA_WAITING
from pipeline.plain import PlainConsumer
from pipeline.publisher import Publisher
from pipeline.sealing import Keys
from pipeline.settings import CoreSettings
from pipeline.stage import Message
from pipeline.unsealing import open_sealed
from schemas.base import decode
from schemas.item import ItemEvent
from schemas.topics import ITEMS
from vault.model import MediaJob

from .fetch import Fetcher, Limits
from .guard import Guard, Resolver, resolve
from .jobs import MediaVault, jobs_of
from .work import Worker

log = structlog.get_logger(__name__)

AT_ONCE = 4
"""Files in hand: each may be 25 MB in memory."""
LEASE = timedelta(minutes=5)
"""Longer than any step of a job takes; a job of a process that was killed comes again after it."""
TICK_SECONDS = 1.0
COUNT_EVERY = 15
"""Ticks between two countings of what waits."""


class Media:
    """``sources`` holds every channel whose files must be fetched; None for one without credentials here."""

    def __init__(
        self,
        settings: CoreSettings,
        sources: Mapping[str, MediaSource | None],
        vault: MediaVault,
        publisher: Publisher,
        intake: Intake,
        keys: Keys,
        clock: Clock,
        *,
        resolver: Resolver = resolve,
        limits: Limits | None = None,
    ) -> None:
        self._sources = sources
        self._vault = vault
        self._keys = keys
        self._clock = clock
        guard = Guard(resolver, local=settings.env == "development")
        self._worker = Worker(sources, vault, publisher, intake, Fetcher(guard, limits), clock)
        self._consumer = PlainConsumer("media", [ITEMS], settings, publisher, keys, clock)

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._consumer.run(self.take, stop))
            group.create_task(self._work(stop))

    async def take(self, messages: Sequence[Message]) -> None:
        """Makes jobs of items. What does not open is the normalizer's to bury: it reads the same records.

        Raises ``InvalidItem`` for a value that is no item, ``TransientError`` with the vault away.
        """
        opened, _ = await open_sealed(messages, self._keys)
        try:
            events = [decode(one.plain, ItemEvent) for one in opened]
        except msgspec.DecodeError as error:
            raise InvalidItem("media.not-an-item", type(error).__name__) from error
        vault = self._vault
        jobs = [job for event in events for job in jobs_of(event, self._sources, vault.pseudonym, vault.hash_of)]
        if jobs:
            await asyncio.to_thread(vault.hold_media, jobs)

    async def work_due(self, limit: int = AT_ONCE) -> int:
        """Does what is due now, ``limit`` jobs at most; how many there were. Raises ``Unavailable`` for the claim."""
        jobs = await asyncio.to_thread(self._vault.claim_media, limit, LEASE)
        await asyncio.gather(*(self._one(job) for job in jobs))
        return len(jobs)

    async def _one(self, job: MediaJob) -> None:
        try:
            await self._worker.work(job)
        except TransientError as error:
            # Nothing of ours is lost: the job comes again when its lease has passed.
            log.warning("media.away", channel=job.channel, error=type(error).__name__)
        except Exception as error:
            log.error("media.failed", channel=job.channel, where=safe_trace(error))  # noqa: TRY400 - no values

    async def _work(self, stop: asyncio.Event) -> None:
        running: dict[asyncio.Task[None], MediaJob] = {}
        ticks = 0
        while not stop.is_set():
            try:
                if ticks % COUNT_EVERY == 0:
                    await self._count()
                claimed = await asyncio.to_thread(self._vault.claim_media, AT_ONCE - len(running), LEASE)
            except TransientError:
                claimed = []
            ticks += 1
            for job in claimed:
                running[asyncio.create_task(self._one(job))] = job
            await self._pause(stop, running, full=len(running) >= AT_ONCE)
            running = {task: job for task, job in running.items() if not task.done()}
        await self._hand_back(running)

    @staticmethod
    async def _pause(stop: asyncio.Event, running: Mapping[asyncio.Task[None], MediaJob], *, full: bool) -> None:
        """A tick; shorter when a place becomes free or the process stops."""
        stopping = asyncio.create_task(stop.wait())
        try:
            waited = {stopping, *(running if full else ())}
            await asyncio.wait(waited, timeout=TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()

    async def _hand_back(self, running: Mapping[asyncio.Task[None], MediaJob]) -> None:
        """What is in hand at the end is due at once for whoever comes next."""
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for job in running.values():
            try:
                await asyncio.to_thread(self._vault.postpone_media, job.job_id, self._clock.now(), failed=False)
            except TransientError:
                return

    async def _count(self) -> None:
        waiting = await asyncio.to_thread(self._vault.waiting_media)
        for channel in {*self._sources, *waiting}:
            MEDIA_WAITING.labels(channel).set(waiting.get(channel, 0))
