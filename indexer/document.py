"""What stands in the index of a case, a reply and a dead letter. Pure: records in, documents out.

No author stands in any document, not even as a pseudonym: whoever may search must not be able to follow one person
through the city (DESIGN, promise 8). Pages that need the person ask the vault, which logs it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from pipeline.errors import InvalidItem
from schemas.case import Actor, Case, Fact
from schemas.events import DeadLetter, Reply, ReplyState

UNMAPPABLE = "indexer.unmappable"
MAX_ID = 512
"""Bytes of a document id; a longer one makes Elasticsearch refuse the whole bulk request, not the one document."""

CLOSED = frozenset({"selesai", "dicabut"})
ACTIONS = frozenset({"accepted", "forwarded", "progressed", "asked", "extended", "resolved"})
"""Facts by which a unit shows that it has taken up a ticket."""

_STATE_RANK: dict[ReplyState, int] = {"queued": 0, "failed": 1, "given_up": 2, "recorded": 3, "sent": 4}


def case_document(case: Case) -> dict[str, Any]:
    """The document of index ``pengaduan-kasus``; its version is ``case.seq``. Instants in UTC, spans in minutes.

    ``case`` holds the whole case for pages, without its author; it is stored and not searchable.
    Raises ``InvalidItem`` for an id or a sequence number that Elasticsearch cannot take.
    """
    _check(case.id, case.seq)
    place = case.place
    return _present({
        "ticket_id": case.id,
        "number": case.number,
        "tenant": case.tenant,
        "seq": case.seq,
        "status": case.status,
        "open": case.status not in CLOSED,
        "review": case.status == "tinjauan",
        "breached": _breached(case),
        "unit": case.unit,
        "unit_name": case.unit_name,
        "channel": case.channel,
        "account": case.account,
        "category_code": case.category and case.category.value,
        "category_confidence": case.category and case.category.confidence,
        "intent": case.intent and case.intent.value,
        "kelurahan": place and place.kelurahan,
        "kelurahan_code": place and place.kelurahan_code,
        "kecamatan": place and place.kecamatan,
        "kota": place and place.kota,
        "location": _location(case),
        "place_method": place and place.method,
        "received_at": case.received_at,
        "opened_at": case.opened_at,
        "updated_at": case.at,
        "due_at": case.due_at,
        "resolved_at": case.resolved_at,
        "rating": case.rating,
        "minutes_to_first_action": _minutes(case.received_at, _first_action(case)),
        "minutes_to_resolve": _minutes(case.received_at, case.resolved_at),
        "subject": case.subject,
        "text": case.text,
        "clocks": _clocks(case),
        "case": _without_people(case),
    })  # fmt: skip


def reply_document(reply: Reply) -> dict[str, Any]:
    """The document of index ``pengaduan-jawaban``; the recipient's pseudonym stays out. Raises ``InvalidItem``."""
    version = reply_version(reply)
    _check(reply.id, version)
    return _present({
        "reply_id": reply.id,
        "tenant": reply.tenant,
        "at": reply.at,
        "ticket_id": reply.ticket_id,
        "number": reply.number,
        "channel": reply.channel,
        "account": reply.account,
        "template": reply.template,
        "state": reply.state,
        "scope": reply.scope,
        "cause": reply.cause,
        "attempt": reply.attempt,
        "error": reply.error,
        "text": reply.text,
    })  # fmt: skip


def reply_version(reply: Reply) -> int:
    """Grows with the attempt, and within one attempt from ``queued`` to ``sent``."""
    return reply.attempt * len(_STATE_RANK) + _STATE_RANK[reply.state]


def letter_document(letter: DeadLetter, partition: int, offset: int) -> dict[str, Any]:
    """The document of index ``pengaduan-gagal``; its version is the attempt.

    ``partition`` and ``offset`` are the letter's own on ``crm.deadletters``: there its sealed bytes are found again.
    Raises ``InvalidItem``.
    """
    _check(letter.id, letter.attempt)
    return _present({
        "letter_id": letter.id,
        "tenant": letter.tenant,
        "at": letter.at,
        "stage": letter.stage,
        "reason": letter.reason,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "attempt": letter.attempt,
        "channel": letter.channel,
        "detail": letter.detail,
        "letter_partition": partition,
        "letter_offset": offset,
    })  # fmt: skip


def _check(document_id: str, version: int) -> None:
    if not 0 < len(document_id.encode()) <= MAX_ID:
        raise InvalidItem(UNMAPPABLE, "length of the id")
    if version < 0:
        raise InvalidItem(UNMAPPABLE, "negative version")


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _location(case: Case) -> dict[str, float] | None:
    place = case.place
    if place is None or place.lat is None or place.lon is None:
        return None
    return {"lat": place.lat, "lon": place.lon}


def _clocks(case: Case) -> dict[str, Any] | None:
    """Due instant and state by clock name; of a clock that ran again, the last run."""
    flat: dict[str, Any] = {}
    for clock in case.clocks:
        flat[f"due_{clock.clock}"] = clock.due_at
        flat[f"state_{clock.clock}"] = clock.state
    return flat or None


def _breached(case: Case) -> bool:
    """Whether a deadline was missed and not retracted since. A clock met late is still a breach, so history counts."""
    missed: set[str] = set()
    for fact in case.history:
        if fact.clock is None:
            continue
        if fact.kind == "sla_breached":
            missed.add(fact.clock)
        elif fact.kind == "sla_retracted":
            missed.discard(fact.clock)
    return bool(missed) or any(clock.state == "breached" for clock in case.clocks)


def _first_action(case: Case) -> datetime | None:
    """Event time of the first action; facts are in order of recording, which need not be order of happening."""
    return min((fact.at for fact in case.history if fact.kind in ACTIONS), default=None)


def _minutes(start: datetime, end: datetime | None) -> float | None:
    """0 where an officer's clock says that the action came before the receipt."""
    if end is None:
        return None
    return round(max(0.0, (end - start).total_seconds()) / 60, 2)


def _without_people(case: Case) -> Case:
    return msgspec.structs.replace(case, author=None, history=tuple(map(_anonymous, case.history)))


def _anonymous(fact: Fact) -> Fact:
    actor = fact.actor
    if actor is not None and actor.role == "citizen":
        actor = Actor(role="citizen")
    return msgspec.structs.replace(fact, author=None, actor=actor)
