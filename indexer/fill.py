"""Filling an index from a topic: the newest record per key wins by its version, whatever else writes meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from kafka import KafkaConsumer

from pipeline.errors import InvalidItem
from pipeline.stage import Message

from . import source
from .views import View
from .writer import Operation, Wait, Writer

log = structlog.get_logger(__name__)


@dataclass
class Filled:
    """Count of records read, and of those that cannot stand in the index."""

    records: int = 0
    refused: int = 0


@dataclass(frozen=True)
class Filler:
    """What filling needs: where records come from, who writes them, and when to give up."""

    consumer: KafkaConsumer
    writer: Writer
    wait: Wait
    going_on: Callable[[], bool]

    def fill(self, view: View, alias: str, starts: source.Positions, total: Filled) -> source.Positions:
        """Writes what stands on the topic from ``starts`` to its present end behind ``alias``; returns that end.

        Raises what ``source.read`` and ``Writer.write`` raise.
        """
        ends: source.Positions = self.consumer.end_offsets(list(starts))
        for batch in source.read(self.consumer, starts, ends, self.going_on):
            operations = [
                operation for operation in (_operation(view, alias, one, total) for one in batch) if operation
            ]
            for failure in self.writer.write(operations, self.wait):
                _refused(failure.operation.origin, failure.detail, total)
            total.records += len(batch)
        return ends

    def beginning(self, view: View) -> source.Positions:
        """Where the view's topic begins. Raises ``TopicsMissing``."""
        found: source.Positions = self.consumer.beginning_offsets(source.partitions(self.consumer, view.topic))
        return found


def _operation(view: View, alias: str, message: Message, total: Filled) -> Operation | None:
    try:
        return view.operation(message, alias)
    except InvalidItem as error:
        _refused(message, error.reason, total)
        return None


def _refused(message: Message, reason: str, total: Filled) -> None:
    """Only logged and counted: the live indexer makes the dead letter when it comes by the same record."""
    total.refused += 1
    log.warning("fill.refused", topic=message.topic, partition=message.partition, offset=message.offset, reason=reason)
