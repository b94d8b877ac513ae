"""The commands that need no broker: decode, understand, route, sla replay. One JSON line out for each thing in."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from ingestors.registry import CHANNELS
from normalizer.reader import Reader
from normalizer.understand import understand_lines
from pipeline.channel import Channel, Raw
from pipeline.log import safe_trace
from router.offline import route_lines
from router.rulebook import load_rulebook
from schemas.base import encode
from schemas.item import Decoded
from schemas.ticket import Reading

CONTENT_TYPES = {".eml": "message/rfc822", ".json": "application/json", ".xml": "text/xml", ".txt": "text/plain"}
UNKNOWN_TYPE = "application/octet-stream"


class UnknownChannel(Exception):
    """A name that is no channel."""


def channel_named(name: str) -> Channel:
    """Raises ``UnknownChannel`` naming those there are."""
    channel = CHANNELS.get(name)
    if channel is None:
        raise UnknownChannel(f"no channel {name!r}; there are {', '.join(CHANNELS)}")
    return channel


def inputs(paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each input: files, each file of a folder, ``-`` for standard input."""
    for name in paths or ("-",):
        path = Path(name)
        if name == "-":
            yield "-", sys.stdin.buffer.read()
        elif path.is_dir():
            for file in sorted(one for one in path.iterdir() if one.is_file()):
                yield file.name, file.read_bytes()
        else:
            yield path.name, path.read_bytes()


def decode(channel: Channel, source: str, body: bytes, now: datetime) -> Iterator[dict[str, Any]]:
    """Lines as CONTRACT describes them. No input makes it raise: what a decoder does not foresee is ``dead``."""
    suffix = Path(source).suffix.lower()
    raw = Raw(channel.name, _account(channel), body, CONTENT_TYPES.get(suffix, UNKNOWN_TYPE), now)
    try:
        for part in channel.decode(raw):
            yield _line(source, part.decoded)
    except Exception as error:
        dead = Decoded(outcome="dead", key="", reason=f"{channel.name}.error")
        yield _line(source, dead) | {"where": safe_trace(error)}


def _line(source: str, found: Decoded) -> dict[str, Any]:
    members = ("outcome", "reason", "key", "item", "delivery")
    return {"source": source} | {name: getattr(found, name) for name in members}


def _account(channel: Channel) -> str:
    """The entrance that the settings name, as the live receiver would write it."""
    settings = channel.settings()
    for field in ("address", "phone_number_id", "user_id", "account"):
        value = getattr(settings, field, None)
        if value:
            return str(value)
    return channel.name


def understand(lines: Iterable[bytes], boundaries: Path | None) -> Iterator[dict[str, Any]]:
    """The normalizer's reading of each line."""
    return understand_lines(lines, Reader.load(boundaries))


def route(lines: Iterable[bytes], boundaries: Path | None) -> Iterator[dict[str, Any]]:
    """What the live router would decide for each line."""
    readings = (
        (number, row if "error" in row else msgspec.convert(row, Reading))
        for number, row in enumerate(understand_lines(lines, Reader.load(boundaries)), 1)
    )
    return route_lines(readings, load_rulebook())


def write(rows: Iterable[dict[str, Any]]) -> None:
    """One JSON line each, at once: the reader may be a pipe."""
    for row in rows:
        sys.stdout.buffer.write(encode(row) + b"\n")
        sys.stdout.buffer.flush()
