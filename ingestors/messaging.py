"""Direct messages of Messenger and Instagram: ``entry[].messaging[]``, ``standby[]``, and Graph's listing. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Any

import msgspec

from pipeline.channel import Part, Raw
from schemas.item import Attachment, Author, Item, Location

from .items import (
    Envelope,
    Listing,
    Source,
    degrees,
    digest,
    edit_version,
    file_at,
    files,
    ident,
    instant,
    plain,
    read,
    read_all,
)
from .messaging_payload import Attached, Edit, Entry, Event, Listed, ListedFile, Message, Postback, ReplyTo
from .surrogates import whole_surrogates

DIRECT = "dm:"
"""Before the id of a message and of its author: what came in private is answered in private, whatever else is known.

The author's too, because a person's comment must never join the ticket of their private message: the next answer would
go under the comment, and its link lets whoever reads it speak for the citizen.
"""
MEDIA = {"image", "video", "audio", "file", "share", "ig_reel", "reel", "story_mention", "ig_post", "ig_story", "post"}
LINKS = {"fallback", "template"}
STORY = "story"
REASONS = {
    "thread": "Answers an earlier message (reply_to.mid).",
    "story-reply": "Answers a story of the city; the story's picture is attached as context.",
    "edited": "A newer version of an earlier message, post or comment.",
    "removed": "Deleted, or a message unsent, by its author or by a moderator.",
    "own": "Written by the city's own account (echo).",
    "receipt": "Delivered or read: a report on a message of ours.",
    "reaction": "An emoji, a like or a reaction.",
    "sticker": "A sticker.",
    "unsupported": "A kind that the API does not deliver, or a message without content.",
    "other": "An event that carries no words: referral, opt-in, hand-over, account linking …",
    "unreadable": "The delivery, or one element in it, is not what Meta documents.",
    "window-closed": "Over 7 days since the person's last message: Meta takes no answer any more.",
    "no-recipient": "The message came without its author: nobody to write to.",
    "reply-too-long": "The answer is longer than Meta takes at this place.",
    "not-in-public": "The answer holds the citizen's own link, and Meta takes no private one any more.",
    "refused": "Meta refused the answer for good.",
    "media-gone": "The file's address is not Meta's, or the file is gone.",
    "token-refused": "Meta does not take the access token: make a new one.",
    "unsubscribed": "Meta had unsubscribed the app (it does after an hour of errors); it was subscribed again.",
    "not-subscribed": "The app is not subscribed, and subscribing it again failed: see the channel's README.",
}
"""Meaning of the codes both channels have; each puts its name before them."""


def reasons(channel: str) -> dict[str, str]:
    """The shared codes, as this channel's."""
    return {f"{channel}.{code}": meaning for code, meaning in REASONS.items()}


def parts(
    channel: str,
    objects: Collection[str],
    raw: Raw,
    change: Callable[[Source, msgspec.Raw, datetime], Part],
    listing: Callable[[Source, Listing], Iterator[Part]],
) -> Iterator[Part]:
    """A delivery naming one of ``objects``, or a page of our own catch-up. Never raises.

    ``change`` is asked for each of ``entry[].changes``, with the moment Meta saw it; ``listing`` for each page.
    """
    body = whole_surrogates(raw.body)
    page = read(body, Listing)
    if page is not None:
        yield from listing(Source(channel, plain(page.account) or raw.account, raw.received_at), page)
        return
    envelope = read(body, Envelope)
    if envelope is None or envelope.object not in objects:
        yield Source(channel, raw.account, raw.received_at).dead(raw.body)
        return
    for one in envelope.entry:
        entry = read(one, Entry)
        if entry is None:
            yield Source(channel, raw.account, raw.received_at).dead(one)
            continue
        source = Source(channel, ident(entry.id) or raw.account, raw.received_at)
        for changed in entry.changes or ():
            yield change(source, changed, instant(entry.time, raw.received_at))
        for told in (*(entry.messaging or ()), *(entry.standby or ())):
            yield event(source, told)


def event(source: Source, data: msgspec.Raw) -> Part:
    """The part for one event. Never raises."""
    found = read(data, Event)
    if found is None:
        return source.dead(data)
    sender = ident(found.sender.id) if found.sender else None
    if found.message is not None:
        return _message(source, data, found, found.message, sender)
    if found.message_edit is not None:
        return _edited(source, data, found, found.message_edit, sender)
    if found.postback is not None:
        return _pressed(source, data, found, found.postback, sender)
    return _wordless(source, data, found)


def _wordless(source: Source, data: msgspec.Raw, found: Event) -> Part:
    if found.reaction is not msgspec.UNSET:
        return source.unnamed("note", data, "reaction")
    if found.read is not msgspec.UNSET or found.delivery is not msgspec.UNSET:
        return source.unnamed("receipt", data, "receipt")
    return source.unnamed("note", data, "other")


def _message(source: Source, data: msgspec.Raw, found: Event, message: Message, sender: str | None) -> Part:
    mid = ident(message.mid)
    if mid is None:
        return source.dead(data)
    name = DIRECT + mid
    if message.is_echo or sender == source.account:
        return source.part("ignored", name, "own")
    author, sent_at = _author(source, sender, name), instant(found.timestamp, source.received_at)
    if message.is_deleted:
        gone = source.item(name, author, None, sent_at, root=name)
        return source.part("delete", f"{name}:removed", "removed", gone)
    attached = read_all(message.attachments, Attached)
    if message.attachments and not attached and not plain(message.text):
        return source.part("dead", name, "unreadable")
    if not plain(message.text) and attached and all(_is_sticker(one) for one in attached):
        return source.part("note", name, "sticker")
    own_files = [_file(one) for one in attached]
    item = source.item(
        name,
        author,
        _words(message.text, attached),
        sent_at,
        location=next((place for one in attached if (place := _place(one)) != Location()), Location()),
        attachments=files([*own_files, *_story(message.reply_to)]),
        **_answered(message.reply_to),
    )
    return _spoken(source, name, item, any(own_files))


def _spoken(source: Source, name: str, item: Item, own_files: bool) -> Part:
    """A story that is answered is the city's own: it is no content of the person's."""
    if not item.text and not own_files and item.location == Location():
        return source.part("note", name, "unsupported")
    if item.reply_to is None:
        return source.part("complaint", name, None, item)
    reason = "story-reply" if item.reply_to.startswith(f"{STORY}:") else "thread"
    return source.part("reply", name, reason, item)


def _edited(source: Source, data: msgspec.Raw, found: Event, edit: Edit, sender: str | None) -> Part:
    mid = ident(edit.mid)
    if mid is None:
        return source.dead(data)
    name, at = DIRECT + mid, instant(found.timestamp, source.received_at)
    if sender == source.account:
        return source.part("ignored", f"{name}:edited", "own")
    count = ident(edit.num_edit) or ""
    version = 1 + int(count) if re.fullmatch(r"[1-9][0-9]{0,5}", count) else edit_version(at)
    item = source.item(name, _author(source, sender, name), edit.text, at, root=name, version=version)
    return source.part("edit", f"{name}:edited:{version}", "edited", item)


def _pressed(source: Source, data: msgspec.Raw, found: Event, postback: Postback, sender: str | None) -> Part:
    """A button: what stands on it is what the person says (an ice breaker is a whole question)."""
    title = plain(postback.title)
    if title is None:
        return source.unnamed("note", data, "other")
    name = DIRECT + (ident(postback.mid) or f"sha256-{digest(data)}")
    item = source.item(name, _author(source, sender, name), title, instant(found.timestamp, source.received_at))
    return source.part("complaint", name, None, item)


def _author(source: Source, sender: str | None, name: str) -> Author:
    return Author(id=DIRECT + sender) if sender else source.nobody(name)


def _is_sticker(one: Attached) -> bool:
    return one.type == "sticker" or bool(one.payload and one.payload.sticker_id is not None)


def _words(text: str | None, attached: list[Attached]) -> str:
    """The text; where there is none, what a shared link says of itself."""
    if said := plain(text):
        return said
    links = [one for one in attached if one.type in LINKS]
    words = [word for one in links for word in (one.title or _of(one, "title"), one.url or _of(one, "url"))]
    return "\n".join(found for word in words if (found := plain(word)) is not None)


def _of(one: Attached, field: str) -> str | None:
    value: str | None = getattr(one.payload, field) if one.payload else None
    return value


def _file(one: Attached) -> Attachment | None:
    return file_at(_of(one, "url") or one.url, one.type) if one.type in MEDIA and not _is_sticker(one) else None


def _place(one: Attached) -> Location:
    """Half a position, or one off the globe, is none."""
    spot = one.payload.coordinates if one.payload else None
    if spot is None:
        return Location()
    lat, lon = degrees(spot.lat, 90), degrees(spot.long, 180)
    return Location() if lat is None or lon is None else Location(lat=lat, lon=lon, text=plain(one.title))


def _answered(reply_to: ReplyTo | None) -> dict[str, Any]:
    if reply_to is None:
        return {}
    if mid := ident(reply_to.mid):
        return {"reply_to": DIRECT + mid}
    story = ident(reply_to.story.id) if reply_to.story else None
    return {"reply_to": f"{STORY}:{story}"} if story else {}


def _story(reply_to: ReplyTo | None) -> list[Attachment | None]:
    story = reply_to.story if reply_to else None
    return [file_at(story.url or story.link, "image", name=STORY)] if story else []


def listed(source: Source, data: msgspec.Raw) -> Part:
    """The part for a message of a listing: named as the webhook's, so that one captured both ways is one."""
    found = read(data, Listed)
    mid = ident(found.id) if found else None
    if found is None or mid is None:
        return source.dead(data)
    name = DIRECT + mid
    who = ident(found.sender.id) if found.sender else None
    if who == source.account:
        return source.part("ignored", name, "own")
    author = source.nobody(name)
    if who and found.sender:
        author = Author(id=DIRECT + who, name=plain(found.sender.name), handle=plain(found.sender.username))
    kept = [_listed_file(one) for one in read_all(found.attachments.data if found.attachments else (), ListedFile)]
    if found.sticker and not plain(found.message) and not kept:
        return source.part("note", name, "sticker")
    reply_to = found.reply_to
    if found.story and found.story.mention:
        kept.append(file_at(found.story.mention.link or found.story.mention.url, "image"))
    if found.story and found.story.reply_to:
        reply_to = ReplyTo(story=found.story.reply_to)
    item = source.item(
        name,
        author,
        found.message,
        instant(found.created_time, source.received_at),
        attachments=files([*kept, *_story(reply_to)]),
        **_answered(reply_to),
    )
    return _spoken(source, name, item, any(kept))


def _listed_file(one: ListedFile) -> Attachment | None:
    picture = one.image_data or one.video_data
    kind = (one.mime_type or ("image" if one.image_data else "video" if one.video_data else "")).split("/")[0]
    found = file_at(picture.url if picture else one.file_url, kind, name=plain(one.name))
    said = plain((one.mime_type or "").split(";")[0])
    return msgspec.structs.replace(found, media_type=said.lower()) if found and said else found
