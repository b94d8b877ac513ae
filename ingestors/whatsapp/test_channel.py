"""WhatsApp: what Meta's deliveries become, however they are bent. Golden pairs run in tests/contract."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestors.whatsapp import CHANNEL, REASONS
from pipeline.channel import Raw
from schemas.base import encode
from schemas.item import Author, Decoded

FIXTURES = Path(__file__).parent / "fixtures"
INPUTS = sorted(path for path in FIXTURES.glob("*.json") if not path.name.endswith(".expected.json"))
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ACCOUNT = "100000000000001"
TEXT: dict[str, Any] = json.loads((FIXTURES / "text_v23.json").read_bytes())
NEIGHBOUR: dict[str, Any] = {
    "id": "wamid.neighbour", "from": "6281200000002", "timestamp": "1795402800", "type": "text",
    "text": {"body": "Lampu jalan mati."},
}  # fmt: skip
ANYTHING: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from(["\0", "\ud83d", "", " ", "A" * 70_000]) | st.just([]) | st.just({}) | st.just([{}])
)  # fmt: skip


def decoded(body: bytes) -> list[Decoded]:
    return [part.decoded for part in CHANNEL.decode(Raw("whatsapp", ACCOUNT, body, "application/json", NOW))]


def delivery(*messages: Any, contacts: Any = None) -> bytes:
    document = copy.deepcopy(TEXT)
    value = document["entry"][0]["changes"][0]["value"]
    value["messages"], value["contacts"] = list(messages), contacts
    return json.dumps(document).encode()


def message(**changes: Any) -> dict[str, Any]:
    return {**NEIGHBOUR, "id": "wamid.one", "from": "6281200000001"} | changes


def only(body: bytes) -> Decoded:
    (line,) = decoded(body)
    return line


def test_redelivery_keeps_its_keys_and_everything_in_a_batch_has_its_own() -> None:
    body = (FIXTURES / "batch_v23_entries_one_item_broken.json").read_bytes()
    keys = [line.key for line in decoded(body)]
    assert keys == [line.key for line in decoded(body)]
    assert len(set(keys)) == len(keys)


def test_edit_and_revoke_lead_to_the_message_they_change() -> None:
    original = only((FIXTURES / "text_v23.json").read_bytes()).item
    assert original is not None
    for name in ("edit_v23_text", "revoke_v23"):
        item = only((FIXTURES / f"{name}.json").read_bytes()).item
        assert item is not None
        assert (item.root, item.author.id) == (original.external_id, original.author.id)


def test_later_edit_has_the_higher_version() -> None:
    def edited(timestamp: str) -> int:
        change = {"original_message_id": "wamid.one", "message": {"type": "text", "text": {"body": "baru"}}}
        item = only(delivery(message(type="edit", edit=change, timestamp=timestamp))).item
        assert item is not None
        return item.version

    assert 1 < edited("1795402900") < edited("1795402901")


def test_person_is_known_by_user_id_even_where_the_number_shows() -> None:
    contacts = [{"wa_id": "6281200000001", "user_id": "ID.7", "profile": {"name": "Siti Contoh"}}]
    item = only(delivery(message(), contacts=contacts)).item
    assert item is not None
    assert item.author == Author(id="ID.7", name="Siti Contoh", phone="+6281200000001")


def test_contacts_of_others_are_not_mixed_up() -> None:
    contacts = [{"wa_id": f"628120000000{n}", "user_id": f"ID.{n}"} for n in (1, 2)]
    lines = decoded(delivery(message(), NEIGHBOUR, contacts=contacts))
    assert [line.item and line.item.author.id for line in lines] == ["ID.1", "ID.2"]


@pytest.mark.parametrize("timestamp", [None, "", "besok", "-1", "9" * 20, "9" * 5000, -(10**30), 10**30, "１２３"])
def test_absurd_time_falls_back_to_the_receipt(timestamp: Any) -> None:
    item = only(delivery(message(timestamp=timestamp))).item
    assert item is not None
    assert item.sent_at == NOW


@pytest.mark.parametrize(
    ("lat", "lon"), [("NaN", 106.8), ("inf", 106.8), (-6.2, None), (91, 106.8), (-6.2, 181), ("selatan", "timur")]
)
def test_absurd_position_is_none_and_its_words_stay(lat: Any, lon: Any) -> None:
    spot = {"latitude": lat, "longitude": lon, "name": "Halte Contoh"}
    item = only(delivery(message(type="location", location=spot))).item
    assert item is not None
    assert (item.location.lat, item.location.lon, item.location.text) == (None, None, "Halte Contoh")


@pytest.mark.parametrize(
    "broken",
    [
        b'{"id":"wamid.b","type":"location","location":{"latitude":1e999}}',
        json.dumps(message(text={"body": "A" * 1_000_000})).encode(),
        b'{"id":null,"type":"text"}',
        b"[" * 400 + b"]" * 400,
        b"7",
    ],
    ids=["infinite", "1 MB", "no id", "deep", "number"],
)
def test_broken_message_is_dead_and_its_neighbours_live(broken: bytes) -> None:
    body = delivery(NEIGHBOUR, "BROKEN", NEIGHBOUR | {"id": "wamid.second"}).replace(b'"BROKEN"', broken)
    assert [line.outcome for line in decoded(body)] == ["complaint", "dead", "complaint"]


def test_half_surrogate_costs_neither_the_message_nor_its_neighbours() -> None:
    body = delivery(message(text={"body": "Banjir \ud83d di sini"}), NEIGHBOUR)
    first, second = decoded(body)
    assert first.item is not None
    assert (first.item.text, second.outcome) == ("Banjir \ufffd di sini", "complaint")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"object":"page","entry":[]}'])
def test_what_is_no_delivery_is_dead(body: bytes) -> None:
    line = only(body)
    assert (line.outcome, line.reason) == ("dead", "whatsapp.unreadable")


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all members and elements of a JSON document."""
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [found for key, value in items for found in [(*path, key), *places(value, (*path, key))]]


DOCUMENTS: list[Any] = [json.loads(path.read_text().replace("\\ud83d", "")) for path in INPUTS]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_bent_field_makes_decode_raise_or_harms_the_next_entry(data: st.DataObject) -> None:
    document = copy.deepcopy(data.draw(st.sampled_from([one for one in DOCUMENTS if places(one)])))
    *way, last = data.draw(st.sampled_from(places(document)))
    parent = document
    for step in way:
        parent = parent[step]
    if data.draw(st.booleans()):
        del parent[last]
    else:
        parent[last] = data.draw(ANYTHING)
    intact = isinstance(document.get("entry"), list) and document.get("object") == "whatsapp_business_account"
    if intact:
        document["entry"] += TEXT["entry"]
    lines = decoded(json.dumps(document).encode())
    assert all(line.reason in REASONS or (line.reason is None and line.outcome == "complaint") for line in lines)
    assert all(encode(line) for line in lines)
    assert not intact or lines[-1] == only(json.dumps(TEXT).encode())


def test_receipt_says_which_answer_and_why() -> None:
    lines = decoded((FIXTURES / "statuses_v25_out_of_order_and_odd.json").read_bytes())
    told = [(one.delivery.state, one.delivery.reply, one.delivery.code) for one in lines if one.delivery]
    assert told[:3] == [("read", "r1", None), ("sent", "r1", None), ("failed", "r2", "131026")]
    assert [one.outcome for one in lines] == ["receipt"] * 6


@pytest.mark.parametrize("errors", [None, [], "rusak", [7], [{"code": None}], [{"code": {}}], {"code": 1}])
def test_odd_errors_never_cost_the_report(errors: Any) -> None:
    document = copy.deepcopy(TEXT)
    value = document["entry"][0]["changes"][0]["value"]
    value["messages"], value["statuses"] = [], [{"id": "wamid.ours", "status": "failed", "errors": errors}]
    line = only(json.dumps(document).encode())
    assert line.delivery is not None
    assert (line.delivery.state, line.delivery.message, line.delivery.code) == ("failed", "wamid.ours", None)


def test_group_is_kept_beside_its_message() -> None:
    item = only((FIXTURES / "group_v25_text.json").read_bytes()).item
    assert item is not None
    assert (item.thread, item.author.id) == (
        "Y2FwaV9ncm91cDoxNzA1NTU1MDEzOToxMjAzNjM0MDQ2OTQyMzM4MjAZD", "ID.1000000000000001",
    )  # fmt: skip


def test_words_of_an_advertisement_are_not_the_person_s() -> None:
    item = only((FIXTURES / "text_v23_referral_of_an_ad.json").read_bytes()).item
    assert item is not None
    assert item.text == "Halo, got di Jl. Contoh Raya mampet."


@pytest.mark.parametrize("answer", ["", "{", "[]", "null", '{"a":', "[" * 5000, '{"flow_token":"x"}', '{"a":1}'])
def test_form_without_words_is_noted(answer: str) -> None:
    content = {"type": "nfm_reply", "nfm_reply": {"response_json": answer, "body": "Sent"}}
    line = only(delivery(message(type="interactive", text=None, interactive=content)))
    assert (line.outcome, line.reason) == ("note", "whatsapp.unsupported")
