"""Opens what is sealed, by the batch: one question to the vault for all keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from . import headers
from .sealing import Broken, Keys, unseal
from .stage import Message

Closed = Literal["not-sealed", "seal-broken"]


@dataclass(frozen=True)
class Opened:
    """A message and its plain bytes."""

    message: Message
    key_id: str
    plain: bytes


async def open_sealed(messages: Sequence[Message], keys: Keys) -> tuple[list[Opened], list[tuple[Message, Closed]]]:
    """The messages that open, in order, and those that carry no key or do not open with it.

    A message whose key is gone belongs to an erased person and is in neither: there is nothing to read and nothing to
    keep. Raises ``Unavailable`` with the vault away.
    """
    secrets = await keys.find({message.headers.get(headers.KEY_ID, "") for message in messages} - {""})
    opened: list[Opened] = []
    closed: list[tuple[Message, Closed]] = []
    for message in messages:
        key_id = message.headers.get(headers.KEY_ID)
        if key_id is None:
            closed.append((message, "not-sealed"))
            continue
        secret = secrets.get(key_id)
        if secret is None:
            continue
        try:
            opened.append(Opened(message, key_id, unseal(secret, message.value, message.topic)))
        except Broken:
            closed.append((message, "seal-broken"))
    return opened, closed
