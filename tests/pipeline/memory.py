"""Keys, publisher and blobs in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from pipeline.errors import Unavailable
from pipeline.publisher import Outbound, Publisher
from pipeline.sealing import RecordKey

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


class Clock:
    """Always noon in Jakarta."""

    def now(self) -> datetime:
        return NOON


class MemoryKeys:
    """``pipeline.sealing.Keys``; remembers what it gave out."""

    def __init__(self) -> None:
        self.secrets: dict[str, bytes] = {}
        self.empty = False

    def take(self) -> RecordKey:
        if self.empty:
            raise Unavailable("no key is left")
        key = RecordKey(f"k{len(self.secrets)}", bytes([len(self.secrets)]) * 32)
        self.secrets[key.id] = key.secret
        return key

    async def find(self, ids: Collection[str]) -> Mapping[str, bytes]:
        return {one: self.secrets[one] for one in ids if one in self.secrets}


class Paper(Publisher):
    """Writes down what Kafka would have."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1:1")
        self.records: list[Outbound] = []
        self.away = False

    async def publish(self, records: Sequence[Outbound]) -> list[int]:
        if self.away:
            raise Unavailable("Kafka is away")
        self.records += records
        return list(range(len(records)))


class Blobs:
    """``pipeline.intake.BlobSink``: the same idempotency gets the same name."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put(self, plain: bytes, *, idempotency: str, media_type: str) -> str:
        self.kept[idempotency] = plain
        return f"blob-{sorted(self.kept).index(idempotency)}"
