"""Counters: a submitted form is kept once and becomes one complaint of the citizen, not of the officer."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.counter import CHANNEL, REASONS, CounterForm, form_from, submit
from pipeline.channel import Raw
from pipeline.errors import Rejected, Unavailable
from schemas.item import Decoded
from tests.channels import FixedClock, MemoryCursors

FIXTURES = Path(__file__).parent / "fixtures"
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
FIELDS: dict[str, str | None] = {
    "form_id": "0b9f6a52-4f0e-4c62-9d5c-6f4b1a2c3d4e",
    "desk": "BALAIKOTA",
    "officer": "acc-7f3a",
    "text": "Lampu jalan mati.",
    "received_at": "2026-11-20T09:30:00+07:00",
    "phone": None,
}


def decoded(body: bytes) -> list[Decoded]:
    return [part.decoded for part in CHANNEL.decode(Raw("counter", "BALAIKOTA", body, "application/json", NOW))]


class Intake:
    def __init__(self, away: bool = False) -> None:
        self.raws: list[Raw] = []
        self.away = away

    async def accept(self, raw: Raw) -> None:
        if self.away:
            raise Unavailable("Kafka is away")
        self.raws.append(raw)

    async def dead(self, raw: Raw, reason: str) -> None:
        raise AssertionError(reason)


def form(**changes: Any) -> CounterForm:
    return form_from({**FIELDS, **changes}, NOW)


async def test_submitted_form_is_kept_whole_and_decodes_to_its_key() -> None:
    intake = Intake()
    key = await submit(form(confidential="true", address="Jl. Contoh 1"), intake, NOW)
    (raw,) = intake.raws
    assert (raw.channel, raw.account, raw.content_type, raw.received_at) == (
        "counter", "BALAIKOTA", "application/json", NOW,
    )  # fmt: skip
    assert (json.loads(raw.body)["confidential"], json.loads(raw.body)["address"]) == (True, "Jl. Contoh 1")
    (line,) = decoded(raw.body)
    assert (line.outcome, line.key, line.reason) == ("complaint", key, None)


async def test_sending_a_form_twice_gives_one_key() -> None:
    intake = Intake()
    assert await submit(form(), intake, NOW) == await submit(form(), intake, NOW + timedelta(minutes=1))


async def test_forms_of_one_visit_have_their_own_keys() -> None:
    other = form(form_id="0b9f6a52-4f0e-4c62-9d5c-6f4b1a2c3d4f")
    assert await submit(form(), Intake(), NOW) != await submit(other, Intake(), NOW)


async def test_clocks_count_from_the_paper_not_from_the_typing() -> None:
    intake = Intake()
    await submit(form(), intake, NOW)
    item = decoded(intake.raws[0].body)[0].item
    assert item is not None
    assert item.sent_at == datetime(2026, 11, 20, 2, 30, tzinfo=UTC)


async def test_officer_never_becomes_the_author() -> None:
    for changes in ({}, {"phone": "0812 0000 0001"}, {"email": "Siti@contoh.id"}):
        item = decoded(msgspec.json.encode(form(**changes)))[0].item
        assert item is not None
        assert "acc-7f3a" not in msgspec.json.encode(item).decode()


@pytest.mark.parametrize("spelling", ["0812 0000 0001", "+62 812-0000-0001", "6281200000001", "(0812) 00000001"])
def test_one_telephone_is_one_person_however_it_is_written(spelling: str) -> None:
    item = decoded(msgspec.json.encode(form(phone=spelling)))[0].item
    assert item is not None
    assert (item.author.id, item.author.phone) == ("counter:+6281200000001", "+6281200000001")


def test_without_telephone_and_mail_each_form_is_its_own_person() -> None:
    item = decoded(msgspec.json.encode(form()))[0].item
    assert item is not None
    assert item.author.id == f"counter:{FIELDS['form_id']}"


@pytest.mark.parametrize(
    "received",
    [NOW + timedelta(minutes=6), NOW - timedelta(days=367), NOW + timedelta(days=365)],
    ids=["ahead", "over a year ago", "wrong year"],
)
async def test_impossible_receipt_is_refused(received: datetime) -> None:
    intake = Intake()
    with pytest.raises(Rejected) as refused:
        await submit(form(received_at=received.isoformat()), intake, NOW)
    assert (refused.value.status, refused.value.reason) == (400, "counter.date")
    assert intake.raws == []


async def test_receipt_a_year_ago_in_another_zone_is_taken() -> None:
    received = (NOW - timedelta(days=365)).astimezone(timezone(timedelta(hours=7)))
    assert await submit(form(received_at=received.isoformat()), Intake(), NOW)


async def test_broker_away_is_told_to_the_portal() -> None:
    with pytest.raises(Unavailable):
        await submit(form(), Intake(away=True), NOW)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("form_id", None), ("form_id", "short"), ("form_id", "a b c d e f g h i j"), ("desk", ""), ("officer", None),
        ("text", " \n "), ("text", "a" * 5001), ("phone", "12345"), ("phone", "tidak ada"), ("email", "siti"),
        ("lat", "91"), ("lon", "timur"), ("received_at", "kemarin"), ("received_at", "2026-11-20T09:30:00"),
        ("kelurahan_code", "3174071003"), ("category", "Lampu Jalan"), ("confidential", "mungkin"),
    ],
)  # fmt: skip
def test_wrong_field_is_named_and_never_quoted(field: str, value: str | None) -> None:
    with pytest.raises(Rejected) as refused:
        form(**{field: value})
    assert (refused.value.status, refused.value.reason) == (400, "counter.form")
    assert refused.value.detail.startswith(f"{field} ")
    assert not value or len(value) < 6 or value not in refused.value.detail


def test_coordinates_may_come_as_text() -> None:
    assert (form(lat="-6.2369", lon="106.8081").lat, form(lat="-6.2369", lon="106.8081").lon) == (-6.2369, 106.8081)


@given(st.binary(max_size=300))
def test_no_bytes_make_decode_raise(body: bytes) -> None:
    assert [line.reason for line in decoded(body)] == ["counter.unreadable"]


@given(
    st.sampled_from(sorted(CounterForm.__struct_fields__)),
    st.none() | st.integers() | st.floats(allow_nan=False) | st.text() | st.lists(st.text(max_size=3), max_size=3),
)
def test_no_single_wrong_field_makes_decode_raise(field: str, value: Any) -> None:
    document = json.loads((FIXTURES / "form_v1_full_backdated_friday.json").read_bytes()) | {field: value}
    (line,) = decoded(json.dumps(document).encode())
    assert line.outcome == "complaint" or line.reason in REASONS


@given(st.from_regex(r"\A\+?[0-9][0-9 ().-]{5,30}\Z"))
def test_no_telephone_makes_decode_raise(phone: str) -> None:
    document = json.loads((FIXTURES / "form_v1_full_backdated_friday.json").read_bytes()) | {"phone": phone}
    assert len(decoded(json.dumps(document).encode())) == 1


@pytest.mark.parametrize("body", [b"", b"null", b"[" * 100_000, b"\xff", b'{"form_id":1}'])
def test_what_is_no_form_is_dead(body: bytes) -> None:
    (line,) = decoded(body)
    assert (line.outcome, line.reason, line.item) == ("dead", "counter.unreadable", None)


def test_nothing_is_ever_sent() -> None:
    assert CHANNEL.sender is not None
    assert CHANNEL.sender(CHANNEL.settings(), MemoryCursors(), FixedClock()) is None
