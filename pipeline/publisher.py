"""The one durable publisher: aiokafka, ``acks=all``, idempotent, connected in the background, bounded in memory.

It never blocks the loop and never makes a caller wait longer than ``DELIVERY_SECONDS``: a webhook must answer before
its vendor gives up (X after 10 s, Messenger after 20 s).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
)

from .errors import InvalidItem, Unavailable
from .headers import to_wire
from .metrics import PUBLISH_SECONDS, PUBLISHED

DELIVERY_SECONDS = 4.0
IN_FLIGHT_BYTES = 64 * 1024 * 1024
MAX_RECORD_BYTES = 1_000_000
"""Brokers refuse records of 1 MB and more by default; larger values travel as sealed blobs."""
STUCK_AFTER = 2
"""Time-outs in a row after which the producer is replaced: an idempotent producer whose sequence a broker no longer
accepts repeats its batch for ever, and every record of that partition waits behind it."""
BROKEN_SEQUENCE = (OutOfOrderSequenceNumber, InvalidProducerIdMapping, InvalidProducerEpoch)
"""aiokafka does not start a new sequence after these: every later batch of the partition would fail as well."""
CLOSE_SECONDS = 2.0
RECONNECT_SECONDS = (0.2, 0.5, 1.0, 2.0)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outbound:
    """A record about to be published. ``partition`` None lets murmur2 over the key choose."""

    topic: str
    key: str
    value: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)
    partition: int | None = None

    @property
    def size(self) -> int:
        """Bytes it holds in memory, roughly."""
        return len(self.key) + len(self.value or b"") + 512


class Publisher:
    """Publishes and waits for the acknowledgement of all in-sync replicas."""

    def __init__(self, bootstrap: str, *, client_id: str = "tanggap", in_flight_bytes: int = IN_FLIGHT_BYTES) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._limit = in_flight_bytes
        self._in_flight = 0
        self._producer: AIOKafkaProducer | None = None
        self._connector: asyncio.Task[None] | None = None
        self._timeouts: dict[str, int] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        """True once the broker has answered; a later outage shows in ``publish``."""
        return self._producer is not None

    async def start(self) -> None:
        """Begins connecting; returns at once, also while the broker is away."""
        self._connector = asyncio.create_task(self._connect(), name="publisher-connect")

    async def stop(self) -> None:
        """Sends what is buffered and closes."""
        if self._connector is not None:
            self._connector.cancel()
            await asyncio.gather(self._connector, return_exceptions=True)
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await _close(producer, DELIVERY_SECONDS)
        if self._closing:
            await asyncio.wait(self._closing)

    async def wait_connected(self) -> None:
        """Returns when the broker has answered for the first time."""
        if self._connector is not None:
            await asyncio.shield(self._connector)

    async def _connect(self) -> None:
        attempt = 0
        while True:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                client_id=self._client_id,
                acks="all",
                enable_idempotence=True,
                linger_ms=1,
                compression_type="zstd",
                max_batch_size=128 * 1024,
                max_request_size=1_048_576,
                request_timeout_ms=int(DELIVERY_SECONDS * 1000),
                retry_backoff_ms=50,
            )
            try:
                await producer.start()
            except (KafkaError, OSError) as error:
                await producer.stop()
                if attempt % 20 == 0:
                    log.warning("publisher.broker-away", error=type(error).__name__)
                await asyncio.sleep(RECONNECT_SECONDS[min(attempt, len(RECONNECT_SECONDS) - 1)])
                attempt += 1
            except asyncio.CancelledError:
                await producer.stop()
                raise
            else:
                self._producer = producer
                return

    async def publish(self, records: Sequence[Outbound]) -> list[int]:
        """Returns the records' offsets once all are acknowledged.

        Raises ``Unavailable`` when the broker is away, too slow, or too much is in flight already, and ``InvalidItem``
        for a record that no broker takes. After ``Unavailable`` a record may still arrive: readers dedupe by id.
        """
        if not records:
            return []
        producer = self._producer
        if producer is None:
            raise Unavailable("Kafka has not answered yet")
        size = sum(record.size for record in records)
        if self._in_flight and self._in_flight + size > self._limit:
            raise Unavailable(f"{self._in_flight} bytes wait for Kafka already")
        self._in_flight += size
        try:
            with PUBLISH_SECONDS.time():
                offsets = await asyncio.wait_for(self._deliver(producer, records), DELIVERY_SECONDS)
        except TimeoutError as error:
            self._timed_out(producer, records)
            raise Unavailable(f"Kafka did not acknowledge within {DELIVERY_SECONDS} s") from error
        except MessageSizeTooLargeError as error:
            raise InvalidItem("publish.too-large", "over the broker's record limit") from error
        except BROKEN_SEQUENCE as error:
            self._replace(producer, records)
            raise Unavailable(type(error).__name__) from error
        except KafkaError as error:
            raise Unavailable(type(error).__name__) from error
        finally:
            self._in_flight -= size
        for record in records:
            self._timeouts.pop(record.topic, None)
            PUBLISHED.labels(record.topic).inc()
        return offsets

    def _timed_out(self, producer: AIOKafkaProducer, records: Sequence[Outbound]) -> None:
        topics = {record.topic for record in records}
        for topic in topics:
            self._timeouts[topic] = self._timeouts.get(topic, 0) + 1
        if max(self._timeouts[topic] for topic in topics) >= STUCK_AFTER:
            self._replace(producer, records)

    def _replace(self, producer: AIOKafkaProducer, records: Sequence[Outbound]) -> None:
        if producer is not self._producer:
            return
        log.warning("publisher.replaced", topic=",".join(sorted({record.topic for record in records})))
        self._producer = None
        self._timeouts.clear()
        closing = asyncio.create_task(_close(producer, CLOSE_SECONDS))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        self._connector = asyncio.create_task(self._connect(), name="publisher-connect")

    @staticmethod
    async def _deliver(producer: AIOKafkaProducer, records: Sequence[Outbound]) -> list[int]:
        acknowledged = [
            await producer.send(
                record.topic,
                record.value,
                key=record.key.encode(),
                partition=record.partition,
                headers=to_wire(record.headers),
            )
            for record in records
        ]
        results = await asyncio.gather(*acknowledged, return_exceptions=True)
        offsets: list[int] = []
        for result in results:
            if isinstance(result, BaseException):
                raise result
            offsets.append(result.offset)
        return offsets


async def _close(producer: AIOKafkaProducer, patience: float) -> None:
    """Closes politely, and after ``patience`` seconds without what it still wants to send."""
    stopping = asyncio.ensure_future(producer.stop())
    done, _ = await asyncio.wait({stopping}, timeout=patience)
    if not done:
        stopping.cancel()
        await asyncio.gather(stopping, producer._sender.close(), return_exceptions=True)
        await producer.client.close()
