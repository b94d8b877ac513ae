"""Hostile inputs, made from a channel's own fixtures: always the same, so that a failure comes again."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from typing import Any

VALUES = (
    b"true", b"0", b"-1", b"1.5", b"1e999", b"NaN", b"9223372036854775808", b"9" * 5000, b'""', b'"x"', b'"-5"',
    b'"a\\u0000b"', b'"\\ud83d"', b'"a\\udc00b"', b'"\xed\xa0\x80"', b'"\xff"', b'"nan"', '"\u0661\u00b2"'.encode(),
    b'"http://[::1"', b'"0001-01-01T00:00:00+23:59"', b'"9999-12-31T23:59:59-23:59"', b"[]", b"[null]", b"[[{}]]",
    b"{}", b'{"":null}',
)  # fmt: skip
"""What may stand where something else belongs; not all of it is JSON."""
AT_EVERY_PLACE = 1
"""So many of them stand at each place, others at the next: over all fixtures each key meets most of them."""
DEEP = 100_000
LONG = b'"' + b"A" * 1_000_000 + b'"'
DEEPLY = (b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"[" * DEEP)
"""One of them stands once at each key, and what is too long at each key of a text."""
_MARK = "@@here@@"
Place = tuple[str | int, ...]


def bodies(fixtures: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Whole bodies, whatever the format: each with a name."""
    for number, heavy in enumerate(
        (b"", b"\0" * 1000, b"\xff\xfe", b"null", b"[]", b"{}", b"A" * 1_000_000, LONG, *DEEPLY)
    ):
        yield f"body {number}", heavy
    for number, fixture in enumerate(fixtures):
        for cut in range(0, len(fixture), max(1, len(fixture) // 8)):
            yield f"fixture {number} cut at {cut}", fixture[:cut]
        yield f"fixture {number} twice", fixture * 2
        yield f"fixture {number} in UTF-16", fixture.decode("utf-8", "replace").encode("utf-16")
        if number == 0:
            yield "a fixture with 1 MB behind", fixture + b"A" * 1_000_000
            yield "a fixture with NUL in between", fixture.replace(b" ", b"\0")


def bent(fixtures: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """JSON fixtures with one wrong value each: null, other types, a key given twice, and once a key what is huge."""
    seen: set[str | int] = set()
    turn = 0
    for number, fixture in enumerate(fixtures):
        try:
            document = json.loads(fixture)
        except ValueError:
            continue
        for place in places(document):
            before, after, held = _around(document, place)
            chosen = [VALUES[(turn + step) % len(VALUES)] for step in range(AT_EVERY_PLACE)]
            turn += AT_EVERY_PLACE
            if isinstance(place[-1], str):
                chosen.append(held + b"," + json.dumps(place[-1]).encode() + b":" + VALUES[turn % len(VALUES)])
            if place[-1] not in seen:
                seen.add(place[-1])
                chosen += [DEEPLY[turn % len(DEEPLY)], *([LONG] if held.startswith(b'"') else [])]
            for value in (b"null", *chosen):
                yield f"fixture {number} at {place}: {value[:40]!r}", before + value + after


def places(document: Any, way: Place = ()) -> Iterator[Place]:
    """The way to every value."""
    pairs: Iterable[tuple[str | int, Any]] = ()
    if isinstance(document, dict):
        pairs = document.items()
    elif isinstance(document, list):
        pairs = enumerate(document)
    for key, value in pairs:
        yield (*way, key)
        yield from places(value, (*way, key))


def _around(document: Any, place: Place) -> tuple[bytes, bytes, bytes]:
    """The bytes before and after the value at ``place``, and the value's own."""
    whole = copy.deepcopy(document)
    parent = whole
    for step in place[:-1]:
        parent = parent[step]
    held, parent[place[-1]] = parent[place[-1]], _MARK
    before, _, after = json.dumps(whole).encode().partition(json.dumps(_MARK).encode())
    return before, after, json.dumps(held).encode()
