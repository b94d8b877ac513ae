"""The vendor's side: what it sends, and how it signs."""

from __future__ import annotations

from typing import Any

import msgspec

from ingestors.vendor import Person, Photo, Signing, Vendor, digits, sent_now
from schemas.base import encode

from .receive import HEADER, signature
from .settings import TemplateSettings


def message(
    settings: TemplateSettings, person: Person, words: str, *, photo: Photo | None = None, after: bytes | None = None
) -> bytes:
    """See ``ingestors.vendor.Compose``."""
    found: dict[str, Any] = {"id": digits(12), "sender": {"id": person.id, "name": person.name}, "text": words}
    found["sent_at"] = sent_now()
    if photo is not None:
        found["picture"] = {"url": photo.url}
    if after is not None:
        found["answers"] = msgspec.json.decode(after)["message"]["id"]
    return encode({"message": found})


VENDOR = Vendor(
    account=lambda settings: str(settings.account),
    content_type="application/json",
    message=message,
    signing=Signing(header=HEADER, sign=signature, setting="secret", previous_setting="secret_previous"),
)
