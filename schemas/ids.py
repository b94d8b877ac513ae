"""Keyed, deterministic identifiers (DESIGN, promise 3)."""

from __future__ import annotations

import base64
import hmac


def keyed_id(key: bytes, *parts: str) -> str:
    """26 lowercase base32 characters (128 bits) of HMAC-SHA256 over the length-prefixed ``parts``.

    Length prefixes keep ("a", "bc") and ("ab", "c") apart.
    """
    data = b"".join(len(part).to_bytes(4, "big") + part for part in map(str.encode, parts))
    return base64.b32encode(hmac.digest(key, data, "sha256")[:16]).decode().rstrip("=").lower()


def derived_id(*parts: str) -> str:
    """Like :func:`keyed_id` without a secret: for ids made of ids that are pseudonymous already."""
    return keyed_id(b"tanggap", *parts)
