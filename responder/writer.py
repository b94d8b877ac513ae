"""From facts to messages waiting to be sent: ``crm.progress`` to ``crm.replies``."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from pipeline.errors import InvalidItem
from pipeline.stage import Message
from schemas.base import decode
from schemas.case import Fact
from schemas.events import Reply
from schemas.ids import derived_id

from .wording import Wording, render


def reply_to(message: Message, wording: Wording, answered: Collection[str]) -> Reply | None:
    """The message that a fact makes, or None.

    ``answered`` are the channels that carry answers at all; at a counter the slip is the answer. Raises
    ``InvalidItem`` for a value that is no fact.
    """
    try:
        fact = decode(message.value, Fact)
    except msgspec.DecodeError as error:
        raise InvalidItem("responder.not-a-fact", type(error).__name__) from error
    found = wording.for_fact(fact.kind)
    if found is None or fact.channel not in answered:
        return None
    name, template = found
    return Reply(
        id=derived_id(fact.id, "reply"),
        tenant=fact.tenant,
        at=fact.at,
        ticket_id=fact.ticket_id,
        number=fact.number,
        channel=fact.channel,
        account=fact.account or "",
        recipient=fact.author,
        template=name,
        state="queued",
        text=render(template, fact, public=fact.public),
        cause=fact.id,
        scope="lihat" if fact.public else "pelapor",
    )


def replies_of(messages: Sequence[Message], wording: Wording, answered: Collection[str]) -> list[Reply]:
    """The messages of a batch, in order."""
    made = (reply_to(message, wording, answered) for message in messages)
    return [reply for reply in made if reply is not None]
