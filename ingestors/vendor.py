"""The other side of a channel: what its vendor sends, and how it signs.

Each channel's ``vendor.py`` holds a :class:`Vendor` named ``VENDOR``. The demo delivers with it, and the contract tests
hold every channel to it; no service reads it.
"""

from __future__ import annotations

import secrets
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Protocol


def digits(length: int) -> str:
    """Random digits, as vendors' ids are made of; the first is not zero."""
    return str(secrets.randbelow(9 * 10 ** (length - 1)) + 10 ** (length - 1))


def sent_now() -> datetime:
    """The sender's clock, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Person:
    """Somebody invented. The number is of a range that is not given out, the domain reserved for examples."""

    name: str
    id: str = field(default_factory=lambda: digits(15))
    phone: str = field(default_factory=lambda: "628110000" + digits(5))

    @property
    def handle(self) -> str:
        """As on networks: lower case, no blanks."""
        return self.name.lower().replace(" ", "_")

    @property
    def email(self) -> str:
        """At a domain that nobody has."""
        return f"{self.name.split()[0].lower()}@surel.contoh.id"


@dataclass(frozen=True)
class Photo:
    """A picture that the vendor serves at ``url``; ``name`` is also the vendor's id of it."""

    name: str
    url: str
    data: bytes


class Compose(Protocol):
    """Makes the bytes of one message of a person. Every call has new ids, as real senders have."""

    def __call__(
        self, settings: Any, person: Person, words: str, *, photo: Photo | None = None, after: bytes | None = None
    ) -> bytes:
        """``after`` are the bytes of an earlier message: the person writes again in its thread."""


@dataclass(frozen=True)
class Signing:
    """How deliveries prove where they come from."""

    header: str
    sign: Callable[[bytes, str], str]
    """Header value for a body and a secret."""
    setting: str
    """Name of the setting that holds the secret now."""
    previous_setting: str
    """Name of the setting that holds the one before a rotation."""
    covers_body: bool = True
    """False where the vendor only repeats a shared secret (Telegram)."""
    other_encoding: Callable[[bytes, str], str] | None = None
    """The same proof written in an encoding that this vendor does not use."""


@dataclass(frozen=True)
class Vendor:
    """See the module."""

    account: Callable[[Any], str]
    """The entrance that deliveries go to, from the channel's settings."""
    content_type: str
    message: Compose
    signing: Signing | None = None
    api_setting: str | None = None
    """Name of the setting with the address of the vendor's API, where files are located through it."""
    credential_setting: str | None = None
    """Name of the setting without which that API answers nobody."""
    locate: Callable[[str, Photo], tuple[bytes, str] | None] | None = None
    """What the vendor's API answers to the path of such a request: body and content type; None: 404."""


def vendor_of(channel: str) -> Vendor:
    """The vendor of a channel of the registry."""
    found: Vendor = import_module(f"ingestors.{channel}.vendor").VENDOR
    return found


def png(width: int, height: int) -> bytes:
    """A grey gradient as PNG (W3C PNG, section 5)."""
    steps = width + height - 1
    rows = b"".join(b"\0" + bytes((x + y) * 255 // steps for x in range(width)) for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
