"""What a batch sends, and the dead letter: sealed bytes and the context that a retry needs."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pipeline import headers
from pipeline.outbox import Outputs, dead_record
from pipeline.publisher import Outbound
from pipeline.sealing import seal, unseal
from pipeline.stage import Message
from schemas.base import decode, encode
from schemas.events import DeadLetter
from schemas.ticket import Sighting
from schemas.topics import ITEMS, SIGHTINGS
from tests.pipeline.memory import NOON, MemoryKeys

SIGHTING = Sighting(id="s1", tenant="jakarta", at=NOON, ticket_id="t1", category="banjir")


def outputs(keys: MemoryKeys) -> Outputs:
    return Outputs("unify", "jakarta", keys, NOON)


def letter_of(record: Outbound) -> DeadLetter:
    return decode(record.headers[headers.DEAD], DeadLetter)


def message(keys: MemoryKeys, offset: int = 5, more: Mapping[str, str] | None = None) -> Message:
    key = keys.take()
    value = seal(key.secret, b"6281200000001", ITEMS.name)
    meta = {headers.KEY_ID: key.id, headers.CHANNEL: "whatsapp", headers.RECEIVED: NOON.isoformat(), **(more or {})}
    return Message(ITEMS.name, 2, offset, "p1", value, meta)


def test_clear_record_carries_cloud_event_attributes() -> None:
    out = outputs(MemoryKeys())
    out.send(SIGHTINGS, "jakarta", SIGHTING)
    (record,) = out.records
    assert (record.topic, record.key, record.value) == ("crm.sightings", "jakarta", encode(SIGHTING))
    assert (record.headers["ce_id"], record.headers["ce_source"]) == ("s1", "/tanggap/unify")


def test_sealed_record_opens_with_the_key_it_names_on_its_own_topic() -> None:
    keys = MemoryKeys()
    out = outputs(keys)
    key_id = out.send_sealed(ITEMS, "p1", b"rahasia", {"ce_id": "e1"})
    (record,) = out.records
    assert (record.headers[headers.KEY_ID], record.headers["ce_id"]) == (key_id, "e1")
    assert record.value is not None
    assert unseal(keys.secrets[key_id], record.value, ITEMS.name) == b"rahasia"


def test_dead_letter_keeps_the_sealed_bytes_and_their_context() -> None:
    keys = MemoryKeys()
    failed = message(keys, more={headers.ACCOUNT: "1001", headers.BLOB: "1", headers.META: "{}", "ce_id": "e1"})
    record = dead_record("unify", "jakarta", keys, failed, "unify.error", "KeyError", NOON)
    assert (record.topic, record.key, record.value) == ("crm.deadletters", "p1", failed.value)
    carried = {name: record.headers[name] for name in failed.headers if name != "ce_id"}
    assert carried == {name: value for name, value in failed.headers.items() if name != "ce_id"}
    letter = letter_of(record)
    assert (letter.stage, letter.reason, letter.topic, letter.partition, letter.offset, letter.channel) == (
        "unify", "unify.error", ITEMS.name, 2, 5, "whatsapp",
    )  # fmt: skip
    assert record.value is not None
    assert unseal(keys.secrets[record.headers[headers.KEY_ID]], record.value, letter.topic) == b"6281200000001"


def test_dead_letter_of_a_record_in_clear_is_sealed_now() -> None:
    keys = MemoryKeys()
    failed = Message("crm.tickets", 0, 1, "t1", b'{"text":"6281200000001"}', {})
    record = dead_record("router", "jakarta", keys, failed, "router.error", "", NOON)
    assert record.value is not None
    assert b"6281200000001" not in record.value
    secret = keys.secrets[record.headers[headers.KEY_ID]]
    assert unseal(secret, record.value, "crm.tickets") == failed.value


def test_ids_differ_by_record_and_stay_for_a_repetition() -> None:
    keys = MemoryKeys()
    many = [
        message(keys, 5),
        message(keys, 6),
        message(keys, -1, more={"ce_id": "a"}),
        message(keys, -1, more={"ce_id": "b"}),
    ]
    ids = [letter_of(dead_record("s", "jakarta", keys, one, "r", "", NOON)).id for one in many]
    assert len(set(ids)) == 4
    assert ids == [letter_of(dead_record("s", "jakarta", keys, one, "r", "", NOON)).id for one in many]
    assert letter_of(dead_record("other", "jakarta", keys, many[0], "r", "", NOON)).id != ids[0]


def test_headers_of_a_dead_letter_quote_nothing() -> None:
    keys = MemoryKeys()
    record = dead_record("unify", "jakarta", keys, message(keys), "unify.error", "", NOON)
    assert "6281200000001" not in json.dumps(dict(record.headers))


def test_batch_keeps_its_order() -> None:
    keys = MemoryKeys()
    out = outputs(keys)
    out.send(SIGHTINGS, "jakarta", SIGHTING)
    out.send_sealed(ITEMS, "p1", b"x", {})
    out.dead(message(keys), "unify.error")
    assert [record.topic for record in out.records] == ["crm.sightings", "crm.items", "crm.deadletters"]
