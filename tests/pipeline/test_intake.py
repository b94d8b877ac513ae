"""Raw bytes reach Kafka whole and sealed, or the caller is told that they did not."""

from __future__ import annotations

import hashlib
import json

import pytest

from pipeline import headers
from pipeline.channel import Raw
from pipeline.errors import Unavailable
from pipeline.intake import BLOB_FROM, BlobReference, RawIntake
from pipeline.sealing import unseal
from schemas.base import decode
from schemas.events import DeadLetter
from tests.pipeline.memory import NOON, Blobs, Clock, MemoryKeys, Paper

BODY = b'{"from":"6281200000001","text":"Lampu mati"}'


class Entrance:
    def __init__(self) -> None:
        self.keys, self.paper, self.blobs = MemoryKeys(), Paper(), Blobs()
        self.intake = RawIntake("jakarta", self.keys, self.paper, self.blobs, Clock())


@pytest.fixture
def entrance() -> Entrance:
    return Entrance()


def raw(body: bytes = BODY, **meta: str) -> Raw:
    return Raw("whatsapp", "1001", body, "application/json", NOON, meta)


async def test_bytes_are_kept_whole_and_only_sealed(entrance: Entrance) -> None:
    await entrance.intake.accept(raw())
    (record,) = entrance.paper.records
    assert record.value is not None
    assert (record.topic, record.key) == ("crm.raw.whatsapp", "jakarta:1001")
    assert b"6281200000001" not in record.value
    assert "6281200000001" not in json.dumps(dict(record.headers))
    secret = entrance.keys.secrets[record.headers[headers.KEY_ID]]
    assert unseal(secret, record.value, "crm.raw.whatsapp") == BODY


async def test_headers_say_what_the_bytes_do_not(entrance: Entrance) -> None:
    await entrance.intake.accept(raw(source="webhook"))
    meta = entrance.paper.records[0].headers
    assert (meta[headers.CHANNEL], meta[headers.ACCOUNT], meta[headers.CONTENT_TYPE]) == (
        "whatsapp", "1001", "application/json",
    )  # fmt: skip
    assert (meta[headers.RECEIVED], json.loads(meta[headers.META])) == (NOON.isoformat(), {"source": "webhook"})
    assert meta["ce_specversion"] == "1.0"


async def test_every_record_has_a_key_of_its_own(entrance: Entrance) -> None:
    for _ in range(3):
        await entrance.intake.accept(raw())
    assert len({record.headers[headers.KEY_ID] for record in entrance.paper.records}) == 3


@pytest.mark.parametrize(("size", "by_reference"), [(BLOB_FROM, False), (BLOB_FROM + 1, True)])
async def test_large_bytes_travel_by_reference(entrance: Entrance, size: int, by_reference: bool) -> None:
    body = b"x" * size
    await entrance.intake.accept(raw(body))
    (record,) = entrance.paper.records
    assert record.value is not None
    plain = unseal(entrance.keys.secrets[record.headers[headers.KEY_ID]], record.value, record.topic)
    assert (headers.BLOB in record.headers) == by_reference
    if by_reference:
        digest = hashlib.sha256(body).hexdigest()
        assert decode(plain, BlobReference) == BlobReference(blob="blob-0", size=size, sha256=digest)
        assert list(entrance.blobs.kept.values()) == [body]
    else:
        assert (plain, entrance.blobs.kept) == (body, {})


async def test_large_bytes_sent_again_are_kept_once(entrance: Entrance) -> None:
    for _ in range(2):
        await entrance.intake.accept(raw(b"x" * (BLOB_FROM + 1)))
    assert (len(entrance.blobs.kept), len(entrance.paper.records)) == (1, 2)


async def test_broker_away_is_told(entrance: Entrance) -> None:
    entrance.paper.away = True
    with pytest.raises(Unavailable):
        await entrance.intake.accept(raw())
    with pytest.raises(Unavailable):
        await entrance.intake.dead(raw(), "email.too-big")


async def test_no_key_left_is_told_and_nothing_leaves(entrance: Entrance) -> None:
    entrance.keys.empty = True
    with pytest.raises(Unavailable):
        await entrance.intake.accept(raw())
    assert entrance.paper.records == []


async def test_what_a_channel_cannot_take_is_kept_as_a_dead_letter(entrance: Entrance) -> None:
    await entrance.intake.dead(raw(), "email.too-big")
    (record,) = entrance.paper.records
    letter = decode(record.headers[headers.DEAD], DeadLetter)
    assert (record.topic, letter.reason, letter.topic, letter.at) == (
        "crm.deadletters", "email.too-big", "crm.raw.whatsapp", NOON,
    )  # fmt: skip
    assert record.value is not None
    assert unseal(entrance.keys.secrets[record.headers[headers.KEY_ID]], record.value, letter.topic) == BODY


async def test_dead_letters_of_the_entrance_have_ids_of_their_own(entrance: Entrance) -> None:
    for _ in range(2):
        await entrance.intake.dead(raw(), "email.too-big")
    assert len({decode(record.headers[headers.DEAD], DeadLetter).id for record in entrance.paper.records}) == 2
