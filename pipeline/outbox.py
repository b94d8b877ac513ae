"""What one batch sends and stages, kept aside until the frame publishes it in the right order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from schemas.base import Record, encode
from schemas.events import DeadLetter
from schemas.ids import derived_id
from schemas.topics import DEADLETTERS, Topic

from . import headers
from .metrics import DEAD
from .publisher import Outbound
from .sealing import Keys, seal
from .stage import Message

CARRIED = (headers.CONTENT_TYPE, headers.CHANNEL, headers.ACCOUNT, headers.RECEIVED, headers.BLOB, headers.META)


class Outputs:
    """Implements ``pipeline.stage.Outbox`` for one batch of one stage."""

    def __init__(self, stage: str, tenant: str, keys: Keys, now: datetime) -> None:
        self._stage = stage
        self._tenant = tenant
        self._keys = keys
        self._now = now
        self.records: list[Outbound] = []

    def send(self, topic: Topic, key: str, record: Record) -> None:
        """See ``pipeline.stage.Outbox``."""
        meta = headers.record_headers(topic, record, self._stage, subject=key)
        self.records.append(Outbound(topic.name, key, encode(record), meta))

    def send_sealed(self, topic: Topic, key: str, plain: bytes, extra: Mapping[str, str]) -> str:
        """See ``pipeline.stage.Outbox``."""
        record_key = self._keys.take()
        value = seal(record_key.secret, plain, topic.name)
        meta = {headers.CONTENT_TYPE: "application/json", **extra, headers.KEY_ID: record_key.id}
        self.records.append(Outbound(topic.name, key, value, meta))
        return record_key.id

    def dead(self, message: Message, reason: str, detail: str = "") -> None:
        """See ``pipeline.stage.Outbox``."""
        self.records.append(dead_record(self._stage, self._tenant, self._keys, message, reason, detail, self._now))


def dead_record(
    stage: str, tenant: str, keys: Keys, message: Message, reason: str, detail: str, now: datetime
) -> Outbound:
    """The dead letter of ``message``: its bytes, sealed as they were or sealed now, and why in the headers.

    The sealing context stays the origin topic, so that a retry opens it exactly as the first reader did.
    """
    letter = DeadLetter(
        id=derived_id(
            stage, message.topic, str(message.partition), str(message.offset), message.headers.get("ce_id", "")
        ),
        tenant=tenant,
        at=now,
        stage=stage,
        reason=reason,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        channel=message.headers.get(headers.CHANNEL),
        detail=detail or None,
    )
    key_id = message.headers.get(headers.KEY_ID)
    value = message.value
    if key_id is None:
        record_key = keys.take()
        key_id, value = record_key.id, seal(record_key.secret, message.value, message.topic)
    meta = {name: message.headers[name] for name in CARRIED if name in message.headers}
    meta |= headers.cloud_event(
        DEADLETTERS, event_id=letter.id, source=stage, time=now.isoformat(), subject=message.topic
    )
    meta |= {headers.KEY_ID: key_id, headers.DEAD: encode(letter).decode()}
    DEAD.labels(stage, reason).inc()
    return Outbound(DEADLETTERS.name, message.key, value, meta)
