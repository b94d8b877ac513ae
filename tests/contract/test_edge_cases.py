"""docs/edge-cases.md names proofs: each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

import ingestors

ROOT = Path(ingestors.__path__[0]).parent
PAGE = ROOT / "docs/edge-cases.md"


def last_cells() -> list[str]:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [row.rsplit("|", 2)[1] for row in rows if not row.rstrip(" |").endswith("proved by")]


def named() -> list[str]:
    return sorted({name for cell in last_cells() for name in re.findall(r"`([^`]+)`", cell)})


def test_every_case_names_a_proof() -> None:
    assert len(last_cells()) >= 50
    assert [cell for cell in last_cells() if "`" not in cell] == []


def test_every_proof_exists() -> None:
    sources = [path for folder in ("tests", "ingestors") for path in (ROOT / folder).rglob("test_*.py")]
    tests = {name for path in sources for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))}
    missing = []
    for name in named():
        channel, _, stem = name.partition("/")
        known = (ROOT / "ingestors" / channel / "fixtures" / f"{stem}.json").exists() if stem else name in tests
        missing += [] if known else [name]
    assert missing == []
