"""What the normalizer says of a ticket, and the router of its unit."""

from __future__ import annotations

import msgspec

from schemas.case import Actor, Case, FactKind
from schemas.ticket import Assignment, Place, TicketEvent

from .commands import enter
from .facts import SYSTEM, Said
from .files import amended, joined, withdrawn

OLDER_VERSION = "older-version"
"""``Fact.reason`` of an amendment that came after a newer one: it is recorded, the text stays."""

_TAKEN_IN_HAND: frozenset[FactKind] = frozenset(
    {"assigned", "accepted", "forwarded", "progressed", "extended", "resolved"}
)
_LOCATED = frozenset({"polygon", "nearest"})


def on_opened(event: TicketEvent) -> tuple[Case, Said]:
    """A new case. The fact ``received`` is dated when the city had the complaint: clocks run from then."""
    case = Case(
        id=event.ticket_id,
        tenant=event.tenant,
        at=event.received_at,
        number=event.number,
        seq=0,
        status="menunggu",
        channel=event.channel,
        account=event.account,
        received_at=event.received_at,
        opened_at=event.at,
        author=event.author,
        public=event.public,
        subject=event.subject,
        text=event.text,
        attachments=event.attachments,
    )
    said = Said(kind="received", at=event.received_at, actor=_citizen(event), source_event=event.id)
    return _read(case, event), said


def on_ticket_event(case: Case, event: TicketEvent, version: int) -> tuple[Case, Said, int]:
    """A message that joined the ticket, an edit, or the citizen's deletion; and the version of the text from now on.

    ``version`` is that of the text in ``case``. Another ``opened`` of the same ticket is an edit of its text.
    """
    if event.kind == "followup":
        return (*_followup(case, event), version)
    if event.kind == "withdrawn":
        return (*_withdrawn(case, event), version)
    if event.version <= version:
        said = Said(kind="amended", at=event.at, actor=_citizen(event), source_event=event.id, reason=OLDER_VERSION)
        return case, said, version
    if not withdrawn(case):
        files = amended(case, event.attachments)
        case = msgspec.structs.replace(case, subject=event.subject, text=event.text, attachments=files)
        case = _read(case, event)
    return case, Said(kind="amended", at=event.at, actor=_citizen(event), source_event=event.id), event.version


def _followup(case: Case, event: TicketEvent) -> tuple[Case, Said]:
    """Text and files of the message go into the fact; it never reopens a closed ticket by itself.

    While the agency waits for the citizen, a message of the same author is the answer: people reply where they were
    asked. A place that came as a point a message later is taken when the case has none.
    """
    answers = case.status == "menunggu_warga" and event.author is not None and event.author == case.author
    said = Said(
        kind="answered" if answers else "followup",
        at=event.at,
        actor=_citizen(event),
        text=event.text or None,
        evidence=event.attachments,
        source_event=event.id,
    )
    case = msgspec.structs.replace(case, attachments=joined(case, event.attachments))
    if event.reading is not None and _better(event.reading.place, case.place):
        case = msgspec.structs.replace(case, place=event.reading.place)
    return (enter(case, "proses") if answers else case), said


def _withdrawn(case: Case, event: TicketEvent) -> tuple[Case, Said]:
    """The citizen's words and files go, case and history stay. Work that was finished stays finished."""
    case = msgspec.structs.replace(case, subject=None, text="", attachments=())
    if case.status != "selesai":
        case = enter(case, "dicabut")
    return case, Said(kind="withdrawn", at=event.at, actor=_citizen(event), source_event=event.id)


def on_assignment(case: Case, assignment: Assignment) -> tuple[Case, Said]:
    """The router's choice. It never takes a ticket from people.

    The first one routes the ticket or sends it to the desk. A later one, after an edit, routes it anew only while
    nobody has taken it in hand; otherwise, or when it changes nothing, it is noted as a suggestion. Doubt takes no
    ticket from the unit that has it.
    """
    first = assignment.opd[0] if assignment.decision == "assigned" and assignment.opd else None
    said = Said(kind="noted", at=assignment.at, actor=SYSTEM)
    if not _still_the_routers(case) or (first is None and case.unit is not None):
        suggestion = first.name if first else "perlu tinjauan petugas"
        return case, msgspec.structs.replace(said, text=f"Usulan rute otomatis: {suggestion}.")
    case = msgspec.structs.replace(case, candidates=assignment.opd, route_reasons=assignment.reasons)
    if first is None:
        if case.status != "menunggu":
            return case, msgspec.structs.replace(said, text="Rute diperiksa lagi: tetap perlu tinjauan petugas.")
        return enter(case, "tinjauan"), msgspec.structs.replace(said, kind="review")
    if first.code == case.unit:
        return case, msgspec.structs.replace(said, text=f"Rute diperiksa lagi: tetap {first.name}.")
    case = msgspec.structs.replace(case, unit=first.code, unit_name=first.name)
    return enter(case, "menunggu"), msgspec.structs.replace(said, kind="routed")


def _still_the_routers(case: Case) -> bool:
    if case.status not in {"tinjauan", "menunggu", "menunggu_warga"}:
        return False
    return not any(fact.kind in _TAKEN_IN_HAND for fact in case.history)


def _read(case: Case, event: TicketEvent) -> Case:
    reading = event.reading
    if reading is None:
        return case
    return msgspec.structs.replace(
        case, intent=reading.intent, category=reading.category, place=reading.place, language=reading.language.value
    )


def _better(new: Place, old: Place | None) -> bool:
    return new.method in _LOCATED and (old is None or old.method not in _LOCATED)


def _citizen(event: TicketEvent) -> Actor:
    return Actor(role="citizen", account=event.author)
