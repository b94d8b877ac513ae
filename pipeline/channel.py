"""The protocol a channel fulfils: ``receive`` (webhook or ingest), ``decode``, ``reply`` (DESIGN, "Rooms").

``receive`` does I/O and no mapping: it verifies, hands over the bytes as they came, and acknowledges only after they
are durable. ``decode`` is pure: raw bytes in, items out, no I/O, no clock. ``reply`` sends one answer, with no wording.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic_settings import BaseSettings

from schemas.item import Attachment, Author, Decoded

from .clock import Clock


@dataclass(frozen=True)
class Raw:
    """Bytes as they came over the wire. ``account`` is the entrance (phone number id, mailbox, desk)."""

    channel: str
    account: str
    body: bytes
    content_type: str
    received_at: datetime
    meta: Mapping[str, str] = field(default_factory=dict)
    """What the transport knew and the bytes do not say (SMTP envelope). Not personal: it travels in clear headers."""


@dataclass(frozen=True)
class Part:
    """A decoded outcome, with the bytes of those attachments that the raw record held, by ``Attachment.reference``."""

    decoded: Decoded
    files: Mapping[str, bytes] = field(default_factory=dict)


class Intake(Protocol):
    """Where ``receive`` hands over what came."""

    async def accept(self, raw: Raw) -> None:
        """Seals and publishes; returns once Kafka has it. Raises ``Unavailable`` when it cannot be made durable now."""

    async def dead(self, raw: Raw, reason: str) -> None:
        """Keeps bytes that a channel cannot take as a dead letter; returns once durable. Raises ``Unavailable``."""


class Cursors(Protocol):
    """Durable positions of pollers. Moved only after everything before them is on Kafka."""

    async def get(self, channel: str, account: str) -> str | None: ...

    async def set(self, channel: str, account: str, value: str) -> None: ...


@dataclass(frozen=True)
class HookRequest:
    """A delivery to ``/webhooks/{channel}``; header names in lower case."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True)
class HookAnswer:
    """What a webhook answers beyond the plain 200."""

    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


class Webhook(Protocol):
    """A vendor's entrance. Every webhook has a verifier; there is no setting that turns it off."""

    def challenge(self, query: Mapping[str, str]) -> HookAnswer:
        """Answers the vendor's GET. Raises ``Rejected``."""

    def take(self, request: HookRequest) -> tuple[list[Raw], HookAnswer]:
        """Verifies the signature over the raw body, then the envelope. Raises ``Rejected`` (401 first of all).

        Several Raw only where one delivery holds several accounts; each then holds the whole body.
        """


@dataclass(frozen=True)
class Outgoing:
    """One answer to send. ``to`` is the unsealed identity; ``external_id`` names the last inbound message."""

    id: str
    account: str
    to: Author
    text: str
    external_id: str | None
    thread: str | None
    subject: str | None
    last_inbound_at: datetime | None
    number: str = ""
    template: str = ""
    """Name of the wording (``responder/data``), for vendors that take approved templates only."""
    link: str = ""
    """The tracking link that ``text`` holds."""
    private: bool = False
    """The link lets its holder speak for the citizen: such an answer never stands in public."""
    now: datetime | None = None
    """The moment of sending, by the sender's clock; vendors' windows are measured from ``last_inbound_at`` to it."""


class Sender(Protocol):
    """Sends through the vendor.

    Raises ``TransientError``/``Backpressure`` to be tried again, ``InvalidItem`` when it can never be delivered.
    Returns the vendor's id of the sent message, if any.
    """

    async def send(self, message: Outgoing) -> str | None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class MediaLink:
    """Where a file can be fetched now. ``headers`` may hold the vendor's token: they go to the host of ``url`` only."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    words: Raw | None = None
    """What else the vendor said of the message on the way, where it had only pointed at it: handed to the intake."""


class MediaSource(Protocol):
    """Finds files that a message only points at (``Attachment.reference``); the media service fetches them."""

    hosts: Collection[str]
    """Hosts, with their subdomains, that this vendor's files come from; any other address is refused."""
    lifetime: timedelta
    """How long after its receipt the vendor still gives a message's file."""

    async def locate(self, found: Attachment, account: str) -> MediaLink:
        """Raises ``InvalidItem`` when the file is gone for good, ``TransientError``/``Backpressure`` to try again."""

    async def close(self) -> None: ...


class History(Protocol):
    """The vendor's own listing of what was sent to us: to catch up after a gap, and to compare with what we have."""

    every: timedelta | None
    """Pause between two short looks; None where the channel has a poller of its own."""
    overlap: timedelta
    """How far before the last complete look a short look begins: vendors list late and by their own clocks."""
    nightly: timedelta
    """Window of the long look once a night."""

    def pages(self, since: datetime) -> AsyncIterator[Raw]:
        """Everything since then that the vendor still lists, page by page, as bytes that ``decode`` reads.

        Raises ``TransientError``/``Backpressure``, also for a token that has expired: the cursor then stays.
        """

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Probe:
    """What the vendor says of our access to it; None where it does not apply or was not told."""

    accepted: bool | None = None
    """Whether the credentials are taken."""
    token_expires_at: datetime | None = None
    subscribed: bool | None = None
    """Whether deliveries are still switched on (Meta unsubscribes after an hour of errors)."""
    used: float | None = None
    limit: float | None = None
    unit: str = ""
    """The vendor's budget: what was used of what, in ``unit``."""
    problem: str | None = None
    """Code of what is wrong, one of the channel's ``REASONS``."""


@dataclass(frozen=True)
class Channel:
    """Everything the product knows of a channel. Folder = name = topic suffix = settings prefix = metric label."""

    name: str
    title: str
    """Name for people, in Indonesian."""
    settings: type[BaseSettings]
    decode: Callable[[Raw], Iterable[Part]]
    webhook: Callable[[Any], Webhook] | None = None
    ingest: Callable[[Any, Intake, Cursors], Awaitable[None]] | None = None
    """Runs a poller or a server until it is cancelled."""
    sender: Callable[[Any, Cursors, Clock], Sender | None] | None = None
    """None is returned without credentials: answers are then recorded, visibly, instead of sent."""
    public_replies: bool = False
    """Whether answers may stand in public; they then carry the ``lihat`` token only."""
    media: Callable[[Any], MediaSource | None] | None = None
    """None is returned without the credentials that fetching needs: files then wait while the vendor keeps them."""
    history: Callable[[Any, Cursors, Clock], History | None] | None = None
    """None where the vendor keeps none, or is returned without credentials."""
    probe: Callable[[Any, Cursors, Clock], Awaitable[Probe]] | None = None
    """Asks the vendor about our access; called every few minutes. Raises ``TransientError`` when it does not answer."""
