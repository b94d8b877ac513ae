"""Addresses of files that are rights by themselves: made for one ticket, one file and at most an hour."""

from __future__ import annotations

import hmac
import re
from datetime import datetime, timedelta
from typing import Final

from pipeline.clock import Clock

from .keyring import Keyring
from .model import Capability, MediaVariant

LONGEST: Final = timedelta(hours=1)
_PATH = re.compile(
    r"/berkas/(?P<ticket>t?[a-z2-7]{26})/(?P<blob>[a-z2-7]{26})/(?P<variant>gambar|unduh)"
    r"/(?P<expires>[0-9]{10})/(?P<mac>[A-Za-z0-9_-]{32})"
)


def make(keyring: Keyring, found: Capability, expires_at: datetime) -> str:
    """The path of an address. Raises ``ValueError`` for what is no id."""
    expires = int(expires_at.timestamp())
    mac = keyring.media_mac(found.ticket_id, found.blob, found.variant, expires)
    path = f"/berkas/{found.ticket_id}/{found.blob}/{found.variant}/{expires}/{mac}"
    if _PATH.fullmatch(path) is None:
        raise ValueError("a file's address is made of a ticket id, the name of a blob and a variant")
    return path


def read(keyring: Keyring, path: str, clock: Clock) -> Capability | None:
    """What ``path`` is a right to; None when it is forged, altered, over, or good for too long."""
    parts = _PATH.fullmatch(path)
    if parts is None:
        return None
    expires = int(parts["expires"])
    mac = keyring.media_mac(parts["ticket"], parts["blob"], parts["variant"], expires)
    if not hmac.compare_digest(mac, parts["mac"]):
        return None
    left = expires - clock.now().timestamp()
    if not 0 < left <= LONGEST.total_seconds():
        return None
    variant: MediaVariant = "gambar" if parts["variant"] == "gambar" else "unduh"
    return Capability(parts["ticket"], parts["blob"], variant)
