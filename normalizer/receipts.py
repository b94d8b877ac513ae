"""Failed delivery reports: the ticket must show that the citizen was not informed (edge cases, WhatsApp 10).

Receipts overtake each other, so nothing here depends on their order: only ``failed`` has a consequence, and it is
final.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from pipeline.metrics import UNIFIED
from pipeline.stage import Outbox
from schemas.case import Actor, Command
from schemas.ids import derived_id
from schemas.item import Decoded, Delivery, ItemEvent
from schemas.topics import COMMANDS

from .vault_port import NormalizerVault

NAMES = {"whatsapp": "WhatsApp", "telegram": "Telegram", "sms": "SMS", "email": "surel", "x": "X"}
"""Channels as people call them; one that is not here goes by its own name."""
MAX_CODE = 40


@dataclass(frozen=True)
class Undelivered:
    """A failed receipt on ``crm.items``: its ``key`` and ``delivery.message`` are keyed hashes."""

    event: ItemEvent
    delivery: Delivery


def failed_delivery(decoded: Decoded) -> Delivery | None:
    """What a failed receipt tells; None of all else, which is only counted."""
    delivery = decoded.delivery if decoded.outcome == "receipt" else None
    return delivery if delivery is not None and delivery.state == "failed" else None


def hashed(decoded: Decoded, delivery: Delivery, vault: NormalizerVault) -> Decoded:
    """The receipt without the vendor's ids.

    A wamid holds the person's number, and nothing here knows the person whose erasure would have to reach this record.
    """
    message = vault.hash_of("message", delivery.channel, delivery.account, delivery.message)
    replace = msgspec.structs.replace
    return replace(decoded, key=vault.hash_of(decoded.key), delivery=replace(delivery, message=message))


async def tell(failed: Sequence[Undelivered], vault: NormalizerVault, out: Outbox) -> None:
    """One note for each failed answer on the ticket it belongs to; one that nobody knows is counted and left.

    Repeatable: the command's id derives from the receipt's key. Raises ``Unavailable`` with the vault away.
    """
    if not failed:
        return
    known = await asyncio.to_thread(vault.lookup, (), {one.delivery.message for one in failed}, ())
    for one in failed:
        delivery = one.delivery
        ticket_id = known.messages.get(delivery.message)
        UNIFIED.labels(delivery.channel, "undelivered" if ticket_id else "undelivered-unknown").inc()
        if ticket_id is not None:
            out.send(COMMANDS, ticket_id, _note(one, ticket_id))


def _note(one: Undelivered, ticket_id: str) -> Command:
    delivery = one.delivery
    why = f" (kode {delivery.code[:MAX_CODE]})" if delivery.code else ""
    return Command(
        id=derived_id(one.event.decoded.key, "undelivered"),
        tenant=one.event.tenant,
        at=one.event.received_at,
        kind="note",
        ticket_id=ticket_id,
        actor=Actor(role="system"),
        text=f"Jawaban lewat {NAMES.get(delivery.channel, delivery.channel)} tidak sampai ke pelapor{why}.",
    )
