"""The publisher: durable or told at once, never a caller left waiting."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError, OutOfOrderSequenceNumber

import pipeline.publisher as module
from pipeline.errors import InvalidItem, Unavailable
from pipeline.publisher import Outbound, Publisher

CLOSED = "127.0.0.1:1"


class Acknowledgement:
    def __init__(self, offset: int) -> None:
        self.offset = offset


class Producer:
    """aiokafka's producer as far as it is used; ``answers`` says what becomes of each record."""

    made: list[Producer]
    answers: list[Exception | None]
    hold: asyncio.Event | None

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.stopped = False
        self.sent: list[tuple[str, bytes | None, bytes, list[tuple[str, bytes]]]] = []
        Producer.made.append(self)

    async def start(self) -> None:
        """Connected."""

    async def stop(self) -> None:
        self.stopped = True

    async def send(
        self, topic: str, value: bytes | None, *, key: bytes, partition: int | None, headers: list[tuple[str, bytes]]
    ) -> asyncio.Future[Acknowledgement]:
        self.sent.append((topic, value, key, headers))
        return asyncio.ensure_future(self._acknowledge(len(self.sent) - 1))

    async def _acknowledge(self, offset: int) -> Acknowledgement:
        if Producer.hold is not None:
            await Producer.hold.wait()
        answer = Producer.answers.pop(0) if Producer.answers else None
        if answer is not None:
            raise answer
        return Acknowledgement(offset)


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker in memory, in the place of aiokafka's producer."""
    Producer.made, Producer.answers, Producer.hold = [], [], None
    monkeypatch.setattr(module, "AIOKafkaProducer", Producer)
    monkeypatch.setattr(module, "DELIVERY_SECONDS", 0.05)


async def connected(**options: Any) -> Publisher:
    publisher = Publisher("broker:9092", **options)
    await publisher.start()
    await publisher.wait_connected()
    return publisher


def record(name: str = "k", value: bytes = b"v") -> Outbound:
    return Outbound("crm.tickets", name, value, {"ce_id": name})


async def test_broker_away_is_told_at_once_and_starting_does_not_wait() -> None:
    publisher = Publisher(CLOSED)
    await publisher.start()
    try:
        async with asyncio.timeout(1):
            with pytest.raises(Unavailable):
                await publisher.publish([record()])
        assert not publisher.connected
    finally:
        await publisher.stop()


async def test_nothing_to_publish_needs_no_broker() -> None:
    assert await Publisher(CLOSED).publish([]) == []


@pytest.mark.usefixtures("kafka")
async def test_records_go_in_order_with_key_and_headers_and_their_offsets_come_back() -> None:
    publisher = await connected()
    assert await publisher.publish([record("a"), record("b")]) == [0, 1]
    assert Producer.made[0].sent == [
        ("crm.tickets", b"v", b"a", [("ce_id", b"a")]),
        ("crm.tickets", b"v", b"b", [("ce_id", b"b")]),
    ]
    await publisher.stop()
    assert Producer.made[0].stopped


@pytest.mark.usefixtures("kafka")
async def test_producer_waits_for_all_replicas_and_is_idempotent() -> None:
    publisher = await connected()
    options = Producer.made[0].options
    assert (options["acks"], options["enable_idempotence"]) == ("all", True)
    await publisher.stop()


@pytest.mark.usefixtures("kafka")
async def test_over_the_limit_in_flight_is_refused_and_what_is_in_flight_arrives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "DELIVERY_SECONDS", 5.0)
    publisher = await connected(in_flight_bytes=2000)
    Producer.hold = asyncio.Event()
    first = asyncio.create_task(publisher.publish([record("a", b"x" * 1000)]))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="wait for Kafka"):
        await publisher.publish([record("b", b"x" * 1000)])
    Producer.hold.set()
    assert await first == [0]
    assert await publisher.publish([record("c", b"x" * 1000)]) == [1]
    await publisher.stop()


@pytest.mark.usefixtures("kafka")
async def test_one_record_over_the_limit_passes_while_nothing_else_is_in_flight() -> None:
    publisher = await connected(in_flight_bytes=10)
    assert await publisher.publish([record("a", b"x" * 1000)]) == [0]
    await publisher.stop()


@pytest.mark.usefixtures("kafka")
async def test_slow_broker_is_unavailable_and_a_stuck_producer_is_replaced() -> None:
    publisher = await connected()
    Producer.hold = asyncio.Event()
    for _ in range(module.STUCK_AFTER):
        with pytest.raises(Unavailable, match="did not acknowledge"):
            await publisher.publish([record()])
    await publisher.wait_connected()
    Producer.hold = None
    await publisher.publish([record()])
    assert [len(one.sent) for one in Producer.made] == [module.STUCK_AFTER, 1]
    await publisher.stop()
    assert all(one.stopped for one in Producer.made)


@pytest.mark.usefixtures("kafka")
async def test_broken_sequence_gets_a_new_producer() -> None:
    publisher = await connected()
    Producer.answers = [OutOfOrderSequenceNumber()]
    with pytest.raises(Unavailable):
        await publisher.publish([record()])
    await publisher.wait_connected()
    await publisher.publish([record()])
    assert len(Producer.made) == 2
    await publisher.stop()


@pytest.mark.usefixtures("kafka")
@pytest.mark.parametrize(
    ("answer", "kind"), [(MessageSizeTooLargeError(), InvalidItem), (KafkaConnectionError(), Unavailable)]
)
async def test_answer_of_the_broker_decides(answer: Exception, kind: type[Exception]) -> None:
    publisher = await connected()
    Producer.answers = [None, answer]
    with pytest.raises(kind):
        await publisher.publish([record("a"), record("b"), record("c")])
    assert await publisher.publish([record("d")]) == [3]
    await publisher.stop()
