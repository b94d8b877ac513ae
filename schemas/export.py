"""Writes the public description of the topics: JSON Schemas and an AsyncAPI document; ``--check`` finds drift.

``python -m schemas.export`` writes ``schemas/json/<topic>.json`` (JSON Schema 2020-12) and ``schemas/asyncapi.yaml``
(AsyncAPI 3.0.0). ``python -m schemas.export --check`` writes nothing, names every file that differs on standard error
and exits with 1, so that a changed record cannot be committed without its changed description.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import yaml

from .topics import DEADLETTERS, SHARED, Topic, raw_topic

ROOM = Path(__file__).parent
VERSION = "1.0.0"
"""Of the description. Records change by adding only, so the first number stays."""

RAW = raw_topic("{channel}")
JSON_TYPE = "application/json"
EVENT_PREFIX = "id.go.jakarta."
_TEXT: dict[str, Any] = {"type": "string"}
_INSTANT: dict[str, Any] = {"type": "string", "format": "date-time"}


class _Dumper(yaml.SafeDumper):
    """Writes equal parts in full: not every reader of AsyncAPI follows YAML's aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def json_schema(topic: Topic) -> dict[str, Any]:
    """JSON Schema of a topic's value; of what was sealed, where the value is sealed."""
    schema = msgspec.json.schema(topic.value)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:tanggap:{topic.name}:{VERSION}",
        "title": topic.name,
        **schema,
    }


def event_type(topic: Topic) -> str:
    """The CloudEvents type of a topic's records."""
    return f"{EVENT_PREFIX}{topic.event_type}.v1"


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI document as plain data."""
    topics = (RAW, *SHARED)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tanggap",
            "version": VERSION,
            "description": "Events of Jakarta's complaint intake. Schemas change by adding only.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": JSON_TYPE,
        "channels": {_name(topic): _channel(topic) for topic in topics},
        "operations": {
            f"receive_{_name(topic)}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{_name(topic)}"},
                "summary": f"Read {topic.name}.",
            }
            for topic in topics
        },
        "components": {"messages": {_name(topic): _message(topic) for topic in topics}},
    }


def files() -> dict[Path, str]:
    """Every exported file with its text."""
    texts = {
        ROOM / "json" / f"{topic.name}.json": json.dumps(json_schema(topic), indent=2, ensure_ascii=False) + "\n"
        for topic in SHARED
        if topic.value is not None
    }
    document = yaml.dump(asyncapi(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    texts[ROOM / "asyncapi.yaml"] = f"# Made by `python -m schemas.export`; change schemas/*.py instead.\n{document}"
    return texts


def drifted() -> list[str]:
    """What differs from what the records say, as messages: files changed, missing, or left over."""
    wanted = files()
    wrong = [_difference(path, text) for path, text in wanted.items()]
    left_over = (path for path in sorted((ROOM / "json").glob("*.json")) if path not in wanted)
    return [one for one in wrong if one] + [f"{_shown(path)} belongs to no topic: delete it" for path in left_over]


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 where all is written or as it should be, 1 where files drifted."""
    parser = argparse.ArgumentParser(prog="python -m schemas.export", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where files drifted")
    if not parser.parse_args(arguments).check:
        for path, text in files().items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return 0
    wrong = drifted()
    for message in wrong:
        sys.stderr.write(f"{message}\n")
    return 1 if wrong else 0


def _difference(path: Path, text: str) -> str | None:
    if not path.exists():
        return f"{_shown(path)} is missing: run `python -m schemas.export`"
    if path.read_text(encoding="utf-8") != text:
        return f"{_shown(path)} differs from the records: run `python -m schemas.export` and review the change"
    return None


def _shown(path: Path) -> str:
    return path.relative_to(ROOM.parent).as_posix()


def _name(topic: Topic) -> str:
    """A component name: dots and braces are not allowed in one."""
    return topic.name.removeprefix("crm.").replace(".{channel}", "")


def _channel(topic: Topic) -> dict[str, Any]:
    channel: dict[str, Any] = {
        "address": topic.name,
        "title": topic.name,
        "description": f"{'Compacted' if topic.compacted else _kept(topic)}. Key: {topic.key}.",
        "messages": {_name(topic): {"$ref": f"#/components/messages/{_name(topic)}"}},
        "bindings": {"kafka": {"topicConfiguration": _configuration(topic)}},
    }
    if topic is RAW:
        channel["parameters"] = {"channel": {"description": "The channel: whatsapp, x, email, counter …"}}
    return channel


def _kept(topic: Topic) -> str:
    return "Kept for good" if topic.retention_ms < 0 else f"Kept for {topic.retention_ms} ms"


def _configuration(topic: Topic) -> dict[str, Any]:
    if topic.compacted:
        return {"cleanup.policy": ["compact"]}
    return {"cleanup.policy": ["delete"], "retention.ms": topic.retention_ms}


def _message(topic: Topic) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": event_type(topic),
        "title": topic.name,
        "contentType": _content_type(topic),
        "headers": _headers(topic),
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}}},
    }
    if not topic.sealed:
        return message | {"payload": _reference(topic)}
    message["payload"] = {
        "type": "string",
        "format": "binary",
        "description": "12 bytes of nonce, then AES-256-GCM under the one-time key that the header tanggap_key names, "
        f"with the name of {_sealed_for(topic)} as associated data. Inside: {_inside(topic)}.",
    }
    return message


def _reference(topic: Topic) -> dict[str, Any]:
    return {
        "schemaFormat": "application/schema+json;version=draft-2020-12",
        "schema": {"$ref": f"json/{topic.name}.json"},
    }


def _content_type(topic: Topic) -> str:
    return "application/octet-stream" if topic.sealed else JSON_TYPE


def _sealed_for(topic: Topic) -> str:
    return "the topic where the record failed" if topic is DEADLETTERS else "this topic"


def _inside(topic: Topic) -> str:
    if topic is RAW:
        return "the bytes as they came over the wire, or a reference to a sealed blob where there are more than 512 KB"
    if topic is DEADLETTERS:
        return "the failed record; the header tanggap_dead says how it failed (json/crm.deadletters.json)"
    return f"JSON as in json/{topic.name}.json"


def _headers(topic: Topic) -> dict[str, Any]:
    """CloudEvents 1.0.2 context attributes in binary mode (Kafka protocol binding, section 3.2), and our own."""
    names: dict[str, dict[str, Any]] = {
        "content-type": _TEXT | {"description": "Of the value; of the bytes inside, where they are sealed."},
        "ce_specversion": _TEXT | {"const": "1.0"},
        "ce_id": _TEXT | {"description": "Id of the event, derived from its cause; of a raw record, of its key."},
        "ce_source": _TEXT | {"description": "/tanggap/ and the stage that made the record."},
        "ce_type": _TEXT | {"const": event_type(topic)},
        "ce_time": _INSTANT,
        "ce_subject": _TEXT,
    }
    required = list(names)
    if topic.sealed:
        names["tanggap_key"] = _TEXT | {"description": "Id of the one-time key that opens the value."}
        names["tanggap_channel"] = _TEXT
        names["tanggap_account"] = _TEXT | {"description": "The city's own entrance."}
        names["tanggap_received"] = _INSTANT
        required.append("tanggap_key")
    if topic in (RAW, DEADLETTERS):
        names["tanggap_meta"] = _TEXT | {"description": "JSON object of what the transport knew."}
        names["tanggap_blob"] = _TEXT | {"description": "Present where the value names a sealed blob."}
    if topic is DEADLETTERS:
        required.remove("content-type")
        names["tanggap_dead"] = _TEXT | {"description": "JSON as in json/crm.deadletters.json."}
        required.append("tanggap_dead")
    return {"type": "object", "properties": names, "required": required}


if __name__ == "__main__":
    sys.exit(main())
