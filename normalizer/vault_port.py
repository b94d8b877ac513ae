"""What the normalizer asks of the vault."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from vault.model import Known, Registered, Registration


class NormalizerVault(Protocol):
    """Part of ``vault.store.Vault``; every method may raise ``Unavailable``."""

    def pseudonym(self, channel: str, account: str, author_id: str) -> str: ...

    def hash_of(self, *parts: str) -> str: ...

    def ticket_id(self, channel: str, account: str, root_id: str) -> str: ...

    def get_blob(self, name: str) -> bytes | None: ...

    def put_blob(self, plain: bytes, *, idempotency: str, person: str | None, media_type: str) -> str: ...

    def lookup(self, item_keys: Collection[str], messages: Collection[str], numbers: Collection[str]) -> Known: ...

    def register(self, batch: Sequence[Registration]) -> dict[str, Registered]: ...
