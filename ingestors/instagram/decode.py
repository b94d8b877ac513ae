"""Raw bytes of Instagram to items: comments, mentions, direct messages, Graph's listings. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from ingestors import messaging
from ingestors.items import Change, Listing, Source, file_at, files, ident, instant, plain, read
from pipeline.channel import Part, Raw
from schemas.item import Attachment, Author

from .payload import Comment, Mention, Tagged

NAME = "instagram"
OBJECTS = {"instagram", "page"}
"""Meta's pages disagree which one deliveries name when the account is linked to a Page."""
MENTION = "mention:"
"""Before the medium's id, and the comment's: where the city was mentioned, on a post that is not its own."""
COMMENTS = {"comments", "live_comments"}
REASONS = messaging.reasons(NAME) | {
    "instagram.comment": "A comment on a post or under another comment.",
    "instagram.mention-read": "The words of a post that mentions or tags the city, read from Meta's listing.",
    "instagram.other-field": "A subscription field that carries no messages.",
}


def decode(raw: Raw) -> Iterator[Part]:
    """One part for each change, event or listed element. Never raises for any bytes."""
    return messaging.parts(NAME, OBJECTS, raw, _change, _listing)


def _change(source: Source, data: msgspec.Raw, seen_at: datetime) -> Part:
    change = read(data, Change)
    if change is None:
        return source.dead(data)
    if change.field == "mentions":
        return _mentioned(source, change.value, seen_at)
    if change.field in COMMENTS:
        comment = read(change.value, Comment)
        return _comment(source, comment, data, seen_at) if comment else source.dead(data)
    if change.field == "messages":
        # The console's test button sends a direct message in the shape of a change.
        return messaging.event(source, change.value)
    return source.unnamed("ignored", data, "other-field")


def _comment(source: Source, comment: Comment, data: msgspec.Raw, seen_at: datetime, thread: str | None = None) -> Part:
    name = ident(comment.id)
    if name is None:
        return source.dead(data)
    who = comment.sender
    sender = ident(who.id) if who else None
    if sender == source.account or (who is not None and who.self_ig_scoped_id is not None):
        return source.part("ignored", name, "own")
    handle = plain(comment.username) or (plain(who.username) if who else None)
    if not plain(comment.text):
        return source.part("note", name, "unsupported")
    medium = (ident(comment.media.id) if comment.media else None) or plain(thread)
    item = source.item(
        name,
        Author(id=sender, handle=handle) if sender else source.nobody(name, handle=handle),
        comment.text,
        instant(comment.timestamp, seen_at),
        thread=medium,
        reply_to=ident(comment.parent_id) or medium,
        public=True,
    )
    return source.part("reply", name, "comment", item)


def _mentioned(source: Source, data: msgspec.Raw, seen_at: datetime) -> Part:
    """Meta names the place only. The reference lets the media service ask for the words and the picture there."""
    mention = read(data, Mention)
    medium = ident(mention.media_id) if mention else None
    if mention is None or medium is None:
        return source.dead(data)
    comment = ident(mention.comment_id)
    name = MENTION + (f"{medium}:{comment}" if comment else medium)
    item = source.item(
        name,
        source.nobody(name),
        None,
        seen_at,
        thread=medium,
        public=True,
        attachments=(Attachment(media_type="image/jpeg", reference=name),),
    )
    return source.part("complaint", name, None, item)


def _listing(source: Source, page: Listing) -> Iterator[Part]:
    for data in page.data:
        if page.history == "messages":
            yield messaging.listed(source, data)
        elif page.history == "tags":
            yield _tagged(source, data)
        elif page.history == "comments":
            yield from _thread(source, data, page.thread)
        else:
            yield source.dead(data)


def _thread(source: Source, data: msgspec.Raw, medium: str | None) -> Iterator[Part]:
    """A comment of a listing with the replies under it, named as the webhook's."""
    comment = read(data, Comment)
    if comment is None:
        yield source.dead(data)
        return
    yield _comment(source, comment, data, source.received_at, medium)
    for one in comment.replies.data if comment.replies else ():
        answer = read(one, Comment)
        if answer is None:
            yield source.dead(one)
            continue
        under = answer.parent_id if answer.parent_id is not None else comment.id
        yield _comment(source, msgspec.structs.replace(answer, parent_id=under), one, source.received_at, medium)


def _tagged(source: Source, data: msgspec.Raw) -> Part:
    """A newer version of the bare mention that the webhook gave: one ticket, whichever comes first."""
    found = read(data, Tagged)
    medium = ident(found.id) if found else None
    if found is None or medium is None:
        return source.dead(data)
    name = MENTION + medium
    owner = ident(found.owner.id) if found.owner else None
    handle = plain(found.username)
    kind = "video" if found.media_type in {"VIDEO", "REELS"} else "image"
    item = source.item(
        name,
        Author(id=owner, handle=handle) if owner else source.nobody(name, handle=handle),
        found.caption,
        instant(found.timestamp, source.received_at),
        root=name,
        thread=medium.partition(":")[0],
        version=2,
        public=True,
        attachments=files([file_at(found.media_url, kind)]),
    )
    return source.part("edit", f"{name}:read", "mention-read", item)
