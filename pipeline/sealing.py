"""Sealing of records: AES-256-GCM under one-time keys whose ids travel in a header (DESIGN, promise 2)."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12


@dataclass(frozen=True)
class RecordKey:
    """A one-time key: ``id`` is public, ``secret`` 32 bytes."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"RecordKey({self.id})"


class Keys(Protocol):
    """Where one-time keys come from and where they are found again. The vault implements it."""

    def take(self) -> RecordKey:
        """A fresh key from memory, committed beforehand. Raises ``Unavailable`` when the pool is empty."""

    async def find(self, ids: Collection[str]) -> Mapping[str, bytes]:
        """Secrets by id; an erased key is missing. Raises ``Unavailable`` while the vault is away."""


class Broken(Exception):
    """Sealed bytes that do not open: truncated, altered, or sealed for another context."""


def seal(secret: bytes, plain: bytes, context: str) -> bytes:
    """Nonce and ciphertext. ``context`` (topic or purpose) is bound in: a record moved elsewhere does not open."""
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(secret).encrypt(nonce, plain, context.encode())


def unseal(secret: bytes, sealed: bytes, context: str) -> bytes:
    """The plain bytes. Raises ``Broken``."""
    if len(sealed) < NONCE + 16:
        raise Broken("sealed record is too short")
    try:
        return AESGCM(secret).decrypt(sealed[:NONCE], sealed[NONCE:], context.encode())
    except InvalidTag:
        raise Broken("sealed record does not open with its key") from None
