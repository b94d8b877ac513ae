"""What may be seen of a case, a reply and a dead letter, and what may not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from indexer.document import case_document, letter_document, reply_document, reply_version
from indexer.templates import load
from indexer.views import UNDECODABLE, UNREADABLE_LETTER, VIEWS
from pipeline.errors import InvalidItem
from schemas.base import encode
from schemas.case import Actor, Case, ClockDue
from schemas.events import DeadLetter, Reply
from schemas.ticket import Place
from tests.indexer.doubles import START, make_case, make_fact, make_message

CASES, REPLIES, LETTERS = VIEWS


def make_reply(**changes: Any) -> Reply:
    base: dict[str, Any] = {
        "id": "jawab1", "tenant": "jakarta", "at": START, "ticket_id": "tiket1", "number": "JK2611230001",
        "channel": "whatsapp", "account": "1029384756", "recipient": "p-rahasia", "template": "terima",
        "state": "queued", "text": "Laporan diterima: {tautan}", "cause": "fakta1", "scope": "pelapor",
    }  # fmt: skip
    return Reply(**(base | changes))


def make_letter(**changes: Any) -> DeadLetter:
    base: dict[str, Any] = {
        "id": "mati1", "tenant": "jakarta", "at": START, "stage": "router", "reason": "router.x",
        "topic": "crm.tickets", "partition": 2, "offset": 40,
    }  # fmt: skip
    return DeadLetter(**(base | changes))


def mapped(template: str, fields: dict[str, Any]) -> None:
    unknown = set(fields) - set(load(template).mappings["properties"])
    assert not unknown, f"the strict mapping of {template} would refuse {unknown}"


def test_a_case_shows_place_category_unit_and_times() -> None:
    document = case_document(make_case(subject="Lampu"))
    mapped("pengaduan-kasus", document)
    assert document["location"] == {"lat": -6.2345, "lon": 106.8123}
    assert (document["category_code"], document["category_confidence"]) == ("lampu-jalan", 0.8)
    assert (document["unit"], document["kelurahan"], document["seq"]) == ("DBM", "Selong", 3)
    assert document["clocks"] == {"due_koordinasi": START + timedelta(hours=6), "state_koordinasi": "running"}


def test_the_author_stands_nowhere_in_the_document() -> None:
    case = make_case(
        history=(
            make_fact("received", 1, author="p-rahasia"),
            make_fact("answered", 2, actor=Actor(role="citizen", account="p-rahasia"), author="p-rahasia"),
        )
    )
    assert b"p-rahasia" not in encode(case_document(case))


def test_the_stored_case_is_the_whole_case_otherwise() -> None:
    case = make_case(history=(make_fact("accepted", 1, actor=Actor(role="officer", account="petugas7")),))
    stored = msgspec.convert(msgspec.to_builtins(case_document(case)["case"]), Case)
    assert stored == msgspec.structs.replace(case, author=None)


def test_a_case_of_which_little_is_known_has_no_empty_fields() -> None:
    bare = make_case(place=None, category=None, intent=None, unit=None, unit_name=None, clocks=(), due_at=None)
    document = case_document(bare)
    mapped("pengaduan-kasus", document)
    assert None not in document.values()
    assert not {"location", "category_code", "unit", "clocks", "minutes_to_resolve", "rating"} & set(document)


@pytest.mark.parametrize("place", [Place(method="text", confidence=0.5, lat=-6.2), Place(method="none", confidence=0)])
def test_half_a_coordinate_is_no_location(place: Place) -> None:
    assert "location" not in case_document(make_case(place=place))


@pytest.mark.parametrize(
    ("status", "is_open", "review"),
    [("tinjauan", True, True), ("menunggu_warga", True, False), ("selesai", False, False), ("dicabut", False, False)],
)
def test_open_and_review_follow_the_status(status: str, is_open: bool, review: bool) -> None:
    document = case_document(make_case(status=status))
    assert (document["open"], document["review"]) == (is_open, review)


def test_a_deadline_met_late_stays_breached_until_it_is_retracted() -> None:
    met = ClockDue(clock="koordinasi", due_at=START, started_at=START, state="met")
    missed = make_fact("sla_breached", 2, clock="koordinasi")
    assert case_document(make_case(clocks=(met,), history=(missed,)))["breached"] is True
    retracted = make_fact("sla_retracted", 3, clock="koordinasi")
    assert case_document(make_case(clocks=(met,), history=(missed, retracted)))["breached"] is False
    running_late = ClockDue(clock="lurah", due_at=START, started_at=START, state="breached")
    assert case_document(make_case(clocks=(running_late,), history=()))["breached"] is True


def test_spans_count_from_receipt_to_the_earliest_action() -> None:
    history = (
        make_fact("received", 1),
        make_fact("forwarded", 2, at=START + timedelta(minutes=90)),
        make_fact("accepted", 3, at=START + timedelta(minutes=30, seconds=30)),
    )
    document = case_document(make_case(history=history, resolved_at=START + timedelta(days=1)))
    assert document["minutes_to_first_action"] == 30.5
    assert document["minutes_to_resolve"] == 1440


def test_an_action_dated_before_the_receipt_took_no_time() -> None:
    early = make_fact("accepted", 2, at=START - timedelta(minutes=5))
    assert case_document(make_case(history=(early,)))["minutes_to_first_action"] == 0


@pytest.mark.parametrize("changes", [{"id": "x" * 513}, {"id": ""}, {"seq": -1}])
def test_ids_and_versions_that_would_block_a_whole_request_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidItem) as refusal:
        case_document(make_case(**changes))
    assert refusal.value.reason == "indexer.unmappable"


def test_a_reply_shows_no_recipient() -> None:
    document = reply_document(make_reply(error="OutsideWindow"))
    mapped("pengaduan-jawaban", document)
    assert "p-rahasia" not in document.values()


def test_the_version_of_a_reply_grows_with_attempt_and_state() -> None:
    walk = [("queued", 0), ("failed", 1), ("failed", 2), ("sent", 2), ("queued", 3), ("given_up", 3)]
    versions = [reply_version(make_reply(state=state, attempt=attempt)) for state, attempt in walk]
    assert versions == sorted(set(versions))


def test_a_letter_says_where_it_came_from_and_where_it_lies() -> None:
    document = letter_document(make_letter(detail="ValueError at stage.py:3"), partition=1, offset=12)
    mapped("pengaduan-gagal", document)
    assert (document["topic"], document["partition"], document["offset"]) == ("crm.tickets", 2, 40)
    assert (document["letter_partition"], document["letter_offset"]) == (1, 12)


def test_the_letter_is_read_from_its_header_not_from_its_sealed_value() -> None:
    headers = {"tanggap_dead": encode(make_letter(attempt=2)).decode()}
    operation = LETTERS.operation(make_message(b"\x00sealed", topic="crm.deadletters", headers=headers))
    assert (operation.id, operation.version, operation.index) == ("mati1", 2, "pengaduan-gagal")


@pytest.mark.parametrize("headers", [{}, {"tanggap_dead": "{"}, {"tanggap_dead": encode(make_letter(id="")).decode()}])
def test_a_letter_that_cannot_be_read_is_shown_all_the_same(headers: dict[str, str]) -> None:
    operation = LETTERS.operation(make_message(b"\x00", topic="crm.deadletters", headers=headers, offset=99))
    assert operation.source is not None
    document = msgspec.json.decode(operation.source)
    mapped("pengaduan-gagal", document)
    assert (document["reason"], document["letter_offset"]) == (UNREADABLE_LETTER, 99)


@pytest.mark.parametrize("value", [b"", b"not json", b"{}", b'{"id": 3}'])
def test_a_reply_that_is_none_is_an_invalid_item(value: bytes) -> None:
    with pytest.raises(InvalidItem) as refusal:
        REPLIES.operation(make_message(value, topic="crm.replies"))
    assert refusal.value.reason == UNDECODABLE


def test_a_tombstone_deletes_the_case_of_its_key() -> None:
    operation = CASES.operation(make_message(b"", key="tiket9"))
    assert (operation.id, operation.source) == ("tiket9", None)


def test_a_case_is_written_under_its_id_and_sequence() -> None:
    operation = CASES.operation(make_message(encode(make_case(seq=12))), alias="pengisian")
    assert (operation.index, operation.id, operation.version) == ("pengisian", "tiket1", 12)
