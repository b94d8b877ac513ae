"""Commands: how a page asks for a change, and how it learns what came of it (DESIGN, promise 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from schemas.case import Actor, Case, Command, CommandKind, Fact
from schemas.ids import derived_id
from schemas.topics import COMMANDS

from .deps import PortalDeps

T = TypeVar("T")

PAUSE = 0.05
"""Seconds between two looks; a get by id costs about a millisecond."""


@dataclass(frozen=True)
class Order:
    """What a form asks for. ``nonce`` came with the form: sending it twice unchanged makes the same command."""

    kind: CommandKind
    nonce: str
    seen: int | None
    text: str | None = None
    unit: str | None = None
    unit_name: str | None = None
    until: datetime | None = None
    rating: int | None = None


async def place(deps: PortalDeps, ticket_id: str, actor: Actor, order: Order) -> tuple[str, Case | None, Fact | None]:
    """Publishes the command, its text masked, and waits up to ``deps.wait`` seconds for the fact it causes.

    Returns the command's id, the case and the fact; both None while casework has not answered. Raises
    ``Unavailable`` when the command could not be made durable.
    """
    command = Command(
        id=_id(ticket_id, order),
        tenant=deps.tenant,
        at=deps.clock.now(),
        kind=order.kind,
        ticket_id=ticket_id,
        actor=actor,
        seen=order.seen,
        text=deps.mask(order.text) if order.text else None,
        unit=order.unit,
        unit_name=order.unit_name,
        until=order.until,
        rating=order.rating,
    )
    await deps.commands.publish(COMMANDS, ticket_id, command)

    async def answered() -> Case | None:
        case = await deps.cases.get(ticket_id)
        return case if case is not None and outcome(case, command.id) is not None else None

    case = await until(answered, deps.wait)
    return command.id, case, outcome(case, command.id) if case else None


async def until(look: Callable[[], Awaitable[T | None]], seconds: float) -> T | None:
    """What ``look`` finds, looked for again and again for ``seconds``; None when it never does."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        found = await look()
        if found is not None or loop.time() >= deadline:
            return found
        await asyncio.sleep(PAUSE)


def _id(ticket_id: str, order: Order) -> str:
    filled = (
        order.text or "",
        order.unit or "",
        order.until.isoformat() if order.until else "",
        str(order.rating or ""),
    )
    return derived_id("portal", ticket_id, order.kind, order.nonce, *filled)


def outcome(case: Case, command_id: str) -> Fact | None:
    """The fact a command led to, a refusal included; None while there is none."""
    return next((fact for fact in reversed(case.history) if fact.cause == command_id), None)
