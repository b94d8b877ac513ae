"""What all records share: identity, tenant, event time, and the one JSON codec."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""A point in time with a zone; UTC on the bus, Asia/Jakarta only for people."""

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""A confidence or a portion, 0 to 1."""


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A piece of a record. Unknown fields are ignored, so that a newer producer never breaks an older reader."""


class Record(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A value of a topic.

    ``id`` derives from what caused the record, so a repeated delivery carries the same id (DESIGN, promise 3).
    ``at`` is event time in UTC.
    """

    id: str
    tenant: str
    at: Instant


R = TypeVar("R")
_encoder = msgspec.json.Encoder(decimal_format="number")
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def encode(value: Any) -> bytes:
    """JSON bytes of a record; datetimes as RFC 3339."""
    return _encoder.encode(value)


def decode(data: bytes | str, kind: type[R]) -> R:
    """The record in ``data``. Raises ``msgspec.DecodeError`` or ``msgspec.ValidationError`` (its subclass)."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    return decoder.decode(data)  # type: ignore[no-any-return]


def utc(moment: datetime) -> datetime:
    """``moment`` in UTC. Raises ``ValueError`` for a naive one: guessing a zone is how deadlines go wrong."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime: attach a zone where it enters the system")
    return moment.astimezone(UTC)
