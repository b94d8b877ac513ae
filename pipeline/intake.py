"""Hands raw bytes over to Kafka: sealed, whole, acknowledged (DESIGN, promises 1 and 2)."""

from __future__ import annotations

import hashlib
from typing import Protocol

import msgspec

from schemas.base import encode
from schemas.topics import raw_topic

from . import headers
from .channel import Raw
from .clock import Clock
from .metrics import LAST_EVENT, RECEIVED
from .outbox import dead_record
from .publisher import Outbound, Publisher
from .sealing import Keys, seal
from .stage import Message

BLOB_FROM = 512 * 1024
"""Bytes; larger records travel as a reference to a sealed blob, because brokers refuse 1 MB and more."""


class BlobSink(Protocol):
    """Keeps large bytes sealed under a random name."""

    async def put(self, plain: bytes, *, idempotency: str, media_type: str) -> str: ...


class BlobReference(msgspec.Struct, frozen=True):
    """What the sealed value holds instead of large bytes."""

    blob: str
    size: int
    sha256: str


class RawIntake:
    """Implements ``pipeline.channel.Intake``."""

    def __init__(self, tenant: str, keys: Keys, publisher: Publisher, blobs: BlobSink, clock: Clock) -> None:
        self._tenant = tenant
        self._keys = keys
        self._publisher = publisher
        self._blobs = blobs
        self._clock = clock

    async def accept(self, raw: Raw) -> None:
        """See ``pipeline.channel.Intake``."""
        await self._publisher.publish([await self._record(raw)])
        RECEIVED.labels(raw.channel, "accepted").inc()
        LAST_EVENT.labels(raw.channel).set(raw.received_at.timestamp())

    async def dead(self, raw: Raw, reason: str) -> None:
        """See ``pipeline.channel.Intake``."""
        record = await self._record(raw)
        message = Message(
            topic=record.topic,
            partition=-1,
            offset=-1,
            key=record.key,
            value=record.value or b"",
            headers=record.headers,
        )
        letter = dead_record("receive", self._tenant, self._keys, message, reason, "", self._clock.now())
        await self._publisher.publish([letter])
        RECEIVED.labels(raw.channel, "dead").inc()

    async def _record(self, raw: Raw) -> Outbound:
        topic = raw_topic(raw.channel)
        record_key = self._keys.take()
        received = raw.received_at.isoformat()
        meta = {
            headers.CONTENT_TYPE: raw.content_type,
            headers.CHANNEL: raw.channel,
            headers.ACCOUNT: raw.account,
            headers.RECEIVED: received,
            headers.KEY_ID: record_key.id,
            **headers.cloud_event(
                topic, event_id=record_key.id, source=raw.channel, time=received, subject=raw.account
            ),
        }
        if raw.meta:
            meta[headers.META] = encode(dict(raw.meta)).decode()
        plain = raw.body
        if len(plain) > BLOB_FROM:
            plain = await self._as_blob(raw)
            meta[headers.BLOB] = "1"
        value = seal(record_key.secret, plain, topic.name)
        return Outbound(topic.name, f"{self._tenant}:{raw.account}", value, meta)

    async def _as_blob(self, raw: Raw) -> bytes:
        digest = hashlib.sha256(raw.body).hexdigest()
        idempotency = f"raw/{raw.channel}/{raw.account}/{digest}"
        name = await self._blobs.put(raw.body, idempotency=idempotency, media_type=raw.content_type)
        return encode(BlobReference(blob=name, size=len(raw.body), sha256=digest))
