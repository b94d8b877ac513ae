"""Telegram: every kind of update and of message that the Bot API documents has its outcome."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import telegram

from ingestors.telegram import CHANNEL
from pipeline.channel import Raw
from schemas.item import Decoded

TEXT = json.loads((Path(__file__).parent / "fixtures/message_v10_text.json").read_bytes())["message"]
UPDATES = {
    "message": "complaint", "edited_message": "edit", "channel_post": "ignored", "edited_channel_post": "ignored",
    "inline_query": "ignored", "chosen_inline_result": "ignored", "callback_query": "note", "shipping_query": "ignored",
    "pre_checkout_query": "ignored", "poll": "note", "poll_answer": "note", "my_chat_member": "note",
    "chat_member": "note", "chat_join_request": "note", "chat_boost": "ignored", "removed_chat_boost": "ignored",
    "message_reaction": "note", "message_reaction_count": "note", "business_connection": "note",
    "business_message": "note", "edited_business_message": "note", "deleted_business_messages": "note",
    "purchased_paid_media": "ignored", "managed_bot": "ignored", "guest_message": "ignored",
}  # fmt: skip
FILE = {"file_id": "AgACAgUAAxk", "file_unique_id": "AQADxk", "file_size": 2048}
SIZE = FILE | {"width": 90, "height": 60}
USER = {"id": 5, "is_bot": False, "first_name": "Budi"}
CLIP = SIZE | {"duration": 3}
QUESTION = {
    "id": "1", "question": "Setuju?", "options": [], "total_voter_count": 0, "is_closed": False, "is_anonymous": True,
    "type": "regular", "allows_multiple_answers": False, "allows_revoting": False, "members_only": False,
}  # fmt: skip
WITH_A_FILE: dict[str, Any] = {
    "photo": {"photo": [SIZE]},
    "live photo": {"photo": [SIZE], "live_photo": CLIP | {"photo": [SIZE]}},
    "video": {"video": CLIP},
    "video note": {"video_note": FILE | {"length": 90, "duration": 3}},
    "voice": {"voice": FILE | {"duration": 3}},
    "audio": {"audio": FILE | {"duration": 3}},
    "animation": {"animation": CLIP, "document": FILE},
    "document": {"document": FILE},
}
WITHOUT_WORDS: dict[str, tuple[dict[str, Any], str]] = {
    "dice": ({"dice": {"emoji": "\U0001f3b2", "value": 3}}, "sticker"),
    "game": ({"game": {"title": "Ular", "description": "-", "photo": [SIZE]}}, "sticker"),
    "poll": ({"poll": QUESTION}, "poll"),
    "somebody left": ({"left_chat_member": USER}, "membership"),
    "new title": ({"new_chat_title": "Warga RW 05"}, "service"),
    "video chat": ({"video_chat_started": {}}, "service"),
    "story": ({"story": {"chat": TEXT["chat"], "id": 3}}, "service"),
    "timer": ({"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}}, "service"),
    "kind of the future": ({"hologram": {"file_id": "1"}}, "service"),
}


def only(document: dict[str, Any]) -> Decoded:
    raw = Raw(
        "telegram", "7000000001", json.dumps(document).encode(), "application/json", datetime(2026, 11, 23, tzinfo=UTC)
    )
    (part,) = CHANNEL.decode(raw)
    return part.decoded


def sent(content: dict[str, Any]) -> Decoded:
    return only({"update_id": 1, "message": {k: v for k, v in TEXT.items() if k not in {"text", "entities"}} | content})


def test_no_kind_of_update_is_forgotten() -> None:
    """A new version of the library brings new kinds: say here what they are."""
    assert {str(kind) for kind in telegram.Update.ALL_TYPES} == set(UPDATES)


@pytest.mark.parametrize(("kind", "outcome"), UPDATES.items())
def test_kind_of_update(kind: str, outcome: str) -> None:
    assert only({"update_id": 1, kind: TEXT}).outcome == outcome


@pytest.mark.parametrize("kind", WITH_A_FILE)
@pytest.mark.parametrize("caption", [None, "Lampu jalan mati"])
def test_one_file_is_a_complaint_with_one_attachment(kind: str, caption: str | None) -> None:
    line = sent(WITH_A_FILE[kind] | ({"caption": caption} if caption else {}))
    assert line.outcome == "complaint"
    assert line.item is not None
    assert (line.item.text, len(line.item.attachments)) == (caption or "", 1)


@pytest.mark.parametrize("kind", WITHOUT_WORDS)
def test_what_says_nothing_is_a_note(kind: str) -> None:
    content, reason = WITHOUT_WORDS[kind]
    line = sent(content)
    assert (line.outcome, line.reason) == ("note", f"telegram.{reason}")
