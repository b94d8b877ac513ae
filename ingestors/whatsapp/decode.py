"""Raw webhook bytes to items. Pure: no I/O, no clock."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from ingestors.items import EPOCH, Change, Envelope, degrees, digest, edit_version, ident, plain, read, read_all
from ingestors.surrogates import whole_surrogates
from pipeline.channel import Part, Raw
from schemas.item import Attachment, Author, Decoded, Delivery, Item, Location, Outcome

from .payload import Contact, Entry, Fault, Inbound, Interactive, Media, Metadata, Spot, Status, Value

OBJECT = "whatsapp_business_account"
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
STATES: dict[str, Literal["sent", "delivered", "read", "failed"]] = {
    "sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed",
}  # fmt: skip
"""``played`` is what ``read`` is to a voice message."""
FORM_MACHINERY = frozenset({"flow_token", "wa_flow_response_params"})
"""Members of a form's answer that no person wrote."""
MEDIA = ("image", "video", "audio", "document")


def decode(raw: Raw) -> Iterator[Part]:
    """One part for each message and status of the delivery. Never raises for any bytes."""
    envelope = read(whole_surrogates(raw.body), Envelope)
    if envelope is None or envelope.object != OBJECT:
        yield _dead(raw.account, raw.body)
        return
    for entry_bytes in envelope.entry:
        entry = read(entry_bytes, Entry)
        if entry is None:
            yield _dead(raw.account, entry_bytes)
            continue
        for change in entry.changes:
            yield from _change(raw, change)


def _change(raw: Raw, data: msgspec.Raw) -> Iterator[Part]:
    change = read(data, Change)
    if change is not None and change.field is not None and change.field != "messages":
        yield _unnamed(raw.account, data, "ignored", "whatsapp.other-field")
        return
    value = read(change.value, Value) if change else None
    if value is None:
        yield _dead(raw.account, data)
        return
    metadata = read(value.metadata, Metadata)
    account = ident(metadata.phone_number_id if metadata else None) or raw.account
    contacts = read_all(value.contacts, Contact)
    for one in value.messages or ():
        yield _message(raw, account, contacts, one)
    for one in value.statuses or ():
        yield _receipt(account, one)
    for one in value.errors or ():
        yield _unnamed(account, one, "note", "whatsapp.vendor-error")


def _receipt(account: str, data: msgspec.Raw) -> Part:
    """Each state has a key of its own: Meta reports them in any order and may leave some out."""
    status = read(data, Status)
    message = ident(status.id) if status else None
    if status is None or message is None:
        return _dead(account, data)
    state = STATES.get(status.status or "")
    delivery = None
    if state is not None:
        faults = read_all(read(status.errors, list[msgspec.Raw]), Fault)
        reply, code = read(status.biz_opaque_callback_data, str), faults[0].code if faults else None
        delivery = Delivery(
            channel="whatsapp", account=account, message=message, state=state, reply=plain(reply), code=ident(code)
        )
    key = f"whatsapp:{account}:{message}:{plain(status.status)}"
    return Part(Decoded(outcome="receipt", key=key, reason="whatsapp.status", delivery=delivery))


def _message(raw: Raw, account: str, contacts: list[Contact], data: msgspec.Raw) -> Part:
    message = read(data, Inbound)
    external_id = ident(message.id) if message else None
    if message is None or external_id is None:
        return _dead(account, data)
    key = f"whatsapp:{account}:{external_id}"
    if message.type in NOTES:
        return _part("note", key, NOTES[message.type])
    if message.interactive is not None and message.interactive.type == "call_permission_reply":
        return _part("note", key, "whatsapp.call-permission")
    author = _author(message, contacts)
    if author is None:
        return _part("dead", key, "whatsapp.no-sender")
    sent_at = _instant(message.timestamp, raw.received_at)
    if message.type == "revoke" or message.edit is not None:
        return _changed(account, message, external_id, author, sent_at)
    return _spoken(key, _item(account, message, external_id, author, sent_at))


def _spoken(key: str, item: Item) -> Part:
    if item.reply_to:
        return _part("reply", key, "whatsapp.thread", item)
    if not item.text and not item.attachments and item.location == Location():
        return _part("note", key, "whatsapp.unsupported")
    return _part("complaint", key, None, item)


def _changed(account: str, message: Inbound, external_id: str, author: Author, sent_at: datetime) -> Part:
    """A later word on an earlier message: taken back, or with other content."""
    key = f"whatsapp:{account}:{external_id}"
    change = message.edit or message.revoke
    root = ident(change.original_message_id) if change else None
    if change is None or root is None:
        return _part("dead", key, "whatsapp.unreadable")
    if message.edit is None:
        item = _item(account, message, external_id, author, sent_at, root=root)
        return _part("delete", key, "whatsapp.revoked", item)
    content = read(change.message, Inbound)
    if content is None:
        return _part("dead", key, "whatsapp.unreadable")
    # WhatsApp does not number edits: the newest by the vendor's time wins.
    version = edit_version(sent_at)
    item = _item(account, content, external_id, author, sent_at, root=root, version=version)
    return _part("edit", key, "whatsapp.edited", item)


def _item(
    account: str,
    message: Inbound,
    external_id: str,
    author: Author,
    sent_at: datetime,
    *,
    root: str | None = None,
    version: int = 1,
) -> Item:
    media = [found for found in (getattr(message, kind) for kind in MEDIA) if found is not None]
    words = [*_words(message), *(found.caption for found in media)]
    return Item(
        channel="whatsapp",
        account=account,
        external_id=external_id,
        author=author,
        text="\n".join(found for word in words if (found := plain(word)) is not None),
        sent_at=sent_at,
        thread=ident(message.group_id),
        root=root,
        reply_to=ident(message.context.id) if message.context else None,
        version=version,
        location=_location(message.location),
        attachments=tuple(_attachment(found) for found in media),
    )


def _words(message: Inbound) -> list[str | None]:
    words: list[str | None] = []
    if message.text is not None:
        words.append(message.text.body)
    if message.button is not None:
        words.append(message.button.text)
    if message.interactive is not None:
        words += _chosen(message.interactive)
    return words


def _chosen(answer: Interactive) -> list[str | None]:
    """What the person chose, or wrote into the fields of a form (Meta, "Flows > Receiving flow responses")."""
    words: list[str | None] = []
    for choice in (answer.list_reply, answer.button_reply):
        words += [choice.title, choice.description] if choice else []
    form = (answer.nfm_reply.response_json if answer.nfm_reply else None) or ""
    fields = read(form.encode("utf-8", "replace"), dict[str, msgspec.Raw]) or {}
    return words + [read(value, str) for name, value in fields.items() if name not in FORM_MACHINERY]


def _location(spot: Spot | None) -> Location:
    if spot is None:
        return Location()
    lat, lon = degrees(spot.latitude, 90), degrees(spot.longitude, 180)
    words = [found for part in (spot.name, spot.address) if (found := plain(part)) is not None]
    if lat is None or lon is None:
        lat = lon = None
    return Location(lat=lat, lon=lon, text=", ".join(words) or None)


def _attachment(media: Media) -> Attachment:
    return Attachment(
        name=plain(media.filename),
        media_type=(plain((media.mime_type or "").split(";")[0]) or "application/octet-stream").lower(),
        sha256=_hex(media.sha256),
        reference=ident(media.id),
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
    phone = ident(message.sender) or (ident(contact.wa_id) if contact else None)
    user_id = ident(message.from_user_id) or (ident(contact.user_id) if contact else None)
    identity = user_id or phone
    if not identity:
        return None
    profile = contact.profile if contact else None
    digits = phone.lstrip("+") if phone else ""
    return Author(
        id=identity,
        name=plain(profile.name) if profile else None,
        phone=f"+{digits}" if digits.isascii() and digits.isdigit() else None,
        handle=plain(profile.username) if profile else None,
    )


def _same(contact: Contact, message: Inbound) -> bool:
    return any(
        ours is not None and ours == ident(theirs)
        for ours, theirs in ((ident(message.sender), contact.wa_id), (ident(message.from_user_id), contact.user_id))
    )


def _instant(timestamp: str | int | None, received_at: datetime) -> datetime:
    """Unix seconds, mostly as text; the receipt where the vendor gives none that a calendar holds."""
    if timestamp is None or not re.fullmatch(r"[0-9]{1,11}", str(timestamp)):
        return received_at
    return EPOCH + timedelta(seconds=int(timestamp))


def _unnamed(account: str, data: msgspec.Raw | bytes, outcome: Outcome, reason: str) -> Part:
    """What has no id of its own is named by its bytes, so that a redelivery keeps its key."""
    return _part(outcome, f"whatsapp:{account}:sha256-{digest(data)}", reason)


def _dead(account: str, data: msgspec.Raw | bytes) -> Part:
    return _unnamed(account, data, "dead", "whatsapp.unreadable")


def _part(outcome: Outcome, key: str, reason: str | None, item: Item | None = None) -> Part:
    return Part(Decoded(outcome=outcome, key=key, reason=reason, item=item))
