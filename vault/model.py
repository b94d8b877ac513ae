"""What goes into the vault and comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from schemas.item import Author

TicketKind = Literal["opened", "followup", "amended", "withdrawn"]
Scope = Literal["lihat", "pelapor"]
Role = Literal["officer", "desk", "counter", "operations"]


@dataclass(frozen=True)
class Original:
    """What a citizen wrote, unmasked; kept sealed under a key linked to the person."""

    subject: str | None
    text: str
    location: str | None = None
    files: tuple[str, ...] = ()
    """Names of attached files."""


@dataclass(frozen=True)
class Registration:
    """One message that opens or joins a ticket. All hashes are keyed (``Vault.hash_of``).

    ``item_key`` is the hash of the item's idempotency key: the second registration of the same key changes nothing and
    gets the first one's decision. ``message`` is the hash of the vendor's message id, so that replies find the ticket;
    ``root`` of the message it is a version of, so that an original which its edit overtook finds it too.
    """

    item_key: str
    ticket_id: str
    kind: TicketKind
    channel: str
    account: str
    received_at: datetime
    message: str | None = None
    root: str | None = None
    person: str | None = None
    """Pseudonym."""
    identity: Author | None = None
    key_ids: tuple[str, ...] = ()
    """Record keys (raw, item) that belong to the person from now on."""
    original: Original | None = None
    external_id: str | None = None
    thread: str | None = None


@dataclass(frozen=True)
class Registered:
    """The decision, taken once."""

    item_key: str
    ticket_id: str
    kind: TicketKind
    number: str


@dataclass(frozen=True)
class Known:
    """What the register knew before a batch."""

    items: dict[str, Registered] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    """Message hash to ticket id."""
    numbers: dict[str, str] = field(default_factory=dict)
    """Human number to ticket id."""


@dataclass(frozen=True)
class Contact:
    """How to answer the citizen of a ticket: the newest inbound message's person and thread."""

    identity: Author
    person: str
    channel: str
    account: str
    external_id: str | None
    thread: str | None
    subject: str | None
    last_inbound_at: datetime


@dataclass(frozen=True)
class Ticket:
    """The register's row of a ticket."""

    ticket_id: str
    number: str
    tenant: str
    channel: str
    account: str
    received_at: datetime


@dataclass(frozen=True)
class Account:
    """Somebody who may log in. ``unit`` is the OPD code, ``KEL:<code>`` or the desk they act for."""

    id: str
    username: str
    name: str
    role: Role
    unit: str
    unit_name: str


@dataclass(frozen=True)
class MediaJob:
    """A file that is still to be fetched or prepared. ``payload`` is the caller's record of it, unsealed."""

    job_id: str
    item_key: str
    person: str
    """Pseudonym of the author: the job and the file go when they are erased."""
    channel: str
    deadline: datetime
    """After it the vendor has the file no longer."""
    payload: bytes
    held_at: datetime | None = None
    """Since when it is known; set by the vault."""
    attempts: int = 0
    """Attempts that failed."""


@dataclass(frozen=True)
class Capability:
    """The right to one file until ``expires_at``; the address holds it."""

    ticket_id: str
    blob: str
    variant: MediaVariant


MediaVariant = Literal["gambar", "unduh"]
"""A picture made anew, for pages; or the file itself, for officers, as a download."""

ReplyStatus = Literal["claimed", "waiting", "sent", "recorded", "failed"]


@dataclass(frozen=True)
class ReplyMemory:
    """What the vault remembers of one answer. ``attempts`` counts claims; more than one after a failure or a crash.

    ``provider`` is the keyed hash of the vendor's id of the sent message (a wamid holds the phone number).
    """

    state: ReplyStatus
    attempts: int
    claimed_at: datetime
    settled_at: datetime | None
    provider: str | None


@dataclass(frozen=True)
class AuditEntry:
    """One line of the audit: who did what to which subject (ids and pseudonyms only), when and why."""

    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
