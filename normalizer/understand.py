"""The offline command ``tanggap understand`` (CONTRACT): lines of NDJSON in, a reading of each out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from .reader import Reader

_TEXTS = ("subject", "channel", "category", "received_at")


def understand_lines(lines: Iterable[str | bytes], reader: Reader) -> Iterator[dict[str, Any]]:
    """For every line the reading as a dict (``intent``, ``category``, ``place``, ``language``, ``masked_text``).

    A line is ``{"text", "channel"?, "lat"?, "lon"?, "category"?, "received_at"?, "subject"?}``; other fields are
    ignored, a position that is none is left out and named in the reasons. A line that cannot be read gives
    ``{"error": what to do, "line": its number from 1}`` and the rest goes on. Blank lines are passed over.
    """
    for line_number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _read(line, reader)
        except _BadLine as error:
            yield {"error": str(error), "line": line_number}


class _BadLine(ValueError):
    """A line that is not as it must be; the message says what to do and never quotes it."""


def _read(line: str | bytes, reader: Reader) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except UnicodeDecodeError as error:
        raise _BadLine("not UTF-8; write the file in UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise _BadLine("not JSON; write one object per line") from error
    if not isinstance(value, dict):
        raise _BadLine('not an object; write {"text": …}')
    text = value.get("text")
    if not isinstance(text, str):
        raise _BadLine("'text' is missing or no text")
    for name in _TEXTS:
        if not isinstance(value.get(name), str | None):
            raise _BadLine(f"'{name}' must be a text")
    reading = reader.read(
        text, subject=value.get("subject"), channel=value.get("channel"), category=value.get("category"),
        lat=value.get("lat"), lon=value.get("lon"),
    )  # fmt: skip
    result: dict[str, Any] = msgspec.to_builtins(reading)
    return result
