"""Counters: form bytes in, one complaint out. Pure: no I/O, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC

import msgspec
import phonenumbers

from pipeline.channel import Part, Raw
from schemas.item import Author, Decoded, Item, Location

from .payload import CounterForm

CHANNEL = "counter"

REASONS = {
    "counter.unreadable": "Not a counter form. The bytes are kept.",
    "counter.form": "A field of the form is missing or not as it should be; refused at the entrance.",
    "counter.date": "The paper's receipt lies in the future or over a year ago; refused at the entrance.",
}
"""Every reason code of this channel, for docs/reasons.md."""

_CONTROLS = dict.fromkeys((*range(9), *range(11, 32), 127))


def decode(raw: Raw) -> Iterable[Part]:
    """The complaint of one form. Never raises."""
    try:
        form = msgspec.json.decode(raw.body, type=CounterForm)
        return [Part(Decoded(outcome="complaint", key=key_of(form), item=_item(form)))]
    except (ValueError, OverflowError, RecursionError):
        digest = hashlib.sha256(raw.body).hexdigest()[:32]
        key = f"{CHANNEL}:{raw.account}:sha256-{digest}"
        return [Part(Decoded(outcome="dead", key=key, reason="counter.unreadable"))]


def key_of(form: CounterForm) -> str:
    """The idempotency key of a form."""
    return f"{CHANNEL}:{form.desk}:{form.form_id}"


def _item(form: CounterForm) -> Item:
    phone = _phone(form.phone)
    email = (_plain(form.email) or "").lower() or None
    return Item(
        channel=CHANNEL,
        account=form.desk,
        external_id=form.form_id,
        author=Author(
            id=f"{CHANNEL}:{phone or email or form.form_id}", name=_plain(form.name), phone=phone, email=email
        ),
        text=_plain(form.text) or "",
        sent_at=form.received_at.astimezone(UTC),
        root=form.form_id,
        subject=_plain(form.subject),
        location=Location(lat=form.lat, lon=form.lon, text=_place(form)),
        category=form.category,
    )


def _plain(text: str | None) -> str | None:
    """Without control characters (a NUL stops databases and terminals alike); None when nothing is left."""
    return (text or "").translate(_CONTROLS).strip() or None


def _phone(typed: str | None) -> str | None:
    """One spelling for one telephone: E.164, or the bare digits where it is no Indonesian or international number."""
    if typed is None:
        return None
    try:
        number = phonenumbers.parse(typed, "ID")
    except phonenumbers.NumberParseException:
        number = None
    if number is not None and phonenumbers.is_possible_number(number):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return "".join(char for char in typed if char.isdigit())


def _place(form: CounterForm) -> str | None:
    """What the officer wrote of the place, with the kelurahan spelt so that the place finder recognises it."""
    kelurahan = _plain(form.kelurahan) or form.kelurahan_code
    if kelurahan and not kelurahan.lower().startswith(("kel. ", "kelurahan ")):
        kelurahan = f"Kelurahan {kelurahan}"
    return ", ".join(part for part in (_plain(form.location_text), kelurahan) if part) or None
