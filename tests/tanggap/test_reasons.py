"""Every reason code that the source can give is explained in docs/reasons.md, and what is generated is current."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from casework.commands import Refusal
from ingestors.registry import CHANNELS
from tanggap import generated

ROOT = Path(generated.__file__).parent.parent
ROOMS = (
    "casework", "indexer", "ingestors", "media", "normalizer", "pipeline", "portal", "responder", "router",
    "sla_monitor", "tanggap", "vault",
)  # fmt: skip
PREFIXES = (
    "webhook", "publish", "normalizer", "router", "casework", "sla", "responder", "indexer", "media", "http", *CHANNELS,
)  # fmt: skip
CODE = re.compile(rf"(?:{'|'.join(PREFIXES)})\.[a-z][a-z0-9-]*")
REASON_AT = {"InvalidItem": 0, "Rejected": 1, "problem": 1, "dead": 1}
"""Which argument of these calls is a reason code, whatever it looks like."""
NO_CODES = {"media.fields"}
"""Look like codes and are none: a parameter of X's API."""
LOG_METHODS = {"debug", "info", "warning", "error", "exception"}


def sources() -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if not path.name.startswith(("test_", "conftest")):
                yield path


def name_of(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def codes_of(tree: ast.AST) -> Iterator[str]:
    """Texts that look like a code, apart from the event names of logs; and any text where a code must stand."""
    events: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = name_of(node)
        if name in LOG_METHODS and node.args:
            events.add(id(node.args[0]))
        place = REASON_AT.get(name)
        if place is not None and len(node.args) > place:
            found = node.args[place]
            if isinstance(found, ast.Constant) and isinstance(found.value, str):
                yield found.value
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in events
            and CODE.fullmatch(node.value)
            and node.value not in NO_CODES
        ):
            yield node.value


def documented() -> set[str]:
    return set(re.findall(r"^\| `([^`]+)` \| \S", generated.reasons(), re.MULTILINE))


def test_every_code_in_the_source_is_explained() -> None:
    explained = documented()
    unknown: dict[str, str] = {}
    seen = 0
    for path in sources():
        for code in codes_of(ast.parse(path.read_text(encoding="utf-8"))):
            seen += 1
            if code not in explained:
                unknown[code] = str(path.relative_to(ROOT))
    assert seen > 50, "the search finds no codes: has the way of giving them changed?"
    assert unknown == {}, "explain them in REASONS of the channel or tanggap/data/reasons.yaml"


def test_every_refusal_of_a_command_is_explained() -> None:
    assert set(get_args(Refusal)) <= documented()


def test_a_code_that_nobody_explained_is_found() -> None:
    source = 'log.info("router.routed")\nraise InvalidItem("odd")\nx = "router.unheard-of"\nout.dead(message, "bare")'
    assert sorted(codes_of(ast.parse(source))) == ["bare", "odd", "router.unheard-of"]


def test_generated_pages_are_current(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["generated", "--check"])
    assert generated.main() == 0, capsys.readouterr().err
