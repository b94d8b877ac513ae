"""The joining rules are data, and a mistake in them is told with the file's name."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from normalizer.joining import Conversation, RulesError, joins_window, load_rules, quoted_numbers
from tests.normalizer.desk import NOON, said


def test_shipped_rules_know_every_channel_and_fall_back_to_the_default() -> None:
    rules = load_rules()
    assert {"whatsapp", "x", "email", "counter"} <= set(rules.channels)
    assert rules.of("sms") == rules.default


@pytest.mark.parametrize(
    "text",
    [
        "", "default: {", "default: {fragment: 1, continuation: 1, words: 1}",
        "default: {fragment: lama, continuation: 1, words: 1}\nchannels: {}",
        "default: {fragment: 1, continuation: 1, words: 1, wrods: 2}\nchannels: {}",
    ],
)  # fmt: skip
def test_broken_rules_name_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "penggabungan.yaml"
    path.write_text(text)
    with pytest.raises(RulesError, match=r"penggabungan\.yaml"):
        load_rules(path)


def test_missing_rules_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="nowhere"):
        load_rules(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("laporan JK2611230001 dan jk2611230002", ["JK2611230001", "JK2611230002"]),
        ("JK2611230001, JK2611230001", ["JK2611230001"]),
        ("AJK2611230001 JK26112300012345678 JK261123", []),
        (" ".join(f"JK261123{n:04}" for n in range(50)), [f"JK261123{n:04}" for n in range(5)]),
    ],
)
def test_numbers_in_the_text(text: str, found: list[str]) -> None:
    item = said("m1", text).item
    assert item is not None
    assert quoted_numbers(item) == found


def test_number_of_the_channel_comes_first() -> None:
    item = said("m1", "lihat JK2611230002", subject="Re: JK2611230003", ticket_number="jk2611230001").item
    assert item is not None
    assert quoted_numbers(item) == ["JK2611230001", "JK2611230003", "JK2611230002"]


@pytest.mark.parametrize(("channel", "joins"), [("whatsapp", True), ("email", False), ("counter", False)])
def test_two_messages_of_one_second_are_one_complaint_only_where_people_write_in_bubbles(
    channel: str, joins: bool
) -> None:
    item = said("m2", "Trotoar berlubang").item
    assert item is not None
    item = msgspec.structs.replace(item, channel=channel)
    found = joins_window(load_rules(), item, NOON, Conversation(ticket_id="t1", last_at=NOON))
    assert (found is not None) == joins
