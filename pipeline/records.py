"""A fetched record of either client as the frame's message: both clients give it the same attributes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from .headers import from_wire
from .stage import Message


def to_message(record: Any) -> Message:
    """``record`` is an aiokafka or kafka-python ``ConsumerRecord``."""
    return Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode("utf-8", "replace"),
        value=record.value or b"",
        headers=from_wire(record.headers or ()),
        timestamp=datetime.fromtimestamp(record.timestamp / 1000, UTC),
    )
