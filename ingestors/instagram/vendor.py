"""Meta's side: direct messages and comments on Instagram (Meta, "Instagram Platform > Webhooks")."""

from __future__ import annotations

import base64
import secrets
from typing import Any

import msgspec

from ingestors.meta import hub_signature
from ingestors.vendor import Person, Photo, Signing, Vendor, digits, sent_now
from schemas.base import encode

from .settings import InstagramSettings


def message(
    settings: InstagramSettings, person: Person, words: str, *, photo: Photo | None = None, after: bytes | None = None
) -> bytes:
    """See ``ingestors.vendor.Compose``: a direct message; afterwards one that answers it."""
    content: dict[str, Any] = {"text": words}
    if photo is not None:
        content["attachments"] = [{"type": "image", "payload": {"url": photo.url}}]
    if after is not None:
        content["reply_to"] = {"mid": message_id(after)}
    return direct(settings, person, content)


def direct(settings: InstagramSettings, person: Person, content: dict[str, Any]) -> bytes:
    """One direct message with any ``content``."""
    now = int(sent_now().timestamp() * 1000)
    mid = base64.b64encode(b"ig_m:" + secrets.token_bytes(60)).decode().rstrip("=")
    event = {
        "sender": {"id": person.id},
        "recipient": {"id": settings.user_id},
        "timestamp": now,
        "message": {"mid": mid, **content},
    }
    return encode({"object": "instagram", "entry": [{"id": settings.user_id, "time": now, "messaging": [event]}]})


def comment(settings: InstagramSettings, person: Person, words: str, media_id: str) -> bytes:
    """A comment on a medium of the city."""
    value = {
        "id": digits(17),
        "from": {"id": person.id, "username": person.handle},
        "media": {"id": media_id, "media_product_type": "FEED"},
        "text": words,
    }
    now = int(sent_now().timestamp())
    entry = {"id": settings.user_id, "time": now, "changes": [{"field": "comments", "value": value}]}
    return encode({"object": "instagram", "entry": [entry]})


def message_id(body: bytes) -> str:
    """The mid in a delivery made here."""
    found: str = msgspec.json.decode(body)["entry"][0]["messaging"][0]["message"]["mid"]
    return found


VENDOR = Vendor(
    account=lambda settings: str(settings.user_id),
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
