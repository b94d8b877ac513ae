"""Commands of people: what follows, or why it is refused."""

from __future__ import annotations

from typing import Literal

import msgspec

from schemas.case import Case, Command, Status

from .facts import Said
from .files import attach, withdrawn
from .table import COMMANDS, HISTORY_LIMIT, REOPEN_WITHIN, UNIT, CommandRule

Refusal = Literal[
    "wrong-role",
    "wrong-status",
    "wrong-unit",
    "stale",
    "missing-text",
    "bad-unit",
    "same-unit",
    "until-not-future",
    "bad-rating",
    "too-late",
    "history-full",
    "missing-evidence",
]
"""Stable codes of ``Fact.reason``; README.md says what each means for people."""


def on_command(case: Case, command: Command) -> tuple[Case, Said]:
    """The case as the command makes it, and what to record; refused, the case stays as it is."""
    rule = COMMANDS[command.kind]
    refusal = _refusal(case, command, rule)
    if refusal is not None:
        return case, Said(kind="refused", at=command.at, actor=command.actor, reason=refusal)
    said = Said(
        kind=rule.fact,
        at=command.at,
        actor=command.actor,
        text=command.text,
        until=command.until,
        rating=command.rating,
        evidence=() if command.kind == "attach" and withdrawn(case) else command.evidence,
    )
    return _changed(case, command, rule), said


def _changed(case: Case, command: Command, rule: CommandRule) -> Case:
    moved = case
    if "unit" in rule.needs and command.unit is not None:
        moved = msgspec.structs.replace(moved, unit=command.unit, unit_name=command.unit_name or command.unit)
    moved = enter(moved, rule.moves[case.status])
    if command.kind == "ask":
        moved = msgspec.structs.replace(moved, question=command.text)
    elif command.kind == "close":
        moved = msgspec.structs.replace(moved, resolved_at=command.at)
    elif command.kind == "reopen":
        moved = msgspec.structs.replace(moved, resolved_at=None, rating=None)
    elif command.kind == "attach":
        moved = attach(moved, command.evidence)
    elif command.kind == "rate":
        moved = msgspec.structs.replace(moved, rating=command.rating)
    return moved


def enter(case: Case, status: Status) -> Case:
    """``case`` in ``status``. Work without a unit is not work: it is the desk's. A question ends with the waiting."""
    if status == "proses" and case.unit is None:
        status = "tinjauan"
    question = case.question if status == "menunggu_warga" else None
    return msgspec.structs.replace(case, status=status, question=question)


def _refusal(case: Case, command: Command, rule: CommandRule) -> Refusal | None:
    """Why the command does not fit, the gravest reason first; None when it does."""
    reach = rule.by.get(command.actor.role)
    refusal: Refusal | None = None
    if reach is None:
        refusal = "wrong-role"
    elif len(case.history) >= HISTORY_LIMIT and command.actor.role != "system" and command.kind != "close":
        refusal = "history-full"
    elif case.status not in rule.moves:
        refusal = "wrong-status"
    elif reach == "own" and (case.unit is None or command.actor.unit != case.unit):
        refusal = "wrong-unit"
    elif _stale(case, command, rule):
        refusal = "stale"
    return refusal or _unfit_content(case, command, rule)


def _stale(case: Case, command: Command, rule: CommandRule) -> bool:
    if command.seen is None:
        return False
    return any(fact.seq > command.seen and fact.kind in rule.stale_after for fact in case.history)


def _unfit_content(case: Case, command: Command, rule: CommandRule) -> Refusal | None:
    needs = rule.needs
    solved = case.resolved_at
    checks: tuple[tuple[bool, Refusal], ...] = (
        ("text" in needs and not (command.text or "").strip(), "missing-text"),
        ("unit" in needs and not UNIT.fullmatch(command.unit or ""), "bad-unit"),
        ("unit" in needs and command.unit == case.unit, "same-unit"),
        ("until" in needs and (command.until is None or command.until <= command.at), "until-not-future"),
        ("evidence" in needs and not command.evidence, "missing-evidence"),
        ("rating" in needs and command.rating not in range(1, 6), "bad-rating"),
        (command.kind == "reopen" and solved is not None and command.at - solved > REOPEN_WITHIN, "too-late"),
    )
    return next((refusal for fails, refusal in checks if fails), None)
