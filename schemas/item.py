"""What a channel's ``decode`` makes of raw bytes: items (CONTRACT, ``tanggap decode``). Sealed on the bus."""

from __future__ import annotations

from typing import Literal

from .base import Instant, Part

Outcome = Literal["complaint", "reply", "edit", "delete", "receipt", "note", "ignored", "dead"]
"""``reply`` is to something of ours or in a thread; ``note`` a reaction, sticker, member change; see CONTRACT."""


class Author(Part, frozen=True, kw_only=True, omit_defaults=False):
    """Who wrote. ``id`` is the vendor's stable user id; it, like all else here, is personal data."""

    id: str
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    handle: str | None = None


class Location(Part, frozen=True, kw_only=True, omit_defaults=False):
    """Where, as the sender said: WGS 84 degrees and/or words."""

    lat: float | None = None
    lon: float | None = None
    text: str | None = None


class Attachment(Part, frozen=True, kw_only=True, omit_defaults=False):
    """A file. ``reference`` tells the channel where to get it (a vendor media id, or ``part:N`` of a mail)."""

    name: str | None = None
    media_type: str = "application/octet-stream"
    size: int | None = None
    sha256: str | None = None
    reference: str | None = None
    blob: str | None = None
    """Name of the sealed blob, once the file is kept by us."""


class Item(Part, frozen=True, kw_only=True, omit_defaults=False):
    """One message, post or form of one person.

    ``external_id`` is the vendor's id of this message; ``root`` of the message the ticket id derives from (first of an
    edit chain; equals ``external_id`` when there is none). ``reply_to`` is the vendor's id of the message answered;
    ``thread`` the vendor's conversation. ``version`` counts edits from 1.
    """

    channel: str
    account: str
    external_id: str
    author: Author
    text: str
    sent_at: Instant
    thread: str | None = None
    root: str | None = None
    reply_to: str | None = None
    version: int = 1
    subject: str | None = None
    location: Location = Location()
    attachments: tuple[Attachment, ...] = ()
    category: str | None = None
    """Category chosen by the sender where the channel offers a list (JAKI, counter)."""
    ticket_number: str | None = None
    """Our ticket number, where the channel names it apart from the text (plus address, form field)."""
    public: bool = False
    """True where the message stood in public (a post, a comment): answers carry the ``lihat`` token only."""


class Delivery(Part, frozen=True, kw_only=True, omit_defaults=False):
    """What became of a message of ours. Reports overtake each other (``read`` may come first, ``delivered`` never), so
    nobody may conclude anything from their order: by rank ``sent`` < ``delivered`` < ``read``, and ``failed`` is final.
    """

    channel: str
    account: str
    message: str
    """Vendor's id of our message; on ``crm.items`` its keyed hash, because such an id may hold a phone number."""
    state: Literal["sent", "delivered", "read", "failed"]
    reply: str | None = None
    """Id of our reply, where the vendor hands it back."""
    code: str | None = None
    """Vendor's error code of ``failed``."""


class Decoded(Part, frozen=True, kw_only=True, omit_defaults=False):
    """One line of ``tanggap decode``: an outcome, and the item unless nothing could be read.

    ``key`` is the idempotency key, unique within tenant: channel, account and the vendor's id of this *event*.
    ``reason`` is a stable code from ``docs/reasons.md``; None exactly for complaints.
    """

    outcome: Outcome
    key: str
    reason: str | None = None
    item: Item | None = None
    delivery: Delivery | None = None
    """Set for receipts that tell of one message."""


class ItemEvent(Part, frozen=True, kw_only=True, omit_defaults=True):
    """Value of ``crm.items`` before sealing."""

    tenant: str
    decoded: Decoded
    received_at: Instant
    raw_key: str
    """Id of the record key that seals the raw record, so that the person can be linked to it."""
    raw_blob: str | None = None
    """Name of the blob that holds large raw bytes; it is erased with the person, like the keys."""
    warnings: tuple[str, ...] = ()
