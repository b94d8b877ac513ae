"""How a file of a message is named on topics: by nothing that the vendor or the sender gave."""

from __future__ import annotations

from collections.abc import Callable


def file_id(hash_of: Callable[..., str], item_key: str, reference: str) -> str:
    """Keyed hash, 26 characters. ``hash_of`` is the vault's; ``item_key`` the hash of the item's idempotency key."""
    return hash_of("file", item_key, reference)
