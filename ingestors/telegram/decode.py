"""An update to at most one item. Pure: no I/O, no clock.

msgspec checks what is read; python-telegram-bot then reads the whole update and finds its links, counted in UTF-16.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
import telegram

from ingestors.surrogates import whole_surrogates
from pipeline.channel import Part, Raw
from schemas.item import Decoded, Item, Location, Outcome

from . import payload
from .content import attachments, author, location, plain, words
from .settings import NAME

T = TypeVar("T")

MESSAGES = {"message": False, "edited_message": True}
OTHERS: dict[str, tuple[Outcome, str]] = {
    "channel_post": ("ignored", "telegram.channel"),
    "edited_channel_post": ("ignored", "telegram.channel"),
    "callback_query": ("note", "telegram.button"),
    "chat_member": ("note", "telegram.membership"),
    "chat_join_request": ("note", "telegram.membership"),
    "message_reaction": ("note", "telegram.reaction"),
    "message_reaction_count": ("note", "telegram.reaction"),
    "business_connection": ("note", "telegram.business"),
    "business_message": ("note", "telegram.business"),
    "edited_business_message": ("note", "telegram.business"),
    "deleted_business_messages": ("note", "telegram.business"),
    "poll": ("note", "telegram.poll"),
    "poll_answer": ("note", "telegram.poll"),
}
CONTENT_NOTES = {
    "migrate_to_chat_id": "telegram.group-migrated",
    "migrate_from_chat_id": "telegram.group-migrated",
    "new_chat_members": "telegram.membership",
    "left_chat_member": "telegram.membership",
    "sticker": "telegram.sticker",
    "dice": "telegram.sticker",
    "game": "telegram.sticker",
    "contact": "telegram.contact",
    "poll": "telegram.poll",
}
COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@[A-Za-z0-9_]{1,64})?(?:\s+|$)")
"""Bot API, "Commands": up to 32 letters, digits and underscores, in groups with the bot's name."""
REPORTS = frozenset({"lapor", "aduan", "pengaduan"})
"""Commands whose words are the complaint itself."""


def decode(raw: Raw) -> Iterator[Part]:
    """One part for the update. Never raises for any bytes."""
    body = whole_surrogates(raw.body)
    fields = _read(body, dict[str, msgspec.Raw])
    outline = _read(body, payload.Outline)
    if fields is None or outline is None:
        yield _dead(raw)
        return
    by_update = f"{NAME}:{raw.account}:update-{outline.update_id}"
    for name, edited in MESSAGES.items():
        if name in fields:
            yield _message(raw, body, fields[name], edited=edited)
            return
    if "my_chat_member" in fields:
        change = _read(fields["my_chat_member"], payload.Membership)
        blocked = change and change.chat.type == "private" and change.new_chat_member.status == "kicked"
        yield _part("note", by_update, "telegram.blocked" if blocked else "telegram.membership")
        return
    kind = next((name for name in OTHERS if name in fields), None)
    outcome, reason = OTHERS[kind] if kind else ("ignored", "telegram.other-update")
    yield _part(outcome, by_update, reason)


def _message(raw: Raw, body: bytes, data: msgspec.Raw, *, edited: bool) -> Part:
    checked = _read(data, payload.Message)
    found = _parsed(body, edited=edited) if checked is not None else None
    if checked is None or found is None:
        return _dead(raw)
    key = f"{NAME}:{raw.account}:{checked.chat.id}:{checked.message_id}"
    if edited:
        key += f":{checked.edit_date or hashlib.sha256(data).hexdigest()[:32]}"
    silent = _silent(checked, found, edited=edited)
    if silent is not None:
        return _part(silent[0], key, silent[1])
    text = words(found)
    command = COMMAND.match(text) if found.text else None
    if command is not None:
        text = text[command.end() :].strip()
        if command[1].lower() not in REPORTS or not text:
            return _part("note", key, "telegram.command")
    return _spoken(raw, key, checked, found, text, edited=edited)


def _silent(checked: payload.Message, found: telegram.Message, *, edited: bool) -> tuple[Outcome, str] | None:
    """What the message is when no citizen speaks in it."""
    note = next((reason for name, reason in CONTENT_NOTES.items() if getattr(found, name, None)), None)
    if note is not None:
        return "note", note
    if checked.is_automatic_forward or checked.chat.type == "channel":
        return "ignored", "telegram.channel"
    if checked.sender is None:
        return "dead", "telegram.no-sender"
    if checked.sender.is_bot:
        return "ignored", "telegram.bot"
    if edited and found.location is not None:
        return "note", "telegram.live-location"
    return None


def _spoken(raw: Raw, key: str, checked: payload.Message, found: telegram.Message, text: str, *, edited: bool) -> Part:
    item = _item(raw, checked, found, text, edited=edited)
    if not item.text and not item.attachments and item.location == Location():
        return _part("note", key, "telegram.service")
    if edited:
        return _part("edit", key, "telegram.edited", item)
    if item.reply_to:
        return _part("reply", key, "telegram.thread", item)
    return _part("complaint", key, None, item)


def _item(raw: Raw, checked: payload.Message, found: telegram.Message, text: str, *, edited: bool) -> Item:
    chat = checked.chat.id
    external_id = f"{chat}:{checked.message_id}"
    # The pictures of an album come as messages of their own; what they share is the root of one ticket.
    group = plain(checked.media_group_id)
    return Item(
        channel=NAME,
        account=raw.account,
        external_id=external_id,
        author=author(found),
        text=text,
        sent_at=(found.edit_date if edited and found.edit_date else found.date),
        thread=f"{chat}:{checked.message_thread_id}" if checked.is_topic_message else str(chat),
        root=f"{chat}:album:{group}" if group else external_id,
        reply_to=_answered(checked),
        # Telegram does not number edits: the newest by the vendor's time wins.
        version=max(2, checked.edit_date or 0) if edited else 1,
        location=location(found),
        attachments=attachments(found),
        public=checked.chat.type != "private",
    )


def _answered(message: payload.Message) -> str | None:
    """In a forum every message names the topic's first one as answered, which says nothing."""
    answered = message.reply_to_message
    if answered is None or (message.is_topic_message and answered.message_id == message.message_thread_id):
        return None
    return f"{message.chat.id}:{answered.message_id}"


def _parsed(body: bytes, *, edited: bool) -> telegram.Message | None:
    """The message as python-telegram-bot reads it; None where it trips, over whatever it may be."""
    try:
        document: dict[str, Any] = msgspec.json.decode(body)
        update = telegram.Update.de_json(document, None)
        found = update.edited_message if edited else update.message
        if found is None:
            return None
        # The links are worked out here, because positions that lie outside the text make the library trip.
        words(found)
    except Exception:
        return None
    return found


def _read(data: msgspec.Raw | bytes, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(data, type=kind)
    except (ValueError, RecursionError):
        return None


def _dead(raw: Raw) -> Part:
    digest = hashlib.sha256(raw.body).hexdigest()[:32]
    return _part("dead", f"{NAME}:{raw.account}:sha256-{digest}", "telegram.unreadable")


def _part(outcome: Outcome, key: str, reason: str | None, item: Item | None = None) -> Part:
    return Part(Decoded(outcome=outcome, key=key, reason=reason, item=item))
