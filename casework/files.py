"""Files of a ticket: what was fetched or prepared takes the place of what the message only pointed at."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from schemas.case import Case
from schemas.ticket import AttachmentRef


def attach(case: Case, files: Iterable[AttachmentRef]) -> Case:
    """The case with ``files`` in their places; one without a place (its message has not come yet) stands at the end.

    The citizen who withdrew took the files along: nothing is put back.
    """
    if withdrawn(case):
        return case
    held = list(case.attachments)
    for file in files:
        place = _place(held, file)
        if place is None:
            held.append(file)
        else:
            held[place] = file
    return msgspec.structs.replace(case, attachments=tuple(held))


def with_fetched(case: Case, files: Iterable[AttachmentRef]) -> tuple[AttachmentRef, ...]:
    """``files`` of a message, those as they were fetched that were attached before the message's event came."""
    known = {
        file.id: file
        for fact in case.history
        if fact.kind == "attached"
        for file in fact.evidence
        if file.id is not None
    }
    return tuple(known.get(file.id or "", file) for file in files)


def amended(case: Case, files: Iterable[AttachmentRef]) -> tuple[AttachmentRef, ...]:
    """Files of a newer version of the complaint, and those that later messages added: an edit leaves them."""
    fresh = with_fetched(case, files)
    mine = {file.id for file in fresh}
    added = {
        file.id for fact in case.history if fact.kind in {"followup", "answered"} for file in fact.evidence if file.id
    }
    return (*fresh, *(file for file in case.attachments if file.id in added and file.id not in mine))


def joined(case: Case, files: Iterable[AttachmentRef]) -> tuple[AttachmentRef, ...]:
    """The case's files and those of one more message, each once."""
    mine = {file.id for file in case.attachments if file.id is not None}
    more = tuple(file for file in with_fetched(case, files) if file.id is None or file.id not in mine)
    return (*case.attachments, *more)


def withdrawn(case: Case) -> bool:
    """Whether the citizen took the complaint back."""
    return any(fact.kind == "withdrawn" for fact in case.history)


def _place(held: list[AttachmentRef], file: AttachmentRef) -> int | None:
    """By id, else by blob, else the first that still waits and has no id: events of before there were ids."""
    for place, one in enumerate(held):
        if one.id is not None and one.id == file.id:
            return place
    for place, one in enumerate(held):
        if one.id is None and (one.blob is None or one.blob == file.blob):
            return place
    return None
