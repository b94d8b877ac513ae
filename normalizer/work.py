"""One item on its way to a ticket, and the masked events that come of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.stage import Message
from schemas.ids import derived_id
from schemas.item import Item, ItemEvent, Outcome
from schemas.ticket import AttachmentRef, Reading, Sighting, TicketEvent
from vault.model import Registered

PAST = timedelta(days=7)
FUTURE = timedelta(minutes=5)
"""A sender's clock is trusted only inside [received - 7 days, received + 5 minutes]."""
DELETED_NOTE = "(pesan dihapus oleh pengirimnya)"


@dataclass(frozen=True)
class Work:
    """One item of the batch with what the register is asked about it."""

    message: Message
    key_id: str
    event: ItemEvent
    item: Item
    outcome: Outcome
    author: str
    at: datetime
    item_key: str
    message_hash: str
    root_hash: str
    reply_hash: str | None
    root_key: str
    """Of the item that ``root`` names, where its channel keys it by channel, account and id."""
    numbers: list[str]
    file_ids: tuple[str | None, ...]
    """One for each of the item's attachments."""


def trusted(sent_at: datetime, received_at: datetime) -> datetime:
    """When it was sent, or when it came if the sender's clock cannot be right."""
    if received_at - PAST <= sent_at <= received_at + FUTURE:
        return sent_at
    return received_at


def names_of(item: Item) -> list[str]:
    """The author's names, to be masked wherever they stand in the text."""
    return [name for name in (item.author.name, item.author.handle) if name]


def ticket_event(work: Work, reading: Reading, registered: Registered, subject: str | None) -> TicketEvent:
    """The masked event of one item. Its id derives from ticket, kind and item: a duplicate carries the same."""
    item = work.item
    gone = work.outcome == "delete"
    return TicketEvent(
        id=derived_id(registered.ticket_id, registered.kind, registered.item_key),
        tenant=work.event.tenant,
        at=work.at,
        kind=registered.kind,
        ticket_id=registered.ticket_id,
        number=registered.number,
        channel=item.channel,
        account=item.account,
        received_at=work.event.received_at,
        author=work.author,
        public=item.public,
        subject=None if gone else subject,
        text=DELETED_NOTE if work.outcome == "delete" else reading.masked_text,
        reading=None if gone else reading,
        attachments=tuple(
            AttachmentRef(media_type=found.media_type, size=found.size, blob=found.blob, id=file_id)
            for found, file_id in zip(item.attachments, work.file_ids, strict=True)
        ),
        version=item.version,
    )


def sighting(event: TicketEvent, reading: Reading) -> Sighting:
    """What joining into incidents needs of a new ticket."""
    return Sighting(
        id=derived_id(event.id, "sighting"),
        tenant=event.tenant,
        at=event.at,
        ticket_id=event.ticket_id,
        category=reading.category.value,
        kelurahan_code=reading.place.kelurahan_code,
        lat=reading.place.lat,
        lon=reading.place.lon,
    )
