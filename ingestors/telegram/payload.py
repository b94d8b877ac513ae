"""Outline of an update (Telegram, "Bot API > Getting updates > Update"; Bot API 10.0).

What is read here is checked here, because python-telegram-bot takes any type; the rest is its work. What the vendor may
leave out is optional.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Id = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
"""At most 52 significant bits (Bot API, "User", "Chat")."""
Stamp = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
"""Unix seconds that a calendar holds."""
Text = Annotated[str, msgspec.Meta(max_length=65_536)]


class Chat(msgspec.Struct):
    id: Id
    type: str


class User(msgspec.Struct):
    id: Id
    is_bot: bool
    first_name: Text
    last_name: Text | None = None
    username: Text | None = None


class Entity(msgspec.Struct):
    type: str
    offset: Annotated[int, msgspec.Meta(ge=0, le=65_536)]
    length: Annotated[int, msgspec.Meta(ge=0, le=65_536)]
    url: Text | None = None


class File(msgspec.Struct):
    file_id: Text
    file_size: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None
    file_name: Text | None = None
    mime_type: Text | None = None


class Size(File, kw_only=True):
    width: Annotated[int, msgspec.Meta(ge=0, le=2**31)]
    height: Annotated[int, msgspec.Meta(ge=0, le=2**31)]


class Spot(msgspec.Struct):
    latitude: float
    longitude: float


class Venue(msgspec.Struct):
    location: Spot
    title: Text = ""
    address: Text = ""


class Answered(msgspec.Struct):
    message_id: Id


class Message(msgspec.Struct):
    message_id: Id
    date: Stamp
    chat: Chat
    sender: User | None = msgspec.field(default=None, name="from")
    edit_date: Stamp | None = None
    text: Text | None = None
    caption: Text | None = None
    entities: list[Entity] | None = None
    caption_entities: list[Entity] | None = None
    media_group_id: Text | None = None
    message_thread_id: Id | None = None
    is_topic_message: bool | None = None
    is_automatic_forward: bool | None = None
    reply_to_message: Answered | None = None
    location: Spot | None = None
    venue: Venue | None = None
    photo: list[Size] | None = None
    video: File | None = None
    voice: File | None = None
    audio: File | None = None
    animation: File | None = None
    video_note: File | None = None
    document: File | None = None


class Status(msgspec.Struct):
    status: str


class Membership(msgspec.Struct):
    chat: Chat
    new_chat_member: Status


class Outline(msgspec.Struct):
    """Every update has its id; exactly one of the other members is there."""

    update_id: Id
