"""Reads either dialect of X into one :class:`Status`."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from schemas.item import Attachment, Author, Location

from . import payload as x

T = TypeVar("T")

SNOWFLAKE_EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657000, UTC)
"""Ids count milliseconds since then above their lowest 22 bits (X engineering blog, "Announcing Snowflake", 2010)."""
_SHORT_LINK = re.compile(r"https?://t\.co/\w{1,40}")
_POST_LINK = re.compile(r"https?://(?:www\.|mobile\.)?(?:twitter|x)\.com/\w{1,30}/status/([0-9]{1,20})\S*")
_NOT_WORDS = re.compile(r"https?://\S+|[@#]\w+")
_CONTROLS = dict.fromkeys((*range(9), *range(11, 32), 127))
_IMAGE_TYPES = {"png": "image/png", "webp": "image/webp", "gif": "image/gif"}


@dataclass(frozen=True)
class Status:
    """One post, whoever described it. ``chain`` are the ids of its versions, oldest first; ``words`` whether the author
    wrote anything besides links, mentions and hashtags."""

    id: str
    author: Author
    text: str
    sent_at: datetime
    chain: tuple[str, ...] = ()
    thread: str | None = None
    replied_to: str | None = None
    quoted: str | None = None
    retweet: bool = False
    words: bool = True
    location: Location = field(default_factory=Location)
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class Index:
    """What ``includes`` said, by id."""

    users: Mapping[str, x.User] = field(default_factory=dict)
    media: Mapping[str, x.Media] = field(default_factory=dict)
    places: Mapping[str, x.Place] = field(default_factory=dict)


def read(raw: msgspec.Raw | bytes | None, kind: type[T]) -> T | None:
    """The struct in ``raw``; None where there is nothing, or nothing of that shape."""
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, RecursionError):
        return None


def snowflake_time(post_id: str) -> datetime:
    """UTC instant at which X gave out an id."""
    return SNOWFLAKE_EPOCH + timedelta(milliseconds=int(post_id) >> 22)


def from_millis(text: str | None, otherwise: datetime) -> datetime:
    """UTC instant of a string of milliseconds since 1970."""
    if text is None or not re.fullmatch(r"[0-9]{1,14}", text):
        return otherwise
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(text))


def index(raw: msgspec.Raw | None) -> Index:
    """Users, media and places of ``includes``; a broken one is left out."""
    includes = read(raw, x.Includes) or x.Includes()
    media = (read(one, x.Media) for one in includes.media or ())
    places = (read(one, x.Place) for one in includes.places or ())
    return Index(
        users=users(includes.users or ()),
        media={one.media_key: one for one in media if one},
        places={one.id: one for one in places if one},
    )


def users(raws: Iterable[msgspec.Raw]) -> dict[str, x.User]:
    """Users by id, wrapped in ``data`` or not."""
    found: dict[str, x.User] = {}
    for raw in raws:
        wrapped = read(raw, x.WrappedUser)
        user = wrapped.data if wrapped else read(raw, x.User)
        if user:
            found[user.id] = user
    return found


def author(user_id: str, known: Mapping[str, x.User]) -> Author:
    """The person; without a name where X did not include the user."""
    user = known.get(user_id)
    if user is None:
        return Author(id=user_id)
    return Author(id=user_id, name=_clean(user.name), handle=_clean(user.username or user.screen_name))


def plain(text: str, links: Mapping[str, str]) -> str:
    """Text as its author typed it: HTML entities decoded, t.co expanded, links to posts without the handle in them,
    control characters gone. Entities first: an expanded link may hold ``&copy=1``."""
    text = _SHORT_LINK.sub(lambda found: links.get(found[0], found[0]), html.unescape(text)).translate(_CONTROLS)
    return _POST_LINK.sub(r"https://x.com/i/status/\1", text).strip()


def _clean(text: str | None) -> str | None:
    """Without control characters; None when nothing is left."""
    return (text or "").translate(_CONTROLS).strip() or None


def has_words(text: str) -> bool:
    """Whether anything remains without links, mentions, hashtags and signs."""
    return re.search(r"\w", _NOT_WORDS.sub(" ", text)) is not None


def from_post(post: x.Post, known: Index) -> Status:
    """A v2 post."""
    note = post.note_post or post.note_tweet
    text = plain(note.text if note else post.text, links_of(note.entities if note else post.entities))
    references = {one.type: one.id for one in reversed(post.referenced_posts or post.referenced_tweets or [])}
    return Status(
        id=post.id,
        author=author(post.author_id, known.users),
        text=text,
        sent_at=moment(post.created_at, post.id),
        chain=tuple(post.edit_history_post_ids or post.edit_history_tweet_ids or ()),
        thread=post.conversation_id,
        replied_to=references.get("replied_to"),
        quoted=references.get("quoted"),
        retweet="retweeted" in references,
        words=has_words(text),
        location=_location(read(post.geo, x.Geo) or x.Geo(), known.places),
        attachments=files_of(post.attachments, known),
    )


def links_of(raw: msgspec.Raw) -> dict[str, str]:
    """What each t.co link of a v2 text stands for; the shadow of a file stands for nothing."""
    entities = read(raw, x.Entities) or x.Entities()
    return {one.url: "" if one.media_key else one.expanded_url or one.url for one in entities.urls or ()}


def files_of(raw: msgspec.Raw, known: Index) -> tuple[Attachment, ...]:
    """The files of a v2 post or message."""
    keys = read(raw, x.MediaKeys) or x.MediaKeys()
    return tuple(_media(key, known.media.get(key)) for key in keys.media_keys or ())


def from_legacy(tweet: x.LegacyTweet) -> Status:
    """A post of the Account Activity API."""
    whole = tweet.extended_tweet
    entities = (whole.entities if whole else None) or tweet.entities or x.LegacyEntities()
    files = (whole.extended_entities if whole else None) or tweet.extended_entities or x.LegacyEntities()
    shown = (files.media or []) + (entities.media or [])
    text = plain(whole.full_text if whole else tweet.full_text or tweet.text, legacy_links(entities, shown))
    lat, lon = _point(tweet.coordinates)
    return Status(
        id=tweet.id_str,
        author=Author(id=tweet.user.id_str, name=_clean(tweet.user.name), handle=_clean(tweet.user.screen_name)),
        text=text,
        sent_at=from_millis(tweet.timestamp_ms, snowflake_time(tweet.id_str)),
        chain=tuple((tweet.edit_history.edit_tweet_ids if tweet.edit_history else None) or ()),
        replied_to=tweet.in_reply_to_status_id_str,
        quoted=tweet.quoted_status_id_str,
        retweet=tweet.retweeted_status is not None,
        words=has_words(text),
        location=Location(lat=lat, lon=lon, text=_clean(tweet.place.full_name if tweet.place else None)),
        attachments=tuple(legacy_file(one) for one in files.media or ()),
    )


def legacy_links(entities: x.LegacyEntities, files: Iterable[x.LegacyMedia]) -> dict[str, str]:
    """What each t.co link of a legacy text stands for; the shadow of a file stands for nothing."""
    links = {one.url: one.expanded_url or one.url for one in entities.urls or () if one.url}
    return links | {one.url: "" for one in files}


def legacy_file(media: x.LegacyMedia) -> Attachment:
    """A file of a legacy post or message."""
    variants = [one for one in (media.video_info or x.LegacyVideo()).variants or () if one.content_type == "video/mp4"]
    if variants:
        return _file(max(variants, key=lambda one: one.bitrate or 0).url, "video/mp4", None)
    return _file(media.media_url_https, None, None)


def moment(text: str | None, post_id: str) -> datetime:
    """UTC instant of an ISO time; of the id where there is none, or one without a zone."""
    try:
        said = datetime.fromisoformat(text or "")
        return said.astimezone(UTC) if said.tzinfo else snowflake_time(post_id)
    except (ValueError, OverflowError):
        return snowflake_time(post_id)


def _point(point: x.Point | None) -> tuple[float, float] | tuple[None, None]:
    pair = (point.coordinates if point else None) or []
    if len(pair) < 2 or not (-180 <= pair[0] <= 180 and -90 <= pair[1] <= 90):
        return None, None
    return pair[1], pair[0]


def _location(geo: x.Geo, places: Mapping[str, x.Place]) -> Location:
    lat, lon = _point(geo.coordinates)
    place = places.get(geo.place_id or "")
    return Location(lat=lat, lon=lon, text=_clean(place.full_name if place else None))


def best_address(media: x.Media) -> str | None:
    """The largest film, else the picture, else the still of a film that X shows none of."""
    videos = [one for one in media.variants or () if one.content_type == "video/mp4"]
    if videos:
        return max(videos, key=lambda one: one.bit_rate or 0).url
    return media.url or media.preview_image_url


def _media(key: str, media: x.Media | None) -> Attachment:
    if media is None:
        return Attachment(reference=key)
    film = any(one.content_type == "video/mp4" for one in media.variants or ())
    return _file(best_address(media), "video/mp4" if film else None, key)


def _file(url: str | None, media_type: str | None, otherwise: str | None) -> Attachment:
    """By its address where it has one; the media key, by which X finds it again, where it has none."""
    if url is None or not url.startswith("https://"):
        return Attachment(reference=otherwise)
    url = url.translate(_CONTROLS)
    ending = url.partition("?")[0].rpartition(".")[2].lower()
    return Attachment(media_type=media_type or _IMAGE_TYPES.get(ending, "image/jpeg"), reference=url)
