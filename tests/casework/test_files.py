"""A file that is attached takes its place, in whatever order its message and the file come."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from schemas.base import Record
from schemas.ticket import AttachmentRef
from tests.casework.office import CITIZEN, SYSTEM, Office, command, hours, officer, opened, ticket

WAITING = AttachmentRef(media_type="image/jpeg", id="f1")
KEPT = AttachmentRef(media_type="image/png", size=9, blob="b1", id="f1", view="v1")
OTHER = AttachmentRef(media_type="image/jpeg", id="f2")


def attach(*files: AttachmentRef, name: str = "attach-1", **more: Any) -> Record:
    return command("attach", SYSTEM, name, hours(3), evidence=files, **more)


def test_a_file_takes_the_place_of_what_the_message_pointed_at() -> None:
    office = Office()
    case = office.take(ticket(attachments=(OTHER, WAITING)), attach(KEPT))
    assert case.attachments == (OTHER, KEPT)
    assert (case.history[-1].kind, case.history[-1].evidence) == ("attached", (KEPT,))


def test_a_repeated_file_changes_nothing() -> None:
    office = Office()
    once = office.take(ticket(attachments=(WAITING,)), attach(KEPT))
    assert office.take(attach(KEPT)) == once


EVENTS: dict[str, Record] = {
    "opened": ticket(),
    "followup": ticket("followup", attachments=(WAITING, OTHER)),
    "attach": attach(KEPT),
}


@pytest.mark.parametrize("order", list(permutations(EVENTS)))
def test_the_order_of_message_and_file_does_not_matter(order: tuple[str, ...]) -> None:
    office = Office()
    for name in order:
        office.process([office.message(EVENTS[name])])
    assert set(office.case.attachments) == {KEPT, OTHER}
    assert len(office.case.attachments) == 2


@pytest.mark.parametrize("first", ["amended", "attach"])
def test_an_edited_message_keeps_its_file(first: str) -> None:
    edit = ticket("amended", text="Jalan berlubang besar", version=2, attachments=(WAITING,))
    office = Office()
    case = office.take(ticket(), *((edit, attach(KEPT)) if first == "amended" else (attach(KEPT), edit)))
    assert case.attachments == (KEPT,)


def test_an_edit_does_not_take_the_files_of_later_messages() -> None:
    office = Office()
    later = ticket("followup", attachments=(WAITING,))
    case = office.take(ticket(attachments=(OTHER,)), later, attach(KEPT), ticket("amended", text="Lain", version=2))
    assert case.attachments == (KEPT,)


def test_events_from_before_there_were_ids_find_their_file() -> None:
    old = AttachmentRef(media_type="image/jpeg")
    office = Office()
    case = office.take(ticket(attachments=(old, old)), attach(KEPT))
    assert case.attachments == (KEPT, old)


def test_nothing_is_put_back_that_the_citizen_took_away() -> None:
    office = opened()
    case = office.take(ticket("withdrawn"), attach(KEPT))
    assert (case.status, case.attachments, case.history[-1].kind, case.history[-1].evidence) == (
        "dicabut", (), "attached", (),
    )  # fmt: skip


def test_a_file_neither_reopens_nor_answers() -> None:
    office = opened()
    before = office.take(command("close", officer("DBM"), text="Selesai"))
    assert before.status == "selesai"
    after = office.take(attach(KEPT))
    assert (after.status, after.clocks, after.resolved_at, after.question) == (
        before.status, before.clocks, before.resolved_at, before.question,
    )  # fmt: skip


def test_only_the_system_attaches() -> None:
    office = opened()
    office.take(command("attach", CITIZEN, evidence=(KEPT,)))
    assert (office.facts[-1].reason, office.case.attachments) == ("wrong-role", ())
