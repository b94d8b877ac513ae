"""A second parser, pywa, reads our fixtures too: what both read, both read alike."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pywa.client import WhatsApp
from pywa.types.message import DeletedMessage, EditedMessage, Message
from pywa.types.message_status import MessageStatus

from ingestors.whatsapp import CHANNEL
from pipeline.channel import Raw
from schemas.item import Decoded

FIXTURES = Path(__file__).parent / "fixtures"
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
UNREADABLE = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)
"""What pywa raises for deliveries that lack what Meta always sends; ours must read them, so nothing is compared."""
CLIENT = WhatsApp(phone_id="100000000000001", token="of-the-test", server=None)


def updates(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every message (or status) of every fixture alone in a delivery, beside its own contact, as pywa takes them."""
    for path in sorted(FIXTURES.glob("*.json")):
        try:
            entries = json.loads(path.read_bytes())["entry"] if ".expected." not in path.name else []
            changes = [(entry, change) for entry in entries for change in entry["changes"]]
        except UNREADABLE:
            continue
        for entry, change in changes:
            value = change.get("value", {})
            for one in value.get(kind, []) if isinstance(value, dict) else []:
                alone = copy.deepcopy({k: v for k, v in value.items() if k not in {"messages", "statuses"}}) | {
                    kind: [one]
                }
                own = [who for who in value.get("contacts", []) if belongs(who, one)]
                alone["contacts"] = own or value.get("contacts") or STATUS_CONTACTS
                change_alone = {"field": "messages", "value": alone}
                yield path.stem, {
                    "object": "whatsapp_business_account", "entry": [entry | {"changes": [change_alone]}],
                }  # fmt: skip


STATUS_CONTACTS = [{"wa_id": "6281200000001", "user_id": "ID.1000000000000001"}]
"""pywa wants them beside receipts, too."""


def belongs(contact: Any, one: Any) -> bool:
    return isinstance(one, dict) and isinstance(contact, dict) and contact.get("wa_id") == one.get("from")


def ours(update: dict[str, Any]) -> Decoded:
    raw = Raw("whatsapp", "100000000000001", json.dumps(update).encode(), "application/json", NOW)
    (part,) = CHANNEL.decode(raw)
    return part.decoded


def theirs(update: Any) -> Message | EditedMessage | DeletedMessage | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _theirs(update)


def _theirs(update: Any) -> Message | EditedMessage | DeletedMessage | None:
    try:
        kind = update["entry"][0]["changes"][0]["value"]["messages"][0]["type"]
        readers: dict[str, Any] = {"edit": EditedMessage, "revoke": DeletedMessage}
        reader = readers.get(kind, Message)
        found: Message | EditedMessage | DeletedMessage = reader.from_update(CLIENT, update)
    except UNREADABLE:
        return None
    return found


MESSAGES = [(name, update, read) for name, update in updates("messages") if (read := theirs(update)) is not None]


def test_the_other_parser_reads_most_of_our_fixtures() -> None:
    assert len(MESSAGES) >= 25
    assert {type(read).__name__ for _, _, read in MESSAGES} == {"Message", "EditedMessage", "DeletedMessage"}


@pytest.mark.parametrize(("name", "update", "read"), [pytest.param(*one, id=one[0]) for one in MESSAGES])
def test_both_parsers_read_alike(name: str, update: dict[str, Any], read: Any) -> None:
    item = ours(update).item
    if item is None:
        assert ours(update).outcome in {"note", "dead"}
        return
    assert item.external_id == read.id
    assert item.author.id == (read.from_user.bsuid or read.from_user.wa_id)
    assert item.sent_at == read.timestamp
    media = next(
        (found for kind in ("image", "video", "audio", "document") if (found := getattr(read, kind, None))), None
    )
    words = getattr(read, "text", None) or getattr(media, "caption", None) or ""
    if words and words.isprintable():
        assert item.text == words.strip()
    assert [one.reference for one in item.attachments] == ([media.id] if media is not None else [])
    place = getattr(read, "location", None)
    if place is not None and item.location.lat is not None:
        assert (item.location.lat, item.location.lon) == (place.latitude, place.longitude)
    if (original := getattr(read, "original_message_id", None)) is not None:
        assert item.root == original
    if isinstance(read, Message):
        answered = read.reply_to_message
        assert item.reply_to == (answered.id if answered is not None else None)


@pytest.mark.filterwarnings("ignore")
def test_both_parsers_read_the_same_receipts() -> None:
    seen = 0
    for _, update in updates("statuses"):
        delivery = ours(update).delivery
        try:
            read: Any = MessageStatus.from_update(CLIENT, update)  # type: ignore[arg-type]
        except UNREADABLE:
            continue
        if delivery is not None and delivery.state == read.status.value:
            seen += 1
            assert delivery.message == read.id
            assert delivery.code == (str(read.error.code) if read.error is not None else None)
    assert seen >= 4
