"""Which topic is seen through which index, and what one record becomes there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from pipeline import headers
from pipeline.errors import InvalidItem
from pipeline.stage import Message
from schemas.base import decode, encode
from schemas.case import Case
from schemas.events import DeadLetter, Reply
from schemas.ids import derived_id
from schemas.topics import CASES, DEADLETTERS, REPLIES

from .document import case_document, letter_document, reply_document, reply_version
from .writer import Operation

UNDECODABLE = "indexer.undecodable"
UNREADABLE_LETTER = "indexer.unreadable-letter"

R = TypeVar("R")

Versioned = tuple[str, int, dict[str, Any]]
"""Id, version and fields of a document."""


@dataclass(frozen=True)
class View:
    """A topic and the alias its documents stand behind. ``template`` names the file in ``data``."""

    topic: str
    alias: str
    template: str
    document: Callable[[Message], Versioned]
    compacted: bool = False
    """An empty value is then Kafka's tombstone and deletes the document of that key."""
    dead_letters: bool = True
    """False where a dead letter about a record would only make another record of the same kind."""

    def operation(self, message: Message, alias: str | None = None) -> Operation:
        """What to write for ``message``, or to delete.

        ``alias`` replaces the view's own while an index is being filled. Raises ``InvalidItem``.
        """
        target = alias or self.alias
        if self.compacted and not message.value:
            return Operation(target, message.key, 0, None, message)
        document_id, version, fields = self.document(message)
        return Operation(target, document_id, version, encode(fields), message)


def _case(message: Message) -> Versioned:
    case = _decoded(message, Case)
    return case.id, case.seq, case_document(case)


def _reply(message: Message) -> Versioned:
    reply = _decoded(message, Reply)
    return reply.id, reply_version(reply), reply_document(reply)


def _letter(message: Message) -> Versioned:
    """A letter that cannot be read is shown by its position, so that no failure is invisible."""
    try:
        letter = decode(message.headers.get(headers.DEAD, ""), DeadLetter)
        fields = letter_document(letter, message.partition, message.offset)
    except (msgspec.DecodeError, InvalidItem):
        letter = _unreadable(message)
        fields = letter_document(letter, message.partition, message.offset)
    return letter.id, letter.attempt, fields


def _unreadable(message: Message) -> DeadLetter:
    return DeadLetter(
        id=derived_id(UNREADABLE_LETTER, message.topic, str(message.partition), str(message.offset)),
        tenant="",
        at=message.timestamp or datetime.fromtimestamp(0, UTC),
        stage="indexer",
        reason=UNREADABLE_LETTER,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
    )


def _decoded(message: Message, kind: type[R]) -> R:
    try:
        return decode(message.value, kind)
    except msgspec.DecodeError as error:
        raise InvalidItem(UNDECODABLE, type(error).__name__) from error


VIEWS: tuple[View, ...] = (
    View(CASES.name, "pengaduan-kasus", "pengaduan-kasus", _case, compacted=True),
    View(REPLIES.name, "pengaduan-jawaban", "pengaduan-jawaban", _reply),
    View(DEADLETTERS.name, "pengaduan-gagal", "pengaduan-gagal", _letter, dead_letters=False),
)
