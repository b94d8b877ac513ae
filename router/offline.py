"""What ``tanggap route`` prints (CONTRACT, "Command line"). The command composes it with the normalizer's reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from schemas.ticket import Reading

from .route import route
from .rulebook import Rulebook


def route_lines(
    readings: Iterable[tuple[int, Reading | Mapping[str, Any]]], rulebook: Rulebook
) -> Iterator[dict[str, Any]]:
    """One answer a line, in order: ``opd`` (top three: ``code``, ``name``, ``confidence``), ``decision``, ``reasons``.

    A pair is the number of an input line, from 1, and its reading, or a mapping that says why it could not be read.
    Such a line is answered with ``decision`` "review", no ``opd``, and the mapping under ``error``.
    """
    for number, reading in readings:
        if isinstance(reading, Reading):
            decision = route(reading, rulebook)
            yield {
                "opd": [{"code": unit.code, "name": unit.name, "confidence": unit.confidence} for unit in decision.opd],
                "decision": decision.decision,
                "reasons": list(decision.reasons),
            }
        else:
            reasons = [f"Baris {number} tidak dapat dibaca."]
            yield {"opd": [], "decision": "review", "reasons": reasons, "error": {**reading, "line": number}}
