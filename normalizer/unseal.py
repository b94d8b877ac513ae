"""Opens what is sealed, and buries what does not open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.errors import InvalidItem
from pipeline.sealing import Keys
from pipeline.stage import Message, Outbox
from pipeline.unsealing import Closed, Opened, open_sealed

REASONS: Mapping[Closed, str] = {
    "not-sealed": "normalizer.not-sealed",
    "seal-broken": "normalizer.seal-broken",
}


async def open_batch(messages: Sequence[Message], keys: Keys, out: Outbox) -> list[Opened]:
    """The messages that open, in order; see ``pipeline.unsealing``.

    One that carries no key or does not open becomes a dead letter. Raises ``Unavailable`` with the vault away.
    """
    opened, closed = await open_sealed(messages, keys)
    for message, why in closed:
        out.dead(message, REASONS[why])
    return opened


def required(message: Message, name: str) -> str:
    """A header that our own intake always writes. Raises ``InvalidItem`` for a record from elsewhere."""
    value = message.headers.get(name)
    if value is None:
        raise InvalidItem("normalizer.header-missing", name)
    return value
