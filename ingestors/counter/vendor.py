"""A desk officer's side: a form as the portal hands it over."""

from __future__ import annotations

import uuid

import msgspec

from ingestors.vendor import Person, Photo, Vendor, sent_now
from schemas.base import encode

from .payload import CounterForm
from .settings import CounterSettings

DESK = "BALAIKOTA"


def message(
    settings: CounterSettings, person: Person, words: str, *, photo: Photo | None = None, after: bytes | None = None
) -> bytes:
    """See ``ingestors.vendor.Compose``. A form holds no photo, and each form is a complaint of its own."""
    now = sent_now()
    desk = msgspec.json.decode(after, type=CounterForm).desk if after is not None else DESK
    return encode(
        CounterForm(
            form_id=str(uuid.uuid4()), desk=desk, officer="loket", text=words, received_at=now, entered_at=now,
            name=person.name, phone=person.phone,
        )
    )  # fmt: skip


VENDOR = Vendor(account=lambda settings: DESK, content_type="application/json", message=message)
