"""The batch consumer within Faust: every private name of Faust that we lean on is in this file.

Faust's assignor, table recovery, rebalancing and commits stay; only the way from a fetched batch to the code that
handles it is ours, because Faust's own costs four asyncio tasks a message (docs/decisions/0002-batch-frame.md).
faust-streaming is pinned, and ``tests/pipeline/test_faust_names.py`` fails when one of these names changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import faust
import rocksdict
from aiokafka.protocol.fetch import FetchRequest
from faust.transport.drivers import aiokafka as driver

from .pacing import Pacing
from .records import to_message
from .stage import Message

SLICE = 500
"""Records handled at once; between slices the frame looks for rebalances."""

Handler = Callable[[Sequence[Message]], Awaitable[bool]]
"""Takes records of any partitions, those of each in order; False means "not done, stop here" (rebalance, shutdown)."""


def pace(client: Any) -> None:
    """Makes ``client`` rest between fetches (``pipeline.pacing``)."""
    send, pacing = client.send, Pacing()

    async def paced(node_id: Any, request: Any, **options: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return await send(node_id, request, **options)
        await asyncio.sleep(pacing.wait())
        response = await send(node_id, request, **options)
        pacing.asked(any(partition[-1] for _, partitions in response.topics for partition in partitions))
        return response

    client.send = paced


class BatchThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer thread with a paced client."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        pace(consumer._client)
        return consumer


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """Hands fetched batches to ``app.batch_handler``; commits the end of the last finished batch."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._done: dict[Any, int] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    def _new_consumer_thread(self) -> Any:
        return BatchThread(self, loop=self.loop, beacon=self.beacon)

    async def _drain_messages(self, fetcher: Any) -> None:
        stopped, fetcher_stopped = self._stopped.is_set, fetcher._stopped.is_set
        while not (stopped() or fetcher_stopped()):
            try:
                records, active = await self._wait_next_records(1.0)
            except self.consumer_stopped_errors:
                if self.transport.app.should_stop:
                    return
                raise
            await asyncio.sleep(0)
            if not records or self.should_stop:
                continue
            if not self.flow_active:
                await self.perform_seek()
                continue
            await self._deliver(records, active)

    async def _deliver(self, records: Mapping[Any, Sequence[Any]], active: set[Any] | None) -> None:
        """All partitions go to the handler together: a batch of ten costs hardly more than a batch of one."""
        work: dict[Any, list[Any]] = {}
        for tp, fetched in records.items():
            if active is not None and tp not in active:
                continue
            if tp.topic in self.app.batch_topics:
                position = self._read_offset[tp]
                work[tp] = [record for record in fetched if position is None or record.offset >= position]
            else:
                await self._one_by_one(tp, fetched)
        if any(work.values()):
            await self.app.flow_control.acquire()
            generation = self.app.consumer_generation_id
            self._idle.clear()
            try:
                await self._hand_over(work, generation)
            finally:
                self._idle.set()

    async def _one_by_one(self, tp: Any, fetched: Sequence[Any]) -> None:
        """Changelog records during recovery go Faust's own way."""
        for record in fetched:
            message = self._to_message(tp, record)
            position = self._read_offset[tp]
            if position is None or message.offset >= position:
                await self.wait_first(self.callback(message), self.suspend_flow.wait())
                self._read_offset[tp] = message.offset

    async def _hand_over(self, work: dict[Any, list[Any]], generation: int) -> None:
        while work := {tp: left for tp, left in work.items() if left}:
            if self.app.consumer_generation_id != generation or not self.flow_active:
                return
            share = max(1, SLICE // len(work))
            part = {tp: left[:share] for tp, left in work.items()}
            if not await self.app.batch_handler([to_message(one) for taken in part.values() for one in taken]):
                return
            if self.app.consumer_generation_id != generation:
                return
            for tp, taken in part.items():
                self._done[tp] = self._read_offset[tp] = taken[-1].offset + 1
                self._acked.setdefault(tp, [])
            work = {tp: left[share:] for tp, left in work.items()}
            await asyncio.sleep(0)

    def _new_offset(self, tp: Any) -> int | None:
        if tp in self._done:
            return self._done.pop(tp)
        return super()._new_offset(tp)  # type: ignore[no-any-return]

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self._done.pop(tp, None)

    async def wait_empty(self) -> None:
        await self._idle.wait()
        await super().wait_empty()


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """Faust's aiokafka transport with our consumer."""

    Consumer = BatchConsumer


class BatchApp(faust.App):  # type: ignore[misc]
    """A Faust app whose records go to ``batch_handler`` by the batch."""

    batch_topics: frozenset[str] = frozenset()
    batch_handler: Handler

    def _new_transport(self) -> Any:
        return BatchTransport(self.conf.broker_consumer, self, loop=self.loop)

    def subscribe(self, topics: Iterable[str], handler: Handler) -> None:
        """Subscribes without agents: no stream is made, and no stream can acknowledge in our place."""
        self.batch_topics = frozenset(topics)
        self.batch_handler = handler
        for name in sorted(self.batch_topics):
            self.topics.add(self.topic(name, key_type=bytes, value_type=bytes, internal=False))

    def active_partitions(self, topic: str) -> set[int]:
        """Partitions of ``topic`` that this worker holds."""
        return {tp.partition for tp in self.consumer.assignment() if tp.topic == topic}

    @property
    def flowing(self) -> bool:
        """True while records are handed out: assigned, recovered, and not rebalancing."""
        return (
            bool(self.consumer.flow_active)
            and not self.rebalancing
            and bool(self.tables.actives_ready or not self.tables)
        )


class PartitionTable:
    """Reads and writes one Faust table by partition, for code that runs outside Faust's streams."""

    def __init__(self, table: Any) -> None:
        self._table = table

    @property
    def changelog(self) -> str:
        """Name of the changelog topic."""
        return str(self._table.changelog_topic.get_topic_name())

    def get(self, partition: int, key: bytes) -> bytes | None:
        """The stored value."""
        value: bytes | None = self._table.data._db_for_partition(partition).get(key)
        return value

    def write(self, partition: int, changes: Mapping[bytes, bytes | None], offset: int) -> None:
        """Applies ``changes`` (None deletes) in one RocksDB write; the changelog must have them up to ``offset``."""
        batch = rocksdict.WriteBatch(raw_mode=True)
        batch.put(self._table.data.offset_key, str(offset).encode())
        for key, value in changes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        self._table.data._db_for_partition(partition).write(batch)

    def rows(self, partition: int) -> Iterable[tuple[str, bytes]]:
        """All rows of a partition."""
        store = self._table.data
        for key, value in store._visible_items(store._db_for_partition(partition)):
            yield key.decode(), value

    def partitions(self) -> set[int]:
        """Partitions that are open here."""
        return set(self._table.data._dbs)
