"""Text and files of a mail: which part is the message, what is an attachment (RFC 2046, RFC 3676)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from schemas.item import Attachment

from .charsets import clean, decode_text, file_name
from .headers import words
from .markup import to_text
from .payload import Entity, content

TEXT_BYTES: Final = 512 * 1024
"""Encoded bytes of text parts read from one mail; what is beyond becomes attachments."""
TEXT_CHARS: Final = 200_000
"""Characters of text taken from one mail; a part that is cut is an attachment too, so nothing of it is lost."""

_SIGNATURES: Final = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)


@dataclass
class Body:
    """What a mail says. ``text`` is the sender's, ``forwarded`` the mails attached to it, each with its subject."""

    text: str = ""
    forwarded: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)


def read_body(data: bytes, entity: Entity) -> Body:
    """Text and attachments of a mail. Leaves are numbered from 1 in their order; ``part:N`` refers to them."""
    reader = _Reader(data)
    reader.body.text, _ = reader.read(entity)
    return reader.body


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.body = Body()
        self.budget = TEXT_BYTES
        self.chars = TEXT_CHARS
        self.number = 0

    def read(self, entity: Entity) -> tuple[str, bool]:
        """The text of ``entity`` and whether it comes from HTML only; attachments are collected on the way."""
        if entity.media_type == "message/rfc822" and entity.children:
            inner = entity.children[0]
            text, _ = self.read(inner)
            subject = words(inner.headers.first("subject") or "")
            self.body.forwarded.insert(0, "\n".join(part for part in (subject, text.strip()) if part))
            return "", False
        if not entity.children:
            return self.leaf(entity)
        texts = [found for found in map(self.read, entity.children) if found[0].strip()]
        if not texts:
            return "", False
        if entity.media_type == "multipart/alternative":
            return next((found for found in texts if not found[1]), texts[0])
        return "\n".join(text for text, _ in texts), all(markup for _, markup in texts)

    def leaf(self, entity: Entity) -> tuple[str, bool]:
        self.number += 1
        kind, details = entity.disposition
        name = details.get("filename") or entity.params.get("name")
        readable = entity.media_type in ("text/plain", "text/html") and kind != "attachment" and not name
        size = entity.end - entity.start
        if not readable or self.budget <= 0:
            self.attach(entity, name)
            return "", False
        torn = size > self.budget
        plain = content(self.data, entity, self.budget)
        self.budget -= min(size, self.budget)
        text = clean(decode_text(plain, entity.params.get("charset"), torn=torn))
        if entity.media_type == "text/html":
            return self.taken(entity, to_text(text), torn), True
        text = self.taken(entity, text, torn)
        if entity.params.get("format", "").lower() == "flowed":
            text = _unflowed(text, entity.params.get("delsp", "").lower() == "yes")
        return text, False

    def taken(self, entity: Entity, text: str, torn: bool) -> str:
        """As much of ``text`` as is still allowed; a part that is cut becomes an attachment too."""
        if torn or len(text) > self.chars:
            self.attach(entity, None)
        text = text[: self.chars]
        self.chars -= len(text)
        return text

    def attach(self, entity: Entity, name: str | None) -> None:
        if entity.media_type in _SIGNATURES:
            return
        reference = f"part:{self.number}"
        data = content(self.data, entity)
        self.body.files[reference] = data
        self.body.attachments.append(
            Attachment(
                name=file_name(words(name)) if name else None,
                media_type=entity.media_type,
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                reference=reference,
            )
        )


def _unflowed(text: str, delete_space: bool) -> str:
    """RFC 3676: a line that ends with a space goes on in the next one of the same quote depth."""
    done: list[list[str]] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        quote = re.match(r">*", line)
        depth = quote.end() if quote else 0
        rest = line[depth:].removeprefix(" ")
        flows = rest.endswith(" ") and rest != "-- "
        piece = rest[:-1] if flows and delete_space else rest
        if open_depth == depth and rest != "-- ":
            done[-1].append(piece)
        else:
            done.append([">" * depth + " ", piece] if depth else [piece])
        open_depth = depth if flows else None
    return "\n".join(map("".join, done))
