"""X's side: mentions and replies of the X Activity API (docs.x.com, ``x-api/activity/event-payloads``)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import msgspec

from ingestors.vendor import Person, Photo, Signing, Vendor, digits, sent_now
from schemas.base import encode

from .settings import XSettings


def message(
    settings: XSettings, person: Person, words: str, *, photo: Photo | None = None, after: bytes | None = None
) -> bytes:
    """See ``ingestors.vendor.Compose``: ``post.mention.create``, or ``post.reply.create`` to an earlier one."""
    post = digits(19)
    payload: dict[str, Any] = {
        "id": post,
        "author_id": person.id,
        "text": words,
        "created_at": sent_now().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "conversation_id": post,
        "edit_history_tweet_ids": [post],
        "lang": "in",
    }
    users = [
        {"id": person.id, "name": person.name, "username": person.handle},
        {"id": settings.user_id, "name": "Pemprov DKI Jakarta", "username": settings.account},
    ]
    includes: dict[str, Any] = {"users": users}
    if photo is not None:
        key = media_key(photo)
        payload["attachments"] = {"media_keys": [key]}
        includes["media"] = [{"media_key": key, "type": "photo", "url": photo.url}]
    if after is not None:
        first = msgspec.json.decode(after)["data"]["payload"]["id"]
        payload |= {"conversation_id": first, "referenced_tweets": [{"type": "replied_to", "id": first}]}
    data = {
        "event_uuid": digits(19),
        "filter": {"user_id": settings.user_id},
        "event_type": "post.mention.create" if after is None else "post.reply.create",
        "tag": "sebutan",
        "payload": payload,
        "includes": includes,
    }
    return encode({"data": data})


def sign(body: bytes, secret: str) -> str:
    """``x-twitter-webhooks-signature``."""
    return "sha256=" + base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def media_key(photo: Photo) -> str:
    """``3_`` is a photo; the digits are always the same for one name."""
    return f"3_{int.from_bytes(hashlib.sha256(photo.name.encode()).digest()[:7], 'big')}"


def locate(path: str, photo: Photo) -> tuple[bytes, str] | None:
    """``GET /2/media/{media_key}``."""
    if path.partition("?")[0] != f"/2/media/{media_key(photo)}":
        return None
    return encode({"data": {"media_key": media_key(photo), "type": "photo", "url": photo.url}}), "application/json"


VENDOR = Vendor(
    account=lambda settings: str(settings.user_id),
    content_type="application/json",
    message=message,
    signing=Signing(
        header="X-Twitter-Webhooks-Signature",
        sign=sign,
        setting="consumer_secret",
        previous_setting="consumer_secret_previous",
        other_encoding=lambda body, secret: "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex(),
    ),
    api_setting="api_base",
    credential_setting="bearer_token",
    locate=locate,
)
