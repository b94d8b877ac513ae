"""What Meta's decoders share: reading one element apart, ids, times, plain text, and how outcomes are named."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from pipeline.channel import Part
from schemas.item import Attachment, Author, Decoded, Item, Outcome

T = TypeVar("T")
Id = str | int
"""Meta documents ids as text, and has sent them as numbers."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNKNOWN = "unknown:"
"""Before the message's id: the author of a message that Meta gives without one. Nobody else gets that id."""
_CONTROLS = dict.fromkeys((*range(9), *range(11, 32), 127))
_MILLISECONDS = 10**11
"""Unix seconds reach this in the year 5138; anything above is milliseconds."""
_TYPES = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "audio": "audio/mp4",
    "ig_reel": "video/mp4",
    "reel": "video/mp4",
}
_SUFFIXES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
    "heic": "image/heic", "mp4": "video/mp4", "mov": "video/quicktime", "m4a": "audio/mp4", "mp3": "audio/mpeg",
    "aac": "audio/aac", "ogg": "audio/ogg", "pdf": "application/pdf", "txt": "text/plain",
}  # fmt: skip
"""What Meta's addresses end in; the machine's own table of types would make decoding differ between machines."""


def read(data: msgspec.Raw | bytes, kind: type[T]) -> T | None:
    """The struct in ``data``; None where there is nothing of that shape."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (ValueError, RecursionError):
        return None


def read_all(elements: Iterable[msgspec.Raw] | None, kind: type[T]) -> list[T]:
    """Those elements that have the shape."""
    return [found for one in elements or () if (found := read(one, kind)) is not None]


def plain(text: str | None) -> str | None:
    """Without control characters (a NUL stops databases and terminals alike); None when nothing is left."""
    return (text or "").translate(_CONTROLS).strip() or None


def ident(value: Id | None) -> str | None:
    """An id as text."""
    return plain(str(value)) if value is not None else None


def instant(value: str | int | None, otherwise: datetime) -> datetime:
    """Unix seconds, Unix milliseconds, or ISO 8601 with any offset; ``otherwise`` for what no calendar holds."""
    text = str(value)
    if re.fullmatch(r"[0-9]{1,14}", text):
        number = int(text)
        return EPOCH + (timedelta(milliseconds=number) if number >= _MILLISECONDS else timedelta(seconds=number))
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else otherwise
    except (ValueError, OverflowError):
        return otherwise


def file_at(url: str | None, kind: str, name: str | None = None) -> Attachment | None:
    """A file that the vendor serves at ``url``; its type by the address, else by ``kind`` (image, video, audio)."""
    address = plain(url)
    if address is None:
        return None
    try:
        path = urlsplit(address).path
    except ValueError:
        return None
    guessed = _SUFFIXES.get(path.rpartition(".")[2].lower()) or _TYPES.get(kind, "application/octet-stream")
    return Attachment(name=name, media_type=guessed, reference=address)


def files(found: Iterable[Attachment | None]) -> tuple[Attachment, ...]:
    """Those that are there, each address once, in order."""
    return tuple({one.reference: one for one in found if one is not None}.values())


@dataclass(frozen=True)
class Source:
    """Where an element came from; makes its parts. Keys are ``channel:account:id``."""

    channel: str
    account: str
    received_at: datetime

    def part(self, outcome: Outcome, name: str, reason: str | None, item: Item | None = None) -> Part:
        """``reason`` without the channel's name."""
        code = f"{self.channel}.{reason}" if reason else None
        return Part(Decoded(outcome=outcome, key=f"{self.channel}:{self.account}:{name}", reason=code, item=item))

    def unnamed(self, outcome: Outcome, data: msgspec.Raw | bytes, reason: str) -> Part:
        """What has no id of its own is named by its bytes, so that a redelivery keeps its key."""
        return self.part(outcome, f"sha256-{digest(data)}", reason)

    def dead(self, data: msgspec.Raw | bytes) -> Part:
        """What cannot be read; its bytes are kept."""
        return self.unnamed("dead", data, "unreadable")

    def item(self, external_id: str, author: Author, text: str | None, sent_at: datetime, **more: Any) -> Item:
        """An item of this entrance; ``more`` are further fields of ``Item``."""
        return Item(
            channel=self.channel,
            account=self.account,
            external_id=external_id,
            author=author,
            text=plain(text) or "",
            sent_at=sent_at,
            **more,
        )

    def nobody(self, external_id: str, name: str | None = None, handle: str | None = None) -> Author:
        """The author of a message that came without one (missing permission): the complaint is kept all the same."""
        return Author(id=f"{UNKNOWN}{external_id}", name=plain(name), handle=plain(handle))


def digest(data: msgspec.Raw | bytes) -> str:
    """128 bits of the bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()[:32]


def edit_version(at: datetime) -> int:
    """Where the vendor does not number edits, the newest by its time wins; always above the original's 1."""
    return max(2, int(at.timestamp()))


class Listing(msgspec.Struct):
    """A page of the vendor's own listing, as our catch-up hands it over (``listing``)."""

    history: str
    """What is listed."""
    account: str
    data: list[msgspec.Raw]
    thread: str | None = None
    """The post or medium whose comments these are."""


def listing(history: str, account: str, data: Iterable[msgspec.Raw], thread: str | None = None) -> bytes:
    """The bytes of a :class:`Listing`; the elements stay as the vendor wrote them."""
    return msgspec.json.encode(Listing(history, account, list(data), thread))
