"""What the normalizer says of a complaint (``crm.tickets``) and the router of its agency (``crm.assignments``).

Masked text and pseudonyms only (DESIGN, promise 8).
"""

from __future__ import annotations

from typing import Literal

from .base import Instant, Part, Record, Share

Intent = Literal["complaint", "question", "suggestion", "praise", "chatter", "spam", "empty"]


class Judgement(Part, frozen=True, kw_only=True):
    """A value with how sure we are and why, in Indonesian, for the people who must be able to check it."""

    value: str
    confidence: Share
    reasons: tuple[str, ...] = ()


class PlaceCandidate(Part, frozen=True, kw_only=True):
    """One place the text may mean. ``code`` is the Kemendagri code (31.74.07.1003) of ``level``."""

    code: str
    name: str
    level: Literal["kelurahan", "kecamatan", "kota"]
    confidence: Share


class Place(Part, frozen=True, kw_only=True):
    """Where it is. Codes and names are Kemendagri's; ``lat``/``lon`` WGS 84, rounded to 4 decimals (11 m)."""

    method: Literal["polygon", "nearest", "text", "none", "outside"]
    confidence: Share
    kelurahan_code: str | None = None
    kelurahan: str | None = None
    kecamatan: str | None = None
    kota: str | None = None
    lat: float | None = None
    lon: float | None = None
    street: str | None = None
    rt: str | None = None
    rw: str | None = None
    candidates: tuple[PlaceCandidate, ...] = ()
    reasons: tuple[str, ...] = ()


class Reading(Part, frozen=True, kw_only=True):
    """The normalizer's understanding of one text (CONTRACT, ``tanggap understand``)."""

    intent: Judgement
    category: Judgement
    place: Place
    language: Judgement
    masked_text: str


class AttachmentRef(Part, frozen=True, kw_only=True):
    """A file without its name (names hold people's names). ``blob`` is the sealed blob, None until it is fetched."""

    media_type: str
    size: int | None = None
    blob: str | None = None
    id: str | None = None
    """Which file of which message (``pipeline.files.file_id``): what was fetched later finds its place by it."""
    view: str | None = None
    """The sealed blob of a picture made anew without what cameras write into files; pages show this one only."""


class TicketEvent(Record, frozen=True, kw_only=True):
    """Value of ``crm.tickets``, key ``ticket_id``.

    ``opened`` makes the ticket; ``followup`` is a message that joined it; ``amended`` a newer version of its text;
    ``withdrawn`` the citizen's deletion. ``at`` is when the citizen sent it, bounded by the receipt;
    ``received_at`` is when the city had it.
    """

    kind: Literal["opened", "followup", "amended", "withdrawn"]
    ticket_id: str
    number: str
    channel: str
    account: str
    received_at: Instant
    author: str | None = None
    """Pseudonym."""
    public: bool = False
    subject: str | None = None
    text: str = ""
    reading: Reading | None = None
    attachments: tuple[AttachmentRef, ...] = ()
    version: int = 1
    duplicate_of: str | None = None


class Candidate(Part, frozen=True, kw_only=True):
    """A unit that may be responsible: an OPD code of ``router/data/opd.csv``, or ``KEL:<kelurahan code>``."""

    code: str
    name: str
    confidence: Share


class Assignment(Record, frozen=True, kw_only=True):
    """Value of ``crm.assignments``: which unit should act, or that a person must decide."""

    ticket_id: str
    decision: Literal["assigned", "review"]
    opd: tuple[Candidate, ...]
    reasons: tuple[str, ...]
    rulebook: str
    """Version of the rulebook that decided."""
    cause: str
    """Id of the ticket event that was routed."""


class Sighting(Record, frozen=True, kw_only=True):
    """Value of ``crm.sightings``: what joining of tickets into incidents needs of each new ticket."""

    ticket_id: str
    category: str
    kelurahan_code: str | None = None
    lat: float | None = None
    lon: float | None = None
    signature: tuple[int, ...] = ()
    """MinHash of the masked text."""


class IncidentFact(Record, frozen=True, kw_only=True):
    """Value of ``crm.incidents``: a ticket joined, or was taken out of, an incident."""

    ticket_id: str
    incident_id: str
    kind: Literal["joined", "left"]
    reasons: tuple[str, ...] = ()
