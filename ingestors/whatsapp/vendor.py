"""Meta's side: messages as the Cloud API delivers them (Meta, "Cloud API > Webhooks > Components")."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import msgspec

from ingestors.meta import hub_signature
from ingestors.vendor import Person, Photo, Signing, Vendor, sent_now
from schemas.base import encode

from .settings import WhatsAppSettings


def message(
    settings: WhatsAppSettings, person: Person, words: str, *, photo: Photo | None = None, after: bytes | None = None
) -> bytes:
    """See ``ingestors.vendor.Compose``: a text, or a photo with its caption."""
    content: dict[str, Any] = {"type": "text", "text": {"body": words}}
    if photo is not None:
        content = {"type": "image", "image": {"id": photo.name, "mime_type": "image/png", "caption": words}}
    if after is not None:
        content["context"] = {"from": settings.phone_number_id, "id": message_id(after)}
    return delivery(settings, person, content)


def delivery(settings: WhatsAppSettings, person: Person, content: dict[str, Any]) -> bytes:
    """One message with any ``content``."""
    inbound = {
        "from": person.phone,
        "from_user_id": f"ID.{person.id}",
        "id": f"wamid.{secrets.token_urlsafe(24)}",
        "timestamp": str(int(sent_now().timestamp())),
        **content,
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "628111272206", "phone_number_id": settings.phone_number_id},
        "contacts": [{"profile": {"name": person.name}, "wa_id": person.phone, "user_id": f"ID.{person.id}"}],
        "messages": [inbound],
    }
    entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}
    return encode({"object": "whatsapp_business_account", "entry": [entry]})


def location(lat: float, lon: float, name: str) -> dict[str, Any]:
    """Content of a location message."""
    return {"type": "location", "location": {"latitude": lat, "longitude": lon, "name": name}}


def locate(path: str, photo: Photo) -> tuple[bytes, str] | None:
    """Answer to ``GET /{media id}`` (Meta, "Cloud API > Media"); there the digest is hexadecimal."""
    if path.partition("?")[0].rpartition("/")[2] != photo.name:
        return None
    found = {
        "messaging_product": "whatsapp",
        "url": photo.url,
        "mime_type": "image/png",
        "sha256": hashlib.sha256(photo.data).hexdigest(),
        "file_size": len(photo.data),
        "id": photo.name,
    }
    return encode(found), "application/json"


def message_id(body: bytes) -> str:
    """The wamid in a delivery made here."""
    found: str = msgspec.json.decode(body)["entry"][0]["changes"][0]["value"]["messages"][0]["id"]
    return found


VENDOR = Vendor(
    account=lambda settings: str(settings.phone_number_id),
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
    locate=locate,
)
