"""Raw bytes to items. Pure: no I/O, no clock; never raises for any bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC

import msgspec

from ingestors.surrogates import whole_surrogates
from pipeline.channel import Part, Raw
from schemas.item import Attachment, Author, Decoded, Item

from .payload import Message
from .settings import NAME

REASONS = {
    f"{NAME}.unreadable": "The delivery is not what the vendor documents.",
    f"{NAME}.thread": "Answers an earlier message.",
    f"{NAME}.empty": "Neither words nor a picture.",
    f"{NAME}.refused": "The vendor refused the answer for good.",
}
_CONTROLS = dict.fromkeys((*range(9), *range(11, 32), 127))


class _Delivery(msgspec.Struct):
    message: Message


def decode(raw: Raw) -> Iterator[Part]:
    """One part: this vendor sends one message a delivery. Elements of a list would each be read apart."""
    try:
        message = msgspec.json.decode(whole_surrogates(raw.body), type=_Delivery).message
        item = _item(raw.account, message)
    except (ValueError, RecursionError, OverflowError):
        key = f"{NAME}:{raw.account}:sha256-{hashlib.sha256(raw.body).hexdigest()[:32]}"
        yield Part(Decoded(outcome="dead", key=key, reason=f"{NAME}.unreadable"))
        return
    key = f"{NAME}:{raw.account}:{message.id}"
    if not item.text and not item.attachments:
        yield Part(Decoded(outcome="note", key=key, reason=f"{NAME}.empty"))
    elif item.reply_to:
        yield Part(Decoded(outcome="reply", key=key, reason=f"{NAME}.thread", item=item))
    else:
        yield Part(Decoded(outcome="complaint", key=key, item=item))


def _plain(text: str | None) -> str | None:
    """Without control characters (a NUL stops databases and terminals alike); None when nothing is left."""
    return (text or "").translate(_CONTROLS).strip() or None


def _item(account: str, message: Message) -> Item:
    return Item(
        channel=NAME,
        account=account,
        external_id=message.id,
        author=Author(id=message.sender.id, name=_plain(message.sender.name)),
        text=_plain(message.text) or "",
        sent_at=message.sent_at.astimezone(UTC),
        root=message.id,
        reply_to=message.answers,
        attachments=(Attachment(media_type="image/png", reference=_plain(message.picture.url)),)
        if message.picture
        else (),
    )
