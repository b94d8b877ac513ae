"""X: raw bytes in, outcomes out. Pure: no I/O, no clock."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from ingestors.surrogates import whole_surrogates
from pipeline.channel import Part, Raw
from schemas.item import Attachment, Author, Decoded, Item, Outcome

from . import dialects
from . import payload as x
from .bill import CHANNEL

REASONS = {
    "x.in-thread": "A reply: to us, to another person, or the author's next post in a thread.",
    "x.edited": "A newer version of a post; X gives every version its own id.",
    "x.deleted": "The author deleted the post; X deletes all its versions.",
    "x.retweet": "A post passed on without a word: the original counts, once.",
    "x.quote-only": "A quote without words of its own.",
    "x.own": "Written or deleted by the city's own account.",
    "x.dm-read": "The citizen read our direct message.",
    "x.activity": "Something happened that is not a message: a like, a follow, typing, a changed profile.",
    "x.access-revoked": "The city's account withdrew the app's permission: grant it again, or nothing more arrives.",
    "x.encrypted-chat": "An encrypted chat message, which X does not let an app read. Answer it in the app.",
    "x.unreadable": "JSON, or a part of it, that X does not send. The bytes are kept.",
    "x.reply-not-allowed": "X does not let us answer: the author did not mention us, blocked us, or deleted the post.",
    "x.reply-duplicate": "X says that we posted this text already: an earlier attempt arrived after all.",
    "x.reply-not-possible": "There is no post to answer.",
    "x.reply-rejected": "X refused the text of the answer.",
    "x.budget-spent": "The month's cap in dollars is reached: raise it in the settings, or answer in X's own app.",
    "x.not-accepted": "X does not take our credentials: make new tokens in its developer console.",
    "x.other-account": "The access token belongs to another account than TANGGAP_X_USER_ID.",
    "x.webhook-invalid": "X does not deliver to our webhook: validate it again (PUT /2/webhooks/{id}).",
    "x.not-subscribed": "Mentions, replies, quotes or direct messages are not subscribed to for the account.",
    "x.media-gone": "X has no such file any more, or does not say where it is.",
    "x.media-foreign": "The address of a file is not X's.",
    "x.reply-too-long": "The answer has more than 280 weighted characters (10,000 in a direct message).",
}
"""Every reason code of this channel, for docs/reasons.md; its entrance refuses with the codes of all webhooks."""

_DIRECT_MESSAGES = {"dm.received", "dm.sent"}
POST_EVENTS = {"post.create", "post.mention.create", "post.reply.create", "post.quote.create"}


def decode(raw: Raw) -> Iterable[Part]:
    """All outcomes of one delivery or one page of mentions, in its order. Never raises.

    ``raw.account`` is the numeric id of the city's account: what it wrote itself is an echo.
    """
    fields = _object(raw.body)
    if fields is None:
        return [_dead(raw, raw.body)]
    return list(_dispatch(raw, fields))


def _object(body: bytes) -> dict[str, msgspec.Raw] | None:
    return dialects.read(body, dict[str, msgspec.Raw]) or dialects.read(whole_surrogates(body), dict[str, msgspec.Raw])


def _dispatch(raw: Raw, fields: dict[str, msgspec.Raw]) -> Iterator[Part]:
    activity = dialects.read(fields.get("data"), x.Activity)
    if activity:
        yield from _activity(raw, activity)
    elif "data" in fields:
        found = dialects.read(fields["data"], list[msgspec.Raw])
        known = dialects.index(fields.get("includes"))
        yield from (
            [_dead(raw, raw.body)] if found is None else (part for one in found for part in _one(raw, one, known))
        )
    elif dialects.read(fields.get("meta"), x.PageMeta) is not None:
        return
    else:
        yield from _account_activity(raw, fields)


def _one(raw: Raw, one: msgspec.Raw, known: dialects.Index) -> Iterator[Part]:
    """An element of a list: a post or a direct message of a page, or an event of a delivery that holds several."""
    activity = dialects.read(one, x.Activity)
    message = dialects.read(one, x.MessageEvent)
    if activity:
        yield from _activity(raw, activity)
    elif message:
        yield _event(raw, message, known)
    else:
        yield from _posts(raw, [one], known)


def _activity(raw: Raw, activity: x.Activity) -> Iterator[Part]:
    """One event of the X Activity API; ``tweet.…`` is the older spelling of ``post.…``."""
    kind = re.sub(r"\Atweet\.", "post.", activity.event_type)
    known = dialects.index(activity.includes)
    if kind in POST_EVENTS:
        yield from _posts(raw, [activity.payload], known)
    elif kind == "post.delete":
        gone = dialects.read(activity.payload, x.DeletedPost)
        if gone:
            yield _deleted(raw, gone.id, dialects.author(gone.author_id, known.users), raw.received_at)
        else:
            yield _dead(raw, bytes(activity.payload))
    elif kind in _DIRECT_MESSAGES:
        yield from _activity_messages(raw, activity.payload, known)
    elif kind == "dm.read":
        yield _plain(raw, "receipt", "x.dm-read", bytes(activity.payload))
    elif kind == "oauth.revoke":
        yield _plain(raw, "note", "x.access-revoked", bytes(activity.payload))
    elif kind.startswith("chat."):
        yield _dead(raw, bytes(activity.payload), "x.encrypted-chat")
    else:
        yield _plain(raw, "note", "x.activity", bytes(activity.payload))


def _account_activity(raw: Raw, fields: dict[str, msgspec.Raw]) -> Iterator[Part]:
    """A delivery of the Account Activity API: lists of events, several kinds at once."""
    found = False
    for name, value in fields.items():
        events = dialects.read(value, list[msgspec.Raw]) if name.endswith("_events") else None
        if name == "user_event":
            found = True
            yield _plain(raw, "note", "x.access-revoked", bytes(value))
        elif name == "direct_message_events" and events is not None:
            found = True
            people = dialects.read(fields.get("users"), dict[str, msgspec.Raw])
            yield from _messages(raw, x.Messages(direct_message_events=events, users=people))
        elif events is not None:
            found = True
            yield from (_legacy_event(raw, name, one) for one in events)
    if not found:
        yield _dead(raw, raw.body)


def _legacy_event(raw: Raw, name: str, event: msgspec.Raw) -> Part:
    if name == "tweet_create_events":
        tweet = dialects.read(event, x.LegacyTweet)
        return _status(raw, dialects.from_legacy(tweet)) if tweet else _dead(raw, bytes(event))
    if name == "tweet_delete_events":
        gone = dialects.read(event, x.LegacyDelete)
        if gone is None:
            return _dead(raw, bytes(event))
        at = dialects.from_millis(gone.timestamp_ms, raw.received_at)
        return _deleted(raw, gone.status.id, Author(id=gone.status.user_id), at)
    if name == "direct_message_mark_read_events":
        return _plain(raw, "receipt", "x.dm-read", bytes(event))
    return _plain(raw, "note", "x.activity", bytes(event))


def _posts(raw: Raw, posts: Iterable[msgspec.Raw], known: dialects.Index) -> Iterator[Part]:
    for one in posts:
        post = dialects.read(one, x.Post)
        yield _status(raw, dialects.from_post(post, known)) if post else _dead(raw, bytes(one))


def _status(raw: Raw, status: dialects.Status) -> Part:
    outcome, reason = _judge(status, raw.account)
    version = status.chain.index(status.id) + 1 if status.id in status.chain else max(len(status.chain), 1)
    item = Item(
        channel=CHANNEL,
        account=raw.account,
        external_id=status.id,
        author=status.author,
        text=status.text,
        sent_at=status.sent_at,
        thread=status.thread,
        root=status.chain[0] if status.chain else status.id,
        reply_to=status.replied_to,
        version=version,
        location=status.location,
        attachments=status.attachments,
        public=True,
    )
    return Part(Decoded(outcome=outcome, key=f"x:{raw.account}:{status.id}", reason=reason, item=item))


def _judge(status: dialects.Status, account: str) -> tuple[Outcome, str | None]:
    """The first that holds: an echo or a copy is never a complaint, and an edit changes what its original became."""
    if status.author.id == account:
        return "ignored", "x.own"
    if status.retweet:
        return "ignored", "x.retweet"
    if len(status.chain) > 1 and status.id != status.chain[0]:
        return "edit", "x.edited"
    if status.replied_to is not None:
        return "reply", "x.in-thread"
    if status.quoted is not None and not (status.words or status.attachments):
        return "ignored", "x.quote-only"
    return "complaint", None


def _deleted(raw: Raw, post_id: str, author: Author, at: datetime) -> Part:
    own = author.id == raw.account
    item = Item(
        channel=CHANNEL,
        account=raw.account,
        external_id=post_id,
        author=author,
        text="",
        sent_at=at,
        root=post_id,
        public=True,
    )
    return Part(
        Decoded(
            outcome="ignored" if own else "delete",
            key=f"x:{raw.account}:{post_id}:delete",
            reason="x.own" if own else "x.deleted",
            item=item,
        )
    )


def _activity_messages(raw: Raw, data: msgspec.Raw, known: dialects.Index) -> Iterator[Part]:
    """Direct messages of the X Activity API: in the legacy shape, or one event of API v2."""
    messages, event = dialects.read(data, x.Messages), dialects.read(data, x.MessageEvent)
    if messages:
        yield from _messages(raw, messages)
    else:
        yield _event(raw, event, known) if event else _dead(raw, bytes(data))


def _messages(raw: Raw, messages: x.Messages) -> Iterator[Part]:
    known = dialects.users((messages.users or {}).values())
    for one in messages.direct_message_events:
        message = dialects.read(one, x.DirectMessage)
        yield _legacy_message(raw, message, known) if message else _dead(raw, bytes(one))


def _legacy_message(raw: Raw, message: x.DirectMessage, known: Mapping[str, x.User]) -> Part:
    data = message.message_create.message_data
    attachment = dialects.read(data.attachment, x.MessageAttachment)
    entities = dialects.read(data.entities, x.LegacyEntities) or x.LegacyEntities()
    files = [attachment.media] if attachment and attachment.media else []
    return _message(
        raw,
        message.id,
        dialects.author(message.message_create.sender_id, known),
        dialects.plain(data.text, dialects.legacy_links(entities, files)),
        dialects.from_millis(message.created_timestamp, dialects.snowflake_time(message.id)),
        tuple(dialects.legacy_file(one) for one in files),
    )


def _event(raw: Raw, event: x.MessageEvent, known: dialects.Index) -> Part:
    """A direct message of API v2; joining and leaving a conversation are events of the same kind."""
    if event.event_type != "MessageCreate":
        return Part(Decoded(outcome="note", key=f"x:{raw.account}:dm:{event.id}", reason="x.activity"))
    return _message(
        raw,
        event.id,
        dialects.author(event.sender_id, known.users),
        dialects.plain(event.text, dialects.links_of(event.entities)),
        dialects.moment(event.created_at, event.id),
        dialects.files_of(event.attachments, known),
    )


def _message(raw: Raw, message_id: str, author: Author, text: str, at: datetime, files: tuple[Attachment, ...]) -> Part:
    """A direct message; ``dm:`` before its id says to the sender that the answer is private too."""
    own = author.id == raw.account
    item = Item(
        channel=CHANNEL,
        account=raw.account,
        external_id=f"dm:{message_id}",
        author=author,
        text=text,
        sent_at=at,
        root=f"dm:{message_id}",
        attachments=files,
    )
    return Part(
        Decoded(
            outcome="ignored" if own else "complaint",
            key=f"x:{raw.account}:dm:{message_id}",
            reason="x.own" if own else None,
            item=item,
        )
    )


def _plain(raw: Raw, outcome: Outcome, reason: str, data: bytes) -> Part:
    return Part(Decoded(outcome=outcome, key=f"x:{raw.account}:{_digest(data)}", reason=reason))


def _dead(raw: Raw, data: bytes, reason: str = "x.unreadable") -> Part:
    return _plain(raw, "dead", reason, data)


def _digest(data: bytes) -> str:
    """Names what has no id of its own, so that the same bytes keep the same key."""
    return "sha256-" + hashlib.sha256(data).hexdigest()[:32]
