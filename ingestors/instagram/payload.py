"""Wire format of comments and mentions (Meta, "Instagram Platform > Webhooks", fields ``comments``, ``live_comments``,
``mentions``), and of comments and tagged media in Graph's listings ("IG Media > Comments", "IG User > Tags").

Every field that the vendor may leave out is optional here: a missing field must never cost the message.
"""

from __future__ import annotations

import msgspec

from ingestors.items import Id, Named, Text
from ingestors.messaging_payload import Many, Party


class Comment(msgspec.Struct):
    id: Id | None = None
    sender: Party | None = msgspec.field(default=None, name="from")
    media: Named | None = None
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
    owner: Named | None = None
