"""What the composition root hands to the portal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypedDict

from pipeline.clock import Clock
from schemas.base import Record
from schemas.topics import Topic
from vault.model import Account, MediaVariant, Original, Scope, Ticket

from .cases import CaseReader


class Publisher(Protocol):
    """The durable publisher."""

    async def publish(self, topic: Topic, key: str, record: Record) -> None:
        """Returns once Kafka has it. Raises ``pipeline.errors.Unavailable``."""


class VaultDoor(Protocol):
    """The part of ``vault.store.Vault`` that pages use. Its calls block: they run in a thread."""

    def resolve(self, token: str) -> tuple[str, Scope] | None: ...

    def ticket(self, ticket_id: str) -> Ticket | None: ...

    def token(self, ticket_id: str, scope: Scope) -> str: ...

    def originals(self, ticket_id: str, actor: str, reason: str) -> list[Original]: ...

    def media_path(self, ticket_id: str, blob: str, variant: MediaVariant, expires_at: datetime) -> str: ...

    def login(self, username: str, password: str) -> Account | None: ...

    def open_session(self, account: Account) -> str: ...

    def session(self, token: str) -> Account | None: ...

    def close_session(self, token: str) -> None: ...

    def audit(self, actor: str, action: str, subject: str, reason: str) -> None: ...


class ServiceHealth(TypedDict, total=False):
    """One service: ``state`` is a key of ``data/kata.yaml`` (jalan, mulai, mati), ``lag`` in records waiting."""

    name: str
    state: str
    lag: int | None


class ChannelHealth(TypedDict):
    """One channel: when it last brought something, deliveries of the last hour against the usual number, days left of
    its token, used share of the vendor's budget, and its state as code, words, colour and what to do; None: not known.
    """

    name: str
    title: str
    last: datetime | None
    hour: int | None
    usual: float | None
    token_days: float | None
    budget: float | None
    state: str
    words: str
    tint: str
    todo: str


class Health(TypedDict, total=False):
    """What operations see of the machinery. ``dead_letters``: count by reason; ``outbox``: count by reply state."""

    channels: list[ChannelHealth]
    services: list[ServiceHealth]
    dead_letters: dict[str, int]
    outbox: dict[str, int]


@dataclass(frozen=True)
class PortalDeps:
    """``base_url`` starts tracking links and decides whether cookies are ``Secure``. ``wait`` is how long a page waits
    for the fact its command leads to, in seconds (DESIGN, promise 5)."""

    tenant: str
    base_url: str
    vault: VaultDoor
    cases: CaseReader
    commands: Publisher
    submit_counter: Callable[[dict[str, str | None]], Awaitable[str]]
    """Takes a counter form, returns the item's idempotency key once it is durable. Raises ``Unavailable`` and
    ``Rejected``."""
    ticket_of_item: Callable[[str], Awaitable[tuple[str, str] | None]]
    """Idempotency key to (ticket id, number), None until the normalizer decided."""
    mask: Callable[[str], str]
    """Hides personal data in what is typed into a page before it is published."""
    units: Sequence[tuple[str, str]]
    """Units a ticket may be handed to: (code, name)."""
    categories: Sequence[tuple[str, str]]
    """(slug, name)."""
    health: Callable[[], Awaitable[Health]]
    clock: Clock
    unseal_note: str = "Pembukaan tulisan asli dicatat bersama nama akun, waktu, dan alasannya (UU 27/2022)."
    wait: float = 2.0
    media_url: str = "http://127.0.0.1:8081"
    """Public address of the media service: files of messages never come from the portal's own."""
