"""Wire format of the Page's feed (Meta, "Graph API > Webhooks > Reference > Page", fields ``feed``, mention), and of
the same posts and comments in Graph's listings ("Graph API > Page > Feed", "Object > Comments").

Every field that the vendor may leave out is optional here: a missing field must never cost the message.
"""

from __future__ import annotations

import msgspec

from ingestors.items import Id
from ingestors.messaging_payload import Many, Party, Text


class Envelope(msgspec.Struct):
    """Everything stays raw, so that one bad element never harms its neighbours."""

    object: str
    entry: list[msgspec.Raw]


class Entry(msgspec.Struct):
    """``time`` is when Meta saw the change: seconds in the feed, milliseconds in Messenger."""

    id: Id | None = None
    time: Id | None = None
    changes: list[msgspec.Raw] | None = None
    messaging: list[msgspec.Raw] | None = None
    standby: list[msgspec.Raw] | None = None


class Change(msgspec.Struct):
    field: str | None = None
    value: msgspec.Raw = msgspec.Raw(b"null")


class Value(msgspec.Struct):
    """A change of the feed. ``item`` says of what, ``verb`` what happened."""

    item: str | None = None
    verb: str | None = None
    sender: Party | None = msgspec.field(default=None, name="from")
    sender_id: Id | None = None
    sender_name: str | None = None
    post_id: Id | None = None
    comment_id: Id | None = None
    parent_id: Id | None = None
    message: Text | None = None
    created_time: Id | None = None
    link: Text | None = None
    photo: Text | None = None
    photos: list[Text] | None = None
    video: Text | None = None


class Source(msgspec.Struct):
    src: Text | None = None


class Shown(msgspec.Struct):
    image: Source | None = None
    source: Text | None = None


class Attached(msgspec.Struct):
    """``media_type`` in posts, ``type`` in comments: photo, video_inline, album, share …"""

    media_type: str | None = None
    type: str | None = None
    media: Shown | None = None
    subattachments: Many | None = None


class Parent(msgspec.Struct):
    id: Id | None = None


class Listed(msgspec.Struct):
    """A post or a comment of a listing."""

    id: Id | None = None
    message: Text | None = None
    created_time: Id | None = None
    sender: Party | None = msgspec.field(default=None, name="from")
    parent: Parent | None = None
    attachments: Many | None = None
    attachment: msgspec.Raw = msgspec.Raw(b"null")
