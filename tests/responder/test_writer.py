"""Which fact makes which message."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import InvalidItem
from pipeline.stage import Message
from responder.wording import LINK, load
from responder.writer import replies_of
from schemas.base import encode
from schemas.case import Fact
from schemas.events import Reply
from schemas.topics import PROGRESS
from tests.responder.desk import fact

ANSWERED = {"whatsapp", "x", "email"}


def message(value: bytes) -> Message:
    return Message(PROGRESS.name, 0, 1, "t1", value)


def written(*facts: Fact) -> list[Reply]:
    return replies_of([message(encode(one)) for one in facts], load(), ANSWERED)


@pytest.mark.parametrize(
    ("kind", "template"), [("received", "diterima"), ("asked", "pertanyaan"), ("resolved", "selesai")]
)
def test_fact_that_the_citizen_hears_of(kind: str, template: str) -> None:
    (reply,) = written(fact(kind, text="Sudah diperbaiki", unit_name="Dinas Bina Marga"))
    assert (reply.template, reply.state, reply.scope, reply.cause) == (template, "queued", "pelapor", f"f-{kind}")
    assert "JK2611230001" in reply.text
    assert LINK in reply.text


@pytest.mark.parametrize(
    "kind", ["routed", "assigned", "accepted", "noted", "attached", "refused", "sla_breached", "rated"]
)
def test_fact_that_stays_inside(kind: Any) -> None:
    assert written(fact(kind)) == []


def test_same_fact_makes_the_same_message() -> None:
    first, again = written(fact(), fact())
    assert first == again
    assert first.id != written(fact("asked"))[0].id


@pytest.mark.parametrize("kind", ["asked", "resolved"])
def test_public_form_never_quotes_and_carries_the_weaker_link(kind: str) -> None:
    (reply,) = written(fact(kind, channel="x", public=True, text="RAHASIA warga"))
    assert "RAHASIA" not in reply.text
    assert reply.scope == "lihat"


def test_private_form_quotes_the_officer() -> None:
    (reply,) = written(fact("asked", text="Di nomor berapa?", unit_name="Dinas Bina Marga"))
    assert "Di nomor berapa?" in reply.text
    assert "Dinas Bina Marga" in reply.text


def test_counter_is_answered_by_its_slip() -> None:
    assert written(fact(channel="counter")) == []


@pytest.mark.parametrize("value", [b"", b"{}", b"null", b'{"kind":"received"}', b"\xff"])
def test_what_is_no_fact_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidItem, match="not-a-fact"):
        replies_of([message(value)], load(), ANSWERED)
