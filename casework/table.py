"""Who may ask for what, in which status, and what follows: role × status × command, in one place.

Stages are those of Jakarta's own help page (JakRespons, "status laporan"). ``disposisi`` (a Dinas instructs its Suku
Dinas) is understood wherever a ticket is open; no command leads there yet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from schemas.case import CommandKind, FactKind, Status

Role = Literal["citizen", "officer", "desk", "counter", "system"]
Reach = Literal["any", "own"]
"""``own``: only tickets of the unit that the actor acts for."""
Need = Literal["text", "unit", "until", "rating", "evidence"]

REOPEN_WITHIN = timedelta(days=30)
"""How long after it was resolved a ticket can be reopened."""
HISTORY_LIMIT = 500
"""Facts after which people's commands are refused, except ``close``: a row must stay small, and a ticket must end."""
UNIT = re.compile(r"[A-Z][A-Z0-9-]*|KEL:\d{2}\.\d{2}\.\d{2}\.\d{4}")
"""Code of a unit: an OPD, or a kelurahan."""

_AT_A_UNIT: tuple[Status, ...] = ("menunggu", "koordinasi", "disposisi", "proses", "menunggu_warga")
_OPEN: tuple[Status, ...] = ("tinjauan", *_AT_A_UNIT)
_ALL: tuple[Status, ...] = (*_OPEN, "selesai", "dicabut")
_MOVED: frozenset[FactKind] = frozenset(
    {"routed", "review", "assigned", "accepted", "forwarded", "withdrawn", "resolved", "reopened"}
)
_ASKED: frozenset[FactKind] = frozenset({"asked"})
_NEWS: frozenset[FactKind] = frozenset({"followup", "amended", "answered"})


@dataclass(frozen=True)
class CommandRule:
    """``by``: roles and their reach. ``moves``: status before to status after; another status refuses.

    ``stale_after``: facts that, when they came after what the asker saw (``Command.seen``), make the command refused.
    """

    fact: FactKind
    by: Mapping[Role, Reach]
    moves: Mapping[Status, Status]
    needs: tuple[Need, ...] = ()
    stale_after: frozenset[FactKind] = field(default_factory=frozenset)


def _to(status: Status, *origins: Status) -> Mapping[Status, Status]:
    return dict.fromkeys(origins, status)


def _stay(*origins: Status) -> Mapping[Status, Status]:
    return {status: status for status in origins}


COMMANDS: Mapping[CommandKind, CommandRule] = {
    "assign": CommandRule(
        fact="assigned",
        by={"desk": "any"},
        moves=_to("menunggu", *_OPEN),
        needs=("unit",),
        stale_after=_MOVED,
    ),
    "accept": CommandRule(
        fact="accepted",
        by={"officer": "own", "desk": "own"},
        moves=_to("proses", "menunggu", "koordinasi", "disposisi"),
    ),
    "forward": CommandRule(
        fact="forwarded",
        by={"officer": "own", "desk": "any"},
        moves=_to("koordinasi", *_AT_A_UNIT),
        needs=("unit",),
        stale_after=_MOVED,
    ),
    "progress": CommandRule(
        fact="progressed",
        by={"officer": "own", "desk": "own"},
        moves=_to("proses", *_AT_A_UNIT),
        needs=("text",),
    ),
    "ask": CommandRule(
        fact="asked",
        by={"officer": "own", "desk": "any"},
        moves=_to("menunggu_warga", *_OPEN),
        needs=("text",),
        stale_after=_ASKED | _NEWS,
    ),
    "answer": CommandRule(
        fact="answered",
        by={"citizen": "any", "counter": "any"},
        moves=_to("proses", "menunggu_warga"),
        needs=("text",),
    ),
    "extend": CommandRule(
        fact="extended",
        by={"officer": "own", "desk": "own"},
        moves=_stay(*_AT_A_UNIT),
        needs=("until",),
        stale_after=frozenset({"extended"}),
    ),
    "close": CommandRule(
        fact="resolved",
        by={"officer": "own", "desk": "any"},
        moves=_to("selesai", *_OPEN),
        needs=("text",),
        stale_after=_NEWS,
    ),
    "reopen": CommandRule(
        fact="reopened",
        by={"citizen": "any", "counter": "any", "desk": "any"},
        moves=_to("proses", "selesai"),
    ),
    "rate": CommandRule(
        fact="rated",
        by={"citizen": "any"},
        moves=_stay("selesai"),
        needs=("rating",),
    ),
    "note": CommandRule(
        fact="noted",
        by={"officer": "own", "desk": "any", "counter": "any", "system": "any"},
        moves=_stay(*_ALL),
        needs=("text",),
    ),
    "attach": CommandRule(
        fact="attached",
        by={"system": "any"},
        moves=_stay(*_ALL),
        needs=("evidence",),
    ),
}
