"""Reading Kafka for the index: connecting without leaks, records as messages, and a topic from its beginning."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from pipeline import headers
from pipeline.pacing import FETCH_LIMITS
from pipeline.settings import CoreSettings
from pipeline.stage import Message

from .writer import Stopped

POLL_MS = 250
MAX_RECORDS = 1000
STALLED = 60.0
"""Seconds without a record, while some are due, after which reading a range is given up."""

Positions = Mapping[TopicPartition, int]


class TopicsMissing(Exception):
    """Topics that do not exist. Asking the embedded broker for their records would create them, with one partition."""

    def __init__(self, topics: Iterable[str]) -> None:
        super().__init__(f"{', '.join(sorted(topics))} missing: run tanggap topics apply")


class SourceStalled(Exception):
    """Kafka holds records it does not hand out."""


def connect(settings: CoreSettings, **config: Any) -> KafkaConsumer:
    """A consumer that has seen the broker. Raises kafka-python's errors after 5 s without one."""
    clients: list[KafkaNetClient] = []

    def client(**options: Any) -> KafkaNetClient:
        clients.append(KafkaNetClient(**options))
        return clients[-1]

    try:
        return KafkaConsumer(
            bootstrap_servers=settings.kafka.split(","),
            client_id="tanggap-indexer",
            bootstrap_timeout_ms=5_000,
            reconnect_backoff_max_ms=2_000,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            kafka_client=client,
            **FETCH_LIMITS,
            **config,
        )
    except KafkaError:
        # A constructor that fails has started its I/O thread already and leaves it running (kafka-python 3.0.12).
        for opened in clients:
            opened.close()
        raise


def require(consumer: KafkaConsumer, topics: Iterable[str]) -> None:
    """Raises ``TopicsMissing``."""
    missing = set(topics) - consumer.topics()
    if missing:
        raise TopicsMissing(missing)


def message(record: Any) -> Message:
    """A kafka-python record as the rest of the product knows it; a missing key or value becomes an empty one."""
    return Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode("utf-8", "replace"),
        value=record.value or b"",
        headers=headers.from_wire(record.headers),
        timestamp=datetime.fromtimestamp(record.timestamp / 1000, UTC) if record.timestamp >= 0 else None,
    )


def partitions(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """All partitions of ``topic``. Raises ``TopicsMissing``."""
    require(consumer, [topic])
    return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]


def read(
    consumer: KafkaConsumer, starts: Positions, ends: Positions, going_on: Callable[[], bool]
) -> Iterator[list[Message]]:
    """The records from ``starts`` up to ``ends`` (exclusive), in batches.

    Offsets have gaps in a compacted topic, so the consumer's position says when the end is reached, not a count.
    Raises ``Stopped`` once ``going_on`` is false, and ``SourceStalled``.
    """
    due = [partition for partition, end in ends.items() if starts[partition] < end]
    if not due:
        return
    consumer.assign(due)
    for partition in due:
        consumer.seek(partition, starts[partition])
    patience = time.monotonic() + STALLED
    while any(consumer.position(partition) < ends[partition] for partition in due):
        if not going_on():
            raise Stopped
        found = consumer.poll(timeout_ms=POLL_MS, max_records=MAX_RECORDS)
        if found:
            patience = time.monotonic() + STALLED
            yield [message(record) for records in found.values() for record in records]
        elif time.monotonic() > patience:
            raise SourceStalled(f"no record for {STALLED:.0f} s though some are due: check the broker, then run again")
