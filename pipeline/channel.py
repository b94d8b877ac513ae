"""The protocol a channel fulfils: ``receive`` (webhook or ingest), ``decode``, ``reply`` (DESIGN, "Rooms").

``receive`` does I/O and no mapping: it verifies, hands over the bytes as they came, and acknowledges only after they
are durable. ``decode`` is pure: raw bytes in, items out, no I/O, no clock. ``reply`` sends one answer, with no wording.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pydantic_settings import BaseSettings

from schemas.item import Author, Decoded


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
    sender: Callable[[Any], Sender | None] | None = None
    """None is returned without credentials: answers are then recorded, visibly, instead of sent."""
    public_replies: bool = False
