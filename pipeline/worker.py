"""Runs one stage: the order of effects, the fate of errors, ticks, and what a restart finds.

Order inside a batch (DESIGN, promise 3): outputs acknowledged, then table (changelog first), then offset. Whatever
kills the process in between, the batch comes again and the same outputs with the same ids are emitted.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from itertools import islice

import structlog
from faust.contrib.asgi import faust_app_running

from .batch import BatchApp, PartitionTable
from .clock import Clock
from .errors import TransientError
from .fate import settle
from .log import safe_trace
from .metrics import BATCH_SECONDS, PROCESSED, READY
from .outbox import Outputs, dead_record
from .publisher import Outbound, Publisher
from .sealing import Keys
from .settings import CoreSettings
from .stage import Message, Stage, TimedStage

TICK_SECONDS = 1.0
BLOCK_CACHE_BYTES = 16 * 1024 * 1024
WRITE_BUFFER_BYTES = 4 * 1024 * 1024

log = structlog.get_logger(__name__)


class StagedState:
    """Implements ``pipeline.stage.State``: an overlay on the table. ``partition_of`` tells where a key lives."""

    def __init__(self, table: PartitionTable | None, partition_of: Callable[[str], int]) -> None:
        self._table = table
        self._partition_of = partition_of
        self.changes: dict[bytes, bytes | None] = {}

    def get(self, key: str) -> bytes | None:
        """See ``pipeline.stage.State``."""
        name = key.encode()
        if name in self.changes:
            return self.changes[name]
        return self._table.get(self._partition_of(key), name) if self._table else None

    def by_partition(self) -> dict[int, dict[bytes, bytes | None]]:
        """The changes, sorted by where they go."""
        found: dict[int, dict[bytes, bytes | None]] = defaultdict(dict)
        for key, value in self.changes.items():
            found[self._partition_of(key.decode())][key] = value
        return found

    def put(self, key: str, value: bytes) -> None:
        """See ``pipeline.stage.State``."""
        self.changes[key.encode()] = value

    def delete(self, key: str) -> None:
        """See ``pipeline.stage.State``."""
        self.changes[key.encode()] = None


class StageWorker:
    """One stage on one Faust app. ``run`` returns on ``stop`` and raises when Faust gives up."""

    def __init__(self, stage: Stage, settings: CoreSettings, publisher: Publisher, keys: Keys, clock: Clock) -> None:
        self.stage = stage
        self._settings = settings
        self._publisher = publisher
        self._keys = keys
        self._clock = clock
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._stopping = asyncio.Event()
        self._app = self._build()
        self._table = self._build_table()

    def _build(self) -> BatchApp:
        settings = self._faust_settings()
        app = BatchApp(**settings)
        app.subscribe((topic.name for topic in self.stage.inputs), self.handle)
        return app

    def _faust_settings(self) -> dict[str, object]:
        """Faust's settings for this stage; every worker of it has its own static group membership."""
        settings = self._settings
        tables = settings.data_dir / "tables" / f"{self.stage.name}-{settings.instance}"
        tables.mkdir(parents=True, exist_ok=True, mode=0o700)
        return {
            "id": f"tanggap-{self.stage.name}",
            "broker": ";".join(f"kafka://{host.strip()}" for host in settings.kafka.split(",")),
            "store": "rocksdb://",
            "datadir": str(tables),
            "topic_partitions": settings.partitions,
            "topic_replication_factor": settings.replication,
            "topic_disable_leader": True,
            "consumer_auto_offset_reset": "earliest",
            "consumer_group_instance_id": f"{self.stage.name}-{settings.instance}",
            "broker_session_timeout": 10.0,
            "broker_heartbeat_interval": 2.0,
            "broker_commit_interval": 1.0,
            "broker_max_poll_records": 2000,
            "stream_wait_empty": False,
            "web_enabled": False,
            "autodiscover": False,
            "logging_config": None,
            "loghandlers": [],
        }

    def _build_table(self) -> PartitionTable | None:
        if self.stage.table is None:
            return None
        table = self._app.Table(
            self.stage.table,
            key_type=bytes,
            value_type=bytes,
            partitions=self._settings.partitions,
            options={
                "driver": "rocksdict",
                "block_cache_size": BLOCK_CACHE_BYTES,
                "write_buffer_size": WRITE_BUFFER_BYTES,
            },
        )
        if hasattr(self.stage, "tick"):
            table.on_recover(self._recovered)
        return PartitionTable(table)

    async def run(self, stop: asyncio.Event) -> None:
        """Processes until ``stop``; finishes the batch in hand. Raises ``RuntimeError`` when Faust has crashed."""
        await self._publisher.wait_connected()
        ready = READY.labels(self.stage.name)
        async with faust_app_running(self._app, stop_timeout=30):
            crashed = asyncio.create_task(self._app.wait_until_stopped())
            stopped = asyncio.create_task(stop.wait())
            ticks = asyncio.create_task(self._ticks()) if hasattr(self.stage, "tick") else None
            ready.set(1)
            log.info("stage.started", stage=self.stage.name)
            waiting = {task for task in (crashed, stopped, ticks) if task is not None}
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            self._stopping.set()
            ready.set(0)
            for task in waiting - done:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            if ticks is not None and ticks in done:
                ticks.result()
        if not stop.is_set():
            reason = self._app.crash_reason
            where = safe_trace(reason) if reason else "no reason given"
            raise RuntimeError(f"stage {self.stage.name} stopped by itself: {where}")

    async def handle(self, messages: Sequence[Message]) -> bool:
        """Implements ``pipeline.batch.Handler``."""
        async with AsyncExitStack() as held:
            for partition in sorted({message.partition for message in messages}):
                await held.enter_async_context(self._locks[partition])
            with BATCH_SECONDS.labels(self.stage.name).time():
                finished = await settle(self.stage.name, messages, self._process, self)
        if finished:
            for topic, count in Counter(message.topic for message in messages).items():
                PROCESSED.labels(self.stage.name, topic).inc(count)
        return finished

    async def _process(self, messages: Sequence[Message]) -> None:
        homes = {message.key: message.partition for message in messages}
        state = StagedState(self._table, homes.__getitem__)
        out = Outputs(self.stage.name, self._settings.tenant, self._keys, self._clock.now())
        await self.stage.process(messages, state, out)
        await self._effect(state, out)

    async def _effect(self, state: StagedState, out: Outputs) -> None:
        await self._publisher.publish(out.records)
        if not state.changes or self._table is None:
            return
        name, homes = self._table.changelog, state.by_partition()
        rows = [
            Outbound(name, key.decode(), value, partition=partition)
            for partition, changes in homes.items()
            for key, value in changes.items()
        ]
        offsets = iter(await self._publisher.publish(rows))
        for partition, changes in homes.items():
            self._table.write(partition, changes, max(islice(offsets, len(changes))))

    async def publish_dead(self, message: Message, reason: str, detail: str) -> None:
        """See ``pipeline.fate.Surroundings``."""
        now = self._clock.now()
        letter = dead_record(self.stage.name, self._settings.tenant, self._keys, message, reason, detail, now)
        await self._publisher.publish([letter])

    async def pause(self, seconds: float) -> bool:
        """See ``pipeline.fate.Surroundings``."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return self._app.flowing
        return False

    async def _recovered(self) -> None:
        if self._table is None:
            return
        for partition in self._table.partitions():
            await self._rebuild(partition)

    async def _rebuild(self, partition: int) -> None:
        if self._table is None:
            return
        stage: TimedStage = self.stage  # type: ignore[assignment]
        async with self._locks[partition]:
            stage.recovered(partition, self._table.rows(partition))

    async def _ticks(self) -> None:
        stage: TimedStage = self.stage  # type: ignore[assignment]
        held: set[int] = set()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if not self._app.flowing:
                continue
            now_held = self._app.active_partitions(self.stage.inputs[0].name)
            for partition in held - now_held:
                stage.revoked(partition)
            held = now_held
            for partition in sorted(held):
                await self._tick(stage, partition)

    async def _tick(self, stage: TimedStage, partition: int) -> None:
        """What a failed tick has taken out of the stage's index is found again by rebuilding it from the table."""
        failed = False
        async with self._locks[partition]:
            state = StagedState(self._table, lambda key: partition)
            out = Outputs(self.stage.name, self._settings.tenant, self._keys, self._clock.now())
            try:
                await stage.tick(partition, self._clock.now(), state, out)
                await self._effect(state, out)
            except TransientError as error:
                failed = True
                log.warning("stage.tick-failed", stage=self.stage.name, error=type(error).__name__)
        if failed:
            await self._rebuild(partition)
