"""Wire format of comments and mentions (Meta, "Instagram Platform > Webhooks", fields ``comments``, ``live_comments``,
``mentions``), and of comments and tagged media in Graph's listings ("IG Media > Comments", "IG User > Tags").

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
    """``time`` is when Meta saw the change: comments carry no time of their own. Test events come as ``field``."""

    id: Id | None = None
    time: Id | None = None
    changes: list[msgspec.Raw] | None = None
    messaging: list[msgspec.Raw] | None = None
    standby: list[msgspec.Raw] | None = None


class Change(msgspec.Struct):
    field: str | None = None
    value: msgspec.Raw = msgspec.Raw(b"null")


class Medium(msgspec.Struct):
    id: Id | None = None


class Comment(msgspec.Struct):
    id: Id | None = None
    sender: Party | None = msgspec.field(default=None, name="from")
    media: Medium | None = None
    parent_id: Id | None = None
    text: Text | None = None
    timestamp: Id | None = None
    username: str | None = None
    replies: Many | None = None


class Mention(msgspec.Struct):
    media_id: Id | None = None
    comment_id: Id | None = None


class Tagged(msgspec.Struct):
    """A medium of somebody who tagged the city."""

    id: Id | None = None
    caption: Text | None = None
    media_type: str | None = None
    media_url: Text | None = None
    timestamp: Id | None = None
    username: str | None = None
    owner: Medium | None = None
