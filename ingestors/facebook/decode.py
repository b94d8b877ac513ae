"""Raw bytes of the Page to items: the feed, Messenger, and Graph's listings. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from ingestors import messaging
from ingestors.items import Listing, Source, digest, edit_version, file_at, files, ident, instant, plain, read, read_all
from ingestors.surrogates import whole_surrogates
from pipeline.channel import Part, Raw
from schemas.item import Attachment, Author, Item

from .payload import Attached, Change, Entry, Envelope, Listed, Value

NAME = "facebook"
OBJECT = "page"
REASONS = messaging.reasons(NAME) | {
    "facebook.comment": "A comment on a post or under another comment.",
    "facebook.share": "Somebody shared a post of the city.",
    "facebook.hidden": "Hidden or shown again; its words did not change.",
    "facebook.empty": "A post or comment without words or picture.",
    "facebook.other-field": "A subscription field that carries no messages.",
}
CONTENT = {"post", "status", "photo", "video", "album", "link", "note", "comment", "mention"}
NOTES = {"like": "reaction", "reaction": "reaction", "share": "share"}
VERBS = {"add": "add", "edited": "edit", "edit": "edit", "update": "edit", "remove": "remove", "delete": "remove"}
HIDING = {"hide", "unhide"}
FIELDS = {"feed", "mention"}


def decode(raw: Raw) -> Iterator[Part]:
    """One part for each change, event or listed element. Never raises for any bytes."""
    body = whole_surrogates(raw.body)
    page = read(body, Listing)
    if page is not None:
        yield from _listing(Source(NAME, plain(page.account) or raw.account, raw.received_at), page)
        return
    envelope = read(body, Envelope)
    if envelope is None or envelope.object != OBJECT:
        yield Source(NAME, raw.account, raw.received_at).dead(raw.body)
        return
    for one in envelope.entry:
        entry = read(one, Entry)
        if entry is None:
            yield Source(NAME, raw.account, raw.received_at).dead(one)
            continue
        source = Source(NAME, ident(entry.id) or raw.account, raw.received_at)
        for change in entry.changes or ():
            yield _change(source, change, instant(entry.time, raw.received_at))
        for event in (*(entry.messaging or ()), *(entry.standby or ())):
            yield messaging.event(source, event)


def _change(source: Source, data: msgspec.Raw, seen_at: datetime) -> Part:
    change = read(data, Change)
    if change is not None and change.field is not None and change.field not in FIELDS:
        return source.unnamed("ignored", data, "other-field")
    value = read(change.value, Value) if change else None
    if value is None:
        return source.dead(data)
    wordless = _wordless(value)
    if wordless is not None:
        return source.unnamed("note", data, wordless)
    if _sender(value) == source.account:
        return source.unnamed("ignored", data, "own")
    name = ident(value.comment_id) or (ident(value.post_id) if value.item != "comment" else None)
    if name is None:
        return source.dead(data)
    return _content(source, value, name, data, seen_at)


def _wordless(value: Value) -> str | None:
    """Why a change says nothing; None where it does."""
    if value.item in NOTES:
        return NOTES[value.item]
    if value.verb in HIDING:
        return "hidden"
    return None if value.item in CONTENT and (value.verb or "add") in VERBS else "other"


def _content(source: Source, value: Value, name: str, data: msgspec.Raw, seen_at: datetime) -> Part:
    verb = VERBS[value.verb or "add"]
    post = ident(value.post_id)
    answers = (ident(value.parent_id) or post) if value.comment_id is not None else None
    sender, said_at = _sender(value), instant(value.created_time, seen_at)
    by = value.sender.name if value.sender else value.sender_name
    item = source.item(
        name,
        Author(id=sender, name=plain(by)) if sender else source.nobody(name),
        value.message if verb != "remove" else None,
        said_at if verb == "add" else max(said_at, seen_at),
        thread=post,
        reply_to=answers if answers != name else post,
        public=True,
        attachments=_files(value) if verb != "remove" else (),
    )
    if verb == "remove":
        gone = msgspec.structs.replace(item, root=name)
        return source.part("delete", f"{name}:removed", "removed", gone)
    if verb == "edit":
        # Meta does not number edits.
        newer = msgspec.structs.replace(item, root=name, version=edit_version(item.sent_at))
        return source.part("edit", f"{name}:edited:{digest(data)[:16]}:{newer.version}", "edited", newer)
    return _said(source, name, item, value.comment_id is not None)


def _said(source: Source, name: str, item: Item, comment: bool) -> Part:
    if not item.text and not item.attachments:
        return source.part("note", name, "empty")
    return source.part("reply", name, "comment", item) if comment else source.part("complaint", name, None, item)


def _sender(value: Value) -> str | None:
    return (ident(value.sender.id) if value.sender else None) or ident(value.sender_id)


def _files(value: Value) -> tuple[Attachment, ...]:
    """``link`` is the file itself in photos and videos, and somebody's page elsewhere."""
    kind = "video" if value.item == "video" else "image"
    own = value.link if value.item in {"photo", "video"} else None
    found = [file_at(one, "image") for one in (*(value.photos or ()), value.photo)]
    return files([*found, file_at(value.video, "video"), *([] if any(found) else [file_at(own, kind)])])


def _listing(source: Source, page: Listing) -> Iterator[Part]:
    for data in page.data:
        if page.history == "messages":
            yield messaging.listed(source, data)
        elif page.history in {"posts", "comments"}:
            yield _listed(source, data, page.thread, comment=page.history == "comments")
        else:
            yield source.dead(data)


def _listed(source: Source, data: msgspec.Raw, thread: str | None, *, comment: bool) -> Part:
    """A post or comment of a listing: named as the webhook's, so that one captured both ways is one."""
    found = read(data, Listed)
    name = ident(found.id) if found else None
    if found is None or name is None:
        return source.dead(data)
    sender = ident(found.sender.id) if found.sender else None
    if sender == source.account:
        return source.unnamed("ignored", data, "own")
    author = source.nobody(name)
    if sender and found.sender:
        author = Author(id=sender, name=plain(found.sender.name))
    parent = ident(found.parent.id) if found.parent else None
    single = read(found.attachment, Attached)
    many = read_all(found.attachments.data if found.attachments else (), Attached)
    item = source.item(
        name,
        author,
        found.message,
        instant(found.created_time, source.received_at),
        thread=plain(thread) if comment else name,
        reply_to=(parent or plain(thread)) if comment else None,
        public=True,
        attachments=files(_shown([*many, *([single] if single else [])])),
    )
    return _said(source, name, item, comment)


def _shown(attached: Iterable[Attached]) -> Iterator[Attachment | None]:
    """Pictures and films of the person; a shared link's preview is somebody else's."""
    for one in attached:
        kind = one.media_type or one.type or ""
        parts = read_all(one.subattachments.data, Attached) if one.subattachments else []
        if parts:
            yield from _shown(msgspec.structs.replace(part, subattachments=None) for part in parts)
        elif "video" in kind and one.media is not None:
            yield file_at(one.media.source or (one.media.image.src if one.media.image else None), "video")
        elif ("photo" in kind or "album" in kind) and one.media is not None and one.media.image is not None:
            yield file_at(one.media.image.src, "image")
