"""Raw webhook bytes to items. Pure: no I/O, no clock."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import msgspec

from pipeline.channel import Part, Raw
from schemas.item import Attachment, Author, Decoded, Item, Location, Outcome

from .payload import Change, Contact, Edit, Envelope, Inbound, Media, Status, Value

REASONS = {
    "whatsapp.unreadable": "The delivery, or one message in it, is not what Meta documents.",
    "whatsapp.thread": "Answers an earlier message (context.id).",
    "whatsapp.edited": "A newer version of an earlier message.",
    "whatsapp.revoked": "The sender deleted the message for everyone.",
    "whatsapp.status": "Delivery report of a message of ours.",
    "whatsapp.reaction": "An emoji on a message.",
    "whatsapp.sticker": "A sticker.",
    "whatsapp.contacts": "Shared contact cards.",
    "whatsapp.order": "A shop order; the city has no shop.",
    "whatsapp.system": "The person changed number or identity.",
    "whatsapp.welcome": "The person opened the chat for the first time.",
    "whatsapp.unsupported": "A kind that the Cloud API does not deliver (poll, live location, view once …).",
    "whatsapp.no-sender": "Neither a phone number nor a user id: nobody to answer.",
    "whatsapp.other-field": "A subscription field that carries no messages.",
}

NOTES = {
    "reaction": "whatsapp.reaction",
    "sticker": "whatsapp.sticker",
    "contacts": "whatsapp.contacts",
    "order": "whatsapp.order",
    "system": "whatsapp.system",
    "request_welcome": "whatsapp.welcome",
    "unsupported": "whatsapp.unsupported",
    "unknown": "whatsapp.unsupported",
}
MEDIA = ("image", "video", "audio", "document")


def decode(raw: Raw) -> Iterator[Part]:
    """One part for each message and status of the delivery. Never raises for any bytes."""
    try:
        envelope = msgspec.json.decode(raw.body, type=Envelope)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        yield _part("dead", f"whatsapp:{raw.account}:unreadable", "whatsapp.unreadable")
        return
    for entry in envelope.entry:
        for change in entry.changes:
            yield from _change(raw, change)


def _change(raw: Raw, change: Change) -> Iterator[Part]:
    if change.field != "messages":
        yield _part("ignored", f"whatsapp:{raw.account}:{change.field}", "whatsapp.other-field")
        return
    try:
        value = msgspec.json.decode(change.value, type=Value)
    except (msgspec.DecodeError, RecursionError):
        yield _part("dead", f"whatsapp:{raw.account}:unreadable", "whatsapp.unreadable")
        return
    account = (value.metadata.phone_number_id if value.metadata else None) or raw.account
    for item in value.messages:
        yield _guarded(account, lambda data=item: _message(raw, account, value, data))  # type: ignore[misc]
    for item in value.statuses:
        yield _guarded(account, lambda data=item: _status(account, data))  # type: ignore[misc]


def _guarded(account: str, read: Callable[[], Part]) -> Part:
    try:
        return read()
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
        return _part("dead", f"whatsapp:{account}:unreadable", "whatsapp.unreadable")


def _status(account: str, data: msgspec.Raw) -> Part:
    status = msgspec.json.decode(data, type=Status)
    return _part("receipt", f"whatsapp:{account}:{status.id}:{status.status}", "whatsapp.status")


def _message(raw: Raw, account: str, value: Value, data: msgspec.Raw) -> Part:
    message = msgspec.json.decode(data, type=Inbound)
    key = f"whatsapp:{account}:{message.id}"
    if message.type in NOTES:
        return _part("note", key, NOTES[message.type])
    author = _author(message, value.contacts)
    if author is None:
        return _part("dead", key, "whatsapp.no-sender")
    sent_at = _instant(message.timestamp, raw.received_at)
    if message.type == "revoke":
        original = message.revoke.original_message_id if message.revoke else None
        item = _item(account, message, author, sent_at, root=original)
        return _part("delete", key, "whatsapp.revoked", item)
    if message.edit is not None:
        return _edited(account, message, message.edit, author, sent_at)
    return _spoken(key, _item(account, message, author, sent_at))


def _spoken(key: str, item: Item) -> Part:
    if item.reply_to:
        return _part("reply", key, "whatsapp.thread", item)
    if not item.text and not item.attachments and item.location.lat is None:
        return _part("note", key, "whatsapp.unsupported")
    return _part("complaint", key, None, item)


def _edited(account: str, message: Inbound, edit: Edit, author: Author, sent_at: datetime) -> Part:
    inner = msgspec.json.decode(edit.message, type=dict[str, msgspec.Raw])
    inner.setdefault("id", msgspec.Raw(msgspec.json.encode(message.id)))
    content = msgspec.json.decode(msgspec.json.encode(inner), type=Inbound)
    root = edit.original_message_id or message.id
    item = _item(account, content, author, sent_at, root=root)
    # WhatsApp does not number edits: the newest by the vendor's time wins.
    version = max(2, int(sent_at.timestamp()))
    item = msgspec.structs.replace(item, external_id=message.id, version=version)
    return _part("edit", f"whatsapp:{account}:{message.id}", "whatsapp.edited", item)


def _item(account: str, message: Inbound, author: Author, sent_at: datetime, *, root: str | None = None) -> Item:
    media = [found for found in (getattr(message, kind) for kind in MEDIA) if found is not None]
    captions = [found.caption for found in media if found.caption]
    spot = message.location
    return Item(
        channel="whatsapp",
        account=account,
        external_id=message.id,
        author=author,
        text="\n".join([*_words(message), *captions]),
        sent_at=sent_at,
        root=root,
        reply_to=message.context.id if message.context else None,
        location=Location(lat=spot.latitude, lon=spot.longitude, text=_place_words(message)) if spot else Location(),
        attachments=tuple(_attachment(found) for found in media),
    )


def _words(message: Inbound) -> list[str]:
    words: list[str | None] = []
    if message.text is not None:
        words.append(message.text.body)
    if message.button is not None:
        words.append(message.button.text)
    if message.interactive is not None:
        for choice in (message.interactive.list_reply, message.interactive.button_reply):
            words += [choice.title, choice.description] if choice else []
    return [word for word in words if word]


def _place_words(message: Inbound) -> str | None:
    spot = message.location
    return ", ".join(part for part in (spot.name, spot.address) if part) or None if spot else None


def _attachment(media: Media) -> Attachment:
    return Attachment(
        name=media.filename,
        media_type=(media.mime_type or "application/octet-stream").split(";")[0].strip().lower(),
        sha256=_hex(media.sha256),
        reference=media.id,
    )


def _hex(digest: str | None) -> str | None:
    """Meta gives base64; ours are hexadecimal everywhere."""
    try:
        return base64.b64decode(digest, validate=True).hex() if digest else None
    except (binascii.Error, ValueError):
        return None


def _author(message: Inbound, contacts: list[Contact]) -> Author | None:
    """User id first: since 2026 people with a user name show no phone number (channels, BSUID)."""
    contact = next((one for one in contacts if _same(one, message)), contacts[0] if len(contacts) == 1 else None)
    phone = message.sender or (contact.wa_id if contact else None)
    user_id = message.from_user_id or (contact.user_id if contact else None)
    identity = user_id or phone
    if not identity:
        return None
    profile = contact.profile if contact else None
    return Author(
        id=identity,
        name=profile.name if profile else None,
        phone=f"+{phone.lstrip('+')}" if phone else None,
        handle=profile.username if profile else None,
    )


def _same(contact: Contact, message: Inbound) -> bool:
    return bool(message.sender and contact.wa_id == message.sender) or bool(
        message.from_user_id and contact.user_id == message.from_user_id
    )


def _instant(timestamp: str | int | None, received_at: datetime) -> datetime:
    """Unix seconds, as text; the receipt where the vendor gives none."""
    return datetime.fromtimestamp(int(timestamp), UTC) if timestamp is not None else received_at


def _part(outcome: Outcome, key: str, reason: str | None, item: Item | None = None) -> Part:
    return Part(Decoded(outcome=outcome, key=key, reason=reason, item=item))
