"""What the offline commands print, without a broker."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import ingestors
from ingestors.registry import CHANNELS
from tanggap import offline

HOME = Path(ingestors.__path__[0])
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def test_decode_prints_what_became_of_our_messages() -> None:
    file = HOME / "whatsapp" / "fixtures" / "statuses_v25_out_of_order_and_odd.json"
    found = list(offline.decode(CHANNELS["whatsapp"], file.name, file.read_bytes(), NOW))
    assert [(one["delivery"].state, one["delivery"].reply) for one in found[:2]] == [("read", "r1"), ("sent", "r1")]
    assert {one["item"] for one in found} == {None}


def test_decode_prints_the_same_members_for_every_outcome() -> None:
    (dead,) = offline.decode(CHANNELS["whatsapp"], "-", b"rusak", NOW)
    assert list(dead) == ["source", "outcome", "reason", "key", "item", "delivery"]
