"""Opens what is sealed, by the batch: one question to the vault for all keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline import headers
from pipeline.errors import InvalidItem
from pipeline.sealing import Broken, Keys, unseal
from pipeline.stage import Message, Outbox


@dataclass(frozen=True)
class Opened:
    """A message and its plain bytes."""

    message: Message
    key_id: str
    plain: bytes


async def open_batch(messages: Sequence[Message], keys: Keys, out: Outbox) -> list[Opened]:
    """The messages that open, in order.

    A message whose key is gone belongs to an erased person and is left out: there is nothing to read and nothing to
    keep. One that carries no key or does not open becomes a dead letter. Raises ``Unavailable`` with the vault away.
    """
    secrets = await keys.find({message.headers.get(headers.KEY_ID, "") for message in messages} - {""})
    opened: list[Opened] = []
    for message in messages:
        key_id = message.headers.get(headers.KEY_ID)
        if key_id is None:
            out.dead(message, "normalizer.not-sealed")
            continue
        secret = secrets.get(key_id)
        if secret is None:
            continue
        try:
            opened.append(Opened(message, key_id, unseal(secret, message.value, message.topic)))
        except Broken:
            out.dead(message, "normalizer.seal-broken")
    return opened


def required(message: Message, name: str) -> str:
    """A header that our own intake always writes. Raises ``InvalidItem`` for a record from elsewhere."""
    value = message.headers.get(name)
    if value is None:
        raise InvalidItem("normalizer.header-missing", name)
    return value
