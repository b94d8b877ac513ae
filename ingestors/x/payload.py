"""What X sends, as structs. Unknown fields are ignored; every list of objects is read element by element, so that one
that X got wrong never harms its neighbours.

Two dialects are spoken:

* v2 posts, of the mentions endpoint (``x-api/openapi.json`` 2.167, ``GET /2/users/{id}/mentions``) and inside the
  envelope of the X Activity API (docs.x.com, ``x-api/activity/event-payloads``). Their field names are in flux:
  ``tweet`` becomes ``post``, and both spellings are on the wire.
* legacy posts and direct messages of the Account Activity API (docs.x.com, "Account Activity data objects"), whose
  direct-message shape the X Activity API still uses.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

Id = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,20}\Z")]
"""Snowflake ids are strings: as JSON numbers they lose their last digits."""
NOTHING = msgspec.Raw(b"null")
"""An absent part that is read apart; ``Raw | None`` would take nothing but null."""
MEDIA_KEY = r"\A[0-9_]{1,64}\Z"
MediaKey = Annotated[str, msgspec.Meta(pattern=MEDIA_KEY)]


def is_media_key(text: str) -> bool:
    """Whether X could have made this key."""
    return re.search(MEDIA_KEY, text) is not None


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of what X sends."""


class Url(Wire, frozen=True, kw_only=True):
    url: str
    expanded_url: str | None = None
    media_key: str | None = None
    """Set where the link is only the shadow of an attached picture."""


class Entities(Wire, frozen=True, kw_only=True):
    urls: list[Url] | None = None


class Note(Wire, frozen=True, kw_only=True):
    """The whole text of a post over 280 characters; ``Post.text`` is then cut off."""

    text: str
    entities: msgspec.Raw = NOTHING


class Reference(Wire, frozen=True, kw_only=True):
    type: str
    id: Id


class MediaKeys(Wire, frozen=True, kw_only=True):
    media_keys: list[MediaKey] | None = None


class Point(Wire, frozen=True, kw_only=True):
    """GeoJSON: longitude first."""

    coordinates: list[float] | None = None


class Geo(Wire, frozen=True, kw_only=True):
    place_id: str | None = None
    coordinates: Point | None = None


class Post(Wire, frozen=True, kw_only=True):
    """A v2 post in either spelling. What merely decorates it is read apart: no complaint is lost over a broken link."""

    id: Id
    author_id: Id
    text: str
    created_at: str | None = None
    conversation_id: Id | None = None
    entities: msgspec.Raw = NOTHING
    attachments: msgspec.Raw = NOTHING
    geo: msgspec.Raw = NOTHING
    note_tweet: Note | None = None
    note_post: Note | None = None
    referenced_tweets: list[Reference] | None = None
    referenced_posts: list[Reference] | None = None
    edit_history_tweet_ids: list[Id] | None = None
    edit_history_post_ids: list[Id] | None = None


class DeletedPost(Wire, frozen=True, kw_only=True):
    """Payload of ``post.delete``. The event carries no time."""

    id: Id
    author_id: Id


class User(Wire, frozen=True, kw_only=True):
    id: Id
    name: str | None = None
    username: str | None = None
    screen_name: str | None = None
    """What ``username`` is called beside a legacy direct message."""


class WrappedUser(Wire, frozen=True, kw_only=True):
    """``includes.users[]`` of ``post.delete`` and the users of direct messages are wrapped in ``data``."""

    data: User


class Variant(Wire, frozen=True, kw_only=True):
    url: str
    content_type: str | None = None
    bit_rate: int | None = None


class Media(Wire, frozen=True, kw_only=True):
    media_key: MediaKey
    type: str
    url: str | None = None
    preview_image_url: str | None = None
    variants: list[Variant] | None = None


class Place(Wire, frozen=True, kw_only=True):
    id: str
    full_name: str | None = None


class Includes(Wire, frozen=True, kw_only=True):
    users: list[msgspec.Raw] | None = None
    media: list[msgspec.Raw] | None = None
    places: list[msgspec.Raw] | None = None


class Activity(Wire, frozen=True, kw_only=True):
    """``data`` of the X Activity API's envelope. ``event_uuid`` may be a negative number, and is one of a delivery."""

    event_type: str
    payload: msgspec.Raw
    includes: msgspec.Raw = NOTHING


class PageMeta(Wire, frozen=True, kw_only=True):
    newest_id: Id | None = None
    oldest_id: Id | None = None
    next_token: str | None = None


class PageEnd(Wire, frozen=True, kw_only=True):
    """What the poller must know of a page; the posts themselves are the decoder's business."""

    data: list[msgspec.Raw] | None = None
    meta: PageMeta


class LegacyUrl(Wire, frozen=True, kw_only=True):
    url: str | None = None
    expanded_url: str | None = None


class LegacyVariant(Wire, frozen=True, kw_only=True):
    url: str
    content_type: str | None = None
    bitrate: int | None = None


class LegacyVideo(Wire, frozen=True, kw_only=True):
    variants: list[LegacyVariant] | None = None


class LegacyMedia(Wire, frozen=True, kw_only=True):
    url: str
    """The t.co link that stands for the file in the text."""
    type: str = "photo"
    media_url_https: str | None = None
    video_info: LegacyVideo | None = None


class LegacyEntities(Wire, frozen=True, kw_only=True):
    urls: list[LegacyUrl] | None = None
    media: list[LegacyMedia] | None = None


class LegacyUser(Wire, frozen=True, kw_only=True):
    id_str: Id
    name: str | None = None
    screen_name: str | None = None


class ExtendedTweet(Wire, frozen=True, kw_only=True):
    full_text: str
    entities: LegacyEntities | None = None
    extended_entities: LegacyEntities | None = None


class LegacyPlace(Wire, frozen=True, kw_only=True):
    full_name: str | None = None


class EditHistory(Wire, frozen=True, kw_only=True):
    edit_tweet_ids: list[Id] | None = None


class LegacyOriginal(Wire, frozen=True, kw_only=True):
    """The post that a retweet passes on."""

    id_str: Id | None = None


class LegacyTweet(Wire, frozen=True, kw_only=True):
    id_str: Id
    user: LegacyUser
    text: str = ""
    full_text: str | None = None
    extended_tweet: ExtendedTweet | None = None
    entities: LegacyEntities | None = None
    extended_entities: LegacyEntities | None = None
    timestamp_ms: str | None = None
    in_reply_to_status_id_str: Id | None = None
    quoted_status_id_str: Id | None = None
    retweeted_status: LegacyOriginal | None = None
    coordinates: Point | None = None
    place: LegacyPlace | None = None
    edit_history: EditHistory | None = None


class DeletedStatus(Wire, frozen=True, kw_only=True):
    id: Id
    user_id: Id


class LegacyDelete(Wire, frozen=True, kw_only=True):
    status: DeletedStatus
    timestamp_ms: str | None = None


class MessageAttachment(Wire, frozen=True, kw_only=True):
    media: LegacyMedia | None = None


class MessageData(Wire, frozen=True, kw_only=True):
    """As with posts, what decorates the words is read apart."""

    text: str = ""
    entities: msgspec.Raw = NOTHING
    attachment: msgspec.Raw = NOTHING


class MessageCreate(Wire, frozen=True, kw_only=True):
    sender_id: Id
    message_data: MessageData


class DirectMessage(Wire, frozen=True, kw_only=True):
    id: Id
    created_timestamp: str | None = None
    message_create: MessageCreate


class MessageEvent(Wire, frozen=True, kw_only=True):
    """A direct message of API v2 (``x-api/openapi.json``, ``DmEvent``), as payload of ``dm.received`` too."""

    id: Id
    sender_id: Id
    event_type: str = "MessageCreate"
    text: str = ""
    created_at: str | None = None
    entities: msgspec.Raw = NOTHING
    attachments: msgspec.Raw = NOTHING


class Messages(Wire, frozen=True, kw_only=True):
    """Payload of ``dm.received`` and ``dm.sent``, and the same of the Account Activity API."""

    direct_message_events: list[msgspec.Raw]
    users: dict[str, msgspec.Raw] | None = None
