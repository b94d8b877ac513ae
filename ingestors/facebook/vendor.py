"""Meta's side: the Page's feed and Messenger (Meta, "Graph API > Webhooks > Reference > Page")."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from ingestors.meta import hub_signature
from ingestors.vendor import Person, Photo, Signing, Vendor, digits, sent_now
from schemas.base import encode

from .settings import FacebookSettings


def message(
    settings: FacebookSettings, person: Person, words: str, *, photo: Photo | None = None, after: bytes | None = None
) -> bytes:
    """See ``ingestors.vendor.Compose``: a visitor's post, with a photo or without; afterwards a comment on it."""
    post = post_id(after) if after is not None else f"{settings.page_id}_{digits(15)}"
    value: dict[str, Any] = {"post_id": post, "message": words}
    if after is not None:
        value |= {"item": "comment", "comment_id": f"{post.partition('_')[2]}_{digits(15)}", "parent_id": post}
        if photo is not None:
            value["photo"] = photo.url
    elif photo is not None:
        value |= {"item": "photo", "photo_id": digits(15), "link": photo.url, "published": 1}
    else:
        value |= {"item": "status", "published": 1}
    return change(settings, person, value)


def change(settings: FacebookSettings, person: Person, value: dict[str, Any]) -> bytes:
    """One change of the feed with any ``value``."""
    now = int(sent_now().timestamp())
    told = {"from": {"id": person.id, "name": person.name}, "verb": "add", "created_time": now, **value}
    entry = {"id": settings.page_id, "time": now, "changes": [{"field": "feed", "value": told}]}
    return encode({"object": "page", "entry": [entry]})


def direct(settings: FacebookSettings, person: Person, content: dict[str, Any]) -> bytes:
    """One Messenger message with any ``content``."""
    now = int(sent_now().timestamp() * 1000)
    event = {
        "sender": {"id": person.id},
        "recipient": {"id": settings.page_id},
        "timestamp": now,
        "message": {"mid": f"m_{secrets.token_urlsafe(48)}", **content},
    }
    return encode({"object": "page", "entry": [{"id": settings.page_id, "time": now, "messaging": [event]}]})


def post_id(body: bytes) -> str:
    """The post in a delivery made here."""
    found: str = msgspec.json.decode(body)["entry"][0]["changes"][0]["value"]["post_id"]
    return found


VENDOR = Vendor(
    account=lambda settings: str(settings.page_id),
    content_type="application/json",
    message=message,
    signing=Signing(
        header="X-Hub-Signature-256",
        sign=hub_signature,
        setting="app_secret",
        previous_setting="app_secret_previous",
    ),
    api_setting="graph_url",
    credential_setting="access_token",
)
