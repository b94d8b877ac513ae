"""Wire format of direct messages of Messenger and Instagram, from webhooks and from listings.

Sources: Meta, "Messenger Platform > Webhooks > Reference" (messages, message_edits, messaging_postbacks, standby …) and
"Instagram Messaging > Webhooks"; for listings "Graph API > Page > Conversations" and "Message". Every field that the
vendor may leave out is optional here: a missing field must never cost the message.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from .items import Id

Text = Annotated[str, msgspec.Meta(max_length=65_536)]
"""No field of Meta's takes more."""


class Party(msgspec.Struct):
    id: Id | None = None
    name: str | None = None
    username: str | None = None
    self_ig_scoped_id: Id | None = None


class Coordinates(msgspec.Struct):
    lat: float | str | None = None
    long: float | str | None = None


class Payload(msgspec.Struct):
    url: Text | None = None
    title: Text | None = None
    sticker_id: Id | None = None
    coordinates: Coordinates | None = None


class Attached(msgspec.Struct):
    type: str = ""
    payload: Payload | None = None
    url: Text | None = None
    title: Text | None = None


class Story(msgspec.Struct):
    id: Id | None = None
    url: Text | None = None
    link: Text | None = None


class ReplyTo(msgspec.Struct):
    mid: Id | None = None
    story: Story | None = None


class Message(msgspec.Struct):
    mid: Id | None = None
    text: Text | None = None
    attachments: list[msgspec.Raw] | None = None
    reply_to: ReplyTo | None = None
    is_echo: bool | None = None
    is_deleted: bool | None = None
    is_unsupported: bool | None = None


class Edit(msgspec.Struct):
    mid: Id | None = None
    text: Text | None = None
    num_edit: Id | None = None


class Postback(msgspec.Struct):
    mid: Id | None = None
    title: Text | None = None


class Event(msgspec.Struct):
    """One element of ``messaging[]`` or ``standby[]``: the member that is there says what happened."""

    sender: Party | None = None
    recipient: Party | None = None
    timestamp: Id | None = None
    message: Message | None = None
    message_edit: Edit | None = None
    postback: Postback | None = None
    reaction: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    read: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    delivery: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Picture(msgspec.Struct):
    url: Text | None = None


class ListedFile(msgspec.Struct):
    name: str | None = None
    mime_type: str | None = None
    file_url: Text | None = None
    image_data: Picture | None = None
    video_data: Picture | None = None


class Many(msgspec.Struct):
    data: list[msgspec.Raw] = []


class ListedStory(msgspec.Struct):
    mention: Story | None = None
    reply_to: Story | None = None


class Listed(msgspec.Struct):
    """A message of ``/{page}/conversations``."""

    id: Id | None = None
    created_time: Id | None = None
    sender: Party | None = msgspec.field(default=None, name="from")
    message: Text | None = None
    attachments: Many | None = None
    sticker: Text | None = None
    story: ListedStory | None = None
    reply_to: ReplyTo | None = None
