"""What a batch processor is: messages in, staged state and outputs out. ``pipeline.worker`` runs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from schemas.base import Record
from schemas.topics import Topic


@dataclass(frozen=True)
class Message:
    """One Kafka record. ``headers`` hold text values only; ours are listed in ``pipeline.headers``."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    timestamp: datetime | None = None


class State(Protocol):
    """A stage's table as seen from one batch: the rows of the keys of its messages.

    Writes are staged: the frame writes them after the outputs were acknowledged and before the offset is committed
    (DESIGN, promise 3). A ``get`` sees the batch's own writes.
    """

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes) -> None: ...

    def delete(self, key: str) -> None: ...


class Outbox(Protocol):
    """Collects outputs; the frame publishes them when ``process`` has returned."""

    def send(self, topic: Topic, key: str, record: Record) -> None:
        """A record of a topic that travels in clear (masked text, pseudonyms)."""

    def send_sealed(self, topic: Topic, key: str, plain: bytes, headers: Mapping[str, str]) -> str:
        """A record to be sealed with a one-time key; returns the id of that key. Raises ``Unavailable``."""

    def dead(self, message: Message, reason: str, detail: str = "") -> None:
        """One message of the batch that can never be processed, while its neighbours go on."""


class Stage(Protocol):
    """A processor of batches.

    ``process`` gets messages of one or several of ``inputs`` and of the partitions this worker holds, those of one key
    and topic in order. What it raises decides:
    ``InvalidItem`` and anything unforeseen narrow the batch down to the culprit, which becomes a dead letter;
    ``TransientError`` makes the frame wait and try the same batch again. It must therefore be repeatable: no effect but
    staged state, outputs, and idempotent calls to the vault. A duplicate re-emits the same outputs.
    """

    @property
    def name(self) -> str:
        """Names its consumer group and its metrics."""

    @property
    def inputs(self) -> tuple[Topic, ...]:
        """What it consumes; topics that share keys, where it has a table."""

    @property
    def table(self) -> str | None:
        """Name of its table, keyed like its inputs; None for a stage without state."""

    async def process(self, messages: Sequence[Message], state: State, out: Outbox) -> None: ...


class TimedStage(Stage, Protocol):
    """A stage that also acts when time passes (the SLA monitor)."""

    def recovered(self, partition: int, rows: Iterable[tuple[str, bytes]]) -> None:
        """A table partition is complete: rebuild what is derived from it. Called again after every rebalance."""

    def revoked(self, partition: int) -> None:
        """The partition is another worker's now."""

    async def tick(self, partition: int, now: datetime, state: State, out: Outbox) -> None:
        """Called about once a second for each partition held."""
