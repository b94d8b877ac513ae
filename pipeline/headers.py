"""Names and making of the headers on every Kafka record: CloudEvents 1.0 attributes in binary mode, and our own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from schemas.base import Record
from schemas.topics import Topic

CONTENT_TYPE = "content-type"
KEY_ID = "tanggap_key"
"""Id of the record key that a sealed value opens with."""
CHANNEL = "tanggap_channel"
ACCOUNT = "tanggap_account"
RECEIVED = "tanggap_received"
"""RFC 3339 instant of the receipt of raw bytes."""
BLOB = "tanggap_blob"
"""Present when the sealed value only names a sealed blob that holds the bytes."""
META = "tanggap_meta"
DEAD = "tanggap_dead"
"""JSON of ``schemas.events.DeadLetter``."""

EVENT_SOURCE = "/tanggap"
EVENT_PREFIX = "id.go.jakarta."


def cloud_event(topic: Topic, *, event_id: str, source: str, time: str, subject: str) -> dict[str, str]:
    """CloudEvents context attributes as headers (CloudEvents 1.0.2, Kafka protocol binding 1.0.2, section 3.2)."""
    return {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": f"{EVENT_SOURCE}/{source}",
        "ce_type": f"{EVENT_PREFIX}{topic.event_type}.v1",
        "ce_time": time,
        "ce_subject": subject,
    }


def record_headers(topic: Topic, record: Record, source: str, subject: str) -> dict[str, str]:
    """Headers of a record that travels in clear."""
    time = msgspec.to_builtins(record.at)
    return {
        CONTENT_TYPE: "application/json",
        **cloud_event(topic, event_id=record.id, source=source, time=time, subject=subject),
    }


def to_wire(headers: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """As the Kafka clients want them."""
    return [(name, value.encode()) for name, value in headers.items()]


def from_wire(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Text headers by name; bytes that are not UTF-8 are replaced, never fatal."""
    return {name: (value or b"").decode("utf-8", "replace") for name, value in headers}
