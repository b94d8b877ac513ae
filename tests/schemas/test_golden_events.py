"""Recorded events must decode for ever: a file here is never changed, only added."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.base import decode, encode
from schemas.topics import SHARED, Topic

GOLDEN = Path(__file__).parents[1] / "golden" / "events"
TOPICS = {topic.name: topic for topic in SHARED}
FILES = sorted(GOLDEN.glob("*/*.json"))


def value_type(topic: Topic) -> Any:
    assert topic.value is not None
    return topic.value


def missing(before: Any, after: Any, where: str = "$") -> list[str]:
    """What stood in ``before`` and does not stand in ``after``; more may stand there."""
    if isinstance(before, dict) and isinstance(after, dict):
        gone = [f"{where}.{name}" for name in before if name not in after]
        return gone + [
            one for name in before if name in after for one in missing(before[name], after[name], f"{where}.{name}")
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            one for i, pair in enumerate(zip(before, after, strict=True)) for one in missing(*pair, f"{where}[{i}]")
        ]
    return [] if before == after else [where]


def grown(value: Any) -> Any:
    """The same with a field of a later version in every object."""
    if isinstance(value, dict):
        return {name: grown(inner) for name, inner in value.items()} | {"field_of_a_later_version": {"any": [1, None]}}
    return [grown(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", TOPICS)
def test_every_topic_has_a_recorded_event(name: str) -> None:
    assert list((GOLDEN / name).glob("*.json"))


def test_every_recorded_event_belongs_to_a_topic() -> None:
    assert {path.parent.name for path in FILES} <= set(TOPICS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_recorded_event_decodes_and_keeps_all_it_says(path: Path) -> None:
    data = path.read_bytes()
    record = decode(data, value_type(TOPICS[path.parent.name]))
    assert missing(json.loads(data), json.loads(encode(record))) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_fields_of_later_versions_are_tolerated(path: Path) -> None:
    kind = value_type(TOPICS[path.parent.name])
    data = path.read_bytes()
    assert decode(json.dumps(grown(json.loads(data))), kind) == decode(data, kind)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_records_decode_to_what_was_encoded(path: Path) -> None:
    kind = value_type(TOPICS[path.parent.name])
    record = decode(path.read_bytes(), kind)
    assert decode(encode(record), kind) == record


@pytest.mark.parametrize("name", [name for name, topic in TOPICS.items() if name != "crm.items"])
def test_times_without_a_zone_are_refused(name: str) -> None:
    data = json.loads(next((GOLDEN / name).glob("*.json")).read_bytes()) | {"at": "2026-11-23T01:02:03"}
    with pytest.raises(msgspec.ValidationError, match="at"):
        decode(json.dumps(data), value_type(TOPICS[name]))
