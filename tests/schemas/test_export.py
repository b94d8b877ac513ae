"""The public description of the topics stays true to the records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import headers
from schemas import export
from schemas.topics import SHARED, Topic


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A room of its own, freshly exported."""
    folder = tmp_path / "schemas"
    monkeypatch.setattr(export, "ROOM", folder)
    assert export.main([]) == 0
    return folder


def document(room: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((room / "asyncapi.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded


def test_committed_files_are_what_the_records_say() -> None:
    assert export.drifted() == []


def test_check_passes_after_export(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export.main(["--check"]) == 0
    assert capsys.readouterr().err == ""


def test_check_names_every_drifted_file_and_repairs_none(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed, gone, left_over = (room / "json" / name for name in ("crm.cases.json", "crm.sla.json", "crm.alt.json"))
    changed.write_text(changed.read_text(encoding="utf-8").replace("number", "nomor"), encoding="utf-8")
    gone.unlink()
    left_over.write_text("{}", encoding="utf-8")
    assert export.main(["--check"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == [
        "schemas/json/crm.sla.json", "schemas/json/crm.cases.json", "schemas/json/crm.alt.json",
    ]  # fmt: skip
    assert not gone.exists()


def test_exporting_twice_writes_the_same_bytes(room: Path) -> None:
    before = {path: path.read_bytes() for path in room.rglob("*") if path.is_file()}
    assert export.main([]) == 0
    assert {path: path.read_bytes() for path in room.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("topic", SHARED, ids=lambda topic: topic.name)
def test_schema_describes_every_field(room: Path, topic: Topic) -> None:
    assert topic.value is not None
    schema = json.loads((room / "json" / f"{topic.name}.json").read_text(encoding="utf-8"))
    described = schema["$defs"][schema["$ref"].rpartition("/")[2]]["properties"]
    assert set(described) == set(topic.value.__struct_fields__)


def test_every_topic_is_a_channel_with_key_and_message(room: Path) -> None:
    asyncapi = document(room)
    assert asyncapi["asyncapi"] == "3.0.0"
    addresses = {channel["address"]: channel for channel in asyncapi["channels"].values()}
    assert set(addresses) == {"crm.raw.{channel}", *(topic.name for topic in SHARED)}
    assert set(addresses["crm.raw.{channel}"]["parameters"]) == {"channel"}
    for topic in SHARED:
        assert topic.key in addresses[topic.name]["description"]


def test_every_reference_leads_somewhere(room: Path) -> None:
    asyncapi = document(room)

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [one for inner in node.values() for one in references(inner)]
        return [one for inner in node for one in references(inner)] if isinstance(node, list) else []

    found = references(asyncapi)
    assert found
    for reference in found:
        file, _, pointer = reference.partition("#/")
        if file:
            assert (room / file).is_file()
            continue
        node = asyncapi
        for step in pointer.split("/"):
            node = node[step]


@pytest.mark.parametrize("topic", SHARED, ids=lambda topic: topic.name)
def test_headers_are_those_that_the_frame_writes(room: Path, topic: Topic) -> None:
    message = document(room)["components"]["messages"][topic.name.removeprefix("crm.")]
    described = message["headers"]["properties"]
    written = headers.cloud_event(topic, event_id="1", source="s", time="t", subject="x")
    assert set(written) <= set(described)
    assert described["ce_type"]["const"] == written["ce_type"] == message["name"]
    assert described["ce_specversion"]["const"] == written["ce_specversion"]
    assert (headers.KEY_ID in message["headers"]["required"]) is topic.sealed
    assert message["contentType"] == ("application/octet-stream" if topic.sealed else "application/json")


def test_header_names_are_the_frame_s(room: Path) -> None:
    messages = document(room)["components"]["messages"]
    raw, dead = (set(messages[name]["headers"]["properties"]) for name in ("raw", "deadletters"))
    ours = {
        headers.CONTENT_TYPE,
        headers.KEY_ID,
        headers.CHANNEL,
        headers.ACCOUNT,
        headers.RECEIVED,
        headers.META,
        headers.BLOB,
    }
    assert ours <= raw
    assert ours | {headers.DEAD} <= dead
