"""Answers on X, through a double of its API."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from ingestors.x import CHANNEL
from ingestors.x.reply import XSender, sender, weighted_length
from ingestors.x.settings import XSettings
from pipeline.channel import Outgoing
from pipeline.errors import Backpressure, InvalidItem, TransientError
from schemas.item import Author
from tests.channels import FixedClock, MemoryCursors

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CREDENTIALS = {"consumer_key": "demo-key", "access_token": "demo-token", "access_token_secret": "demo-token-secret"}


def settings(**values: Any) -> XSettings:
    return XSettings.model_validate(values)


def reply(text: str = "Laporan JK2611230001 diterima", external_id: str | None = "42") -> Outgoing:
    return Outgoing(
        id="r1", account="1000000001", to=Author(id="1544000000000000101"), text=text, external_id=external_id,
        thread=None, subject=None, last_inbound_at=None,
    )  # fmt: skip


@pytest.fixture
def cursors() -> MemoryCursors:
    return MemoryCursors()


@pytest.fixture
def xsender(double: Any, cursors: MemoryCursors) -> XSender:
    return XSender(settings(api_base=double.base, timeout_seconds=5, **CREDENTIALS), cursors, FixedClock(NOW))


async def test_answers_under_the_post(double: Any, xsender: XSender) -> None:
    assert await xsender.send(reply()) == "777"
    ((method, path, _, headers, body),) = double.calls
    assert (method, path) == ("POST", "/2/tweets")
    assert body == {"text": "Laporan JK2611230001 diterima", "reply": {"in_reply_to_tweet_id": "42"}}
    assert headers["authorization"].startswith("OAuth ")
    assert 'oauth_token="demo-token"' in headers["authorization"]


async def test_a_private_message_is_never_answered_in_public(double: Any, xsender: XSender) -> None:
    assert await xsender.send(reply(external_id="dm:43")) == "dm:888"
    ((_, path, _, _, body),) = double.calls
    assert path == "/2/dm_conversations/with/1544000000000000101/messages"
    assert body == {"text": "Laporan JK2611230001 diterima"}


async def test_the_citizens_own_link_goes_in_private_even_when_a_post_came_last(double: Any, xsender: XSender) -> None:
    await xsender.send(dataclasses.replace(reply(external_id="42"), private=True))
    ((_, path, _, _, _),) = double.calls
    assert path == "/2/dm_conversations/with/1544000000000000101/messages"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (reply(external_id=None), "x.reply-not-possible"),
        (reply("a" * 281), "x.reply-too-long"),
        (reply("你" * 141), "x.reply-too-long"),
        (reply("a" * 10_001, "dm:43"), "x.reply-too-long"),
    ],
    ids=["nothing to answer", "letters", "wide letters", "message"],
)
async def test_what_cannot_be_sent_is_not_tried(double: Any, xsender: XSender, message: Outgoing, reason: str) -> None:
    with pytest.raises(InvalidItem) as failed:
        await xsender.send(message)
    assert failed.value.reason == reason
    assert double.calls == []


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (403, b'{"detail":"You are not allowed to create a Tweet with duplicate content."}', "x.reply-duplicate"),
        (403, b'{"detail":"You are not permitted to perform this action."}', "x.reply-not-allowed"),
        (400, b'{"errors":[{"message":"Invalid Request"}]}', "x.reply-rejected"),
    ],
)
async def test_final_refusals(
    double: Any, answer: Any, xsender: XSender, status: int, body: bytes, reason: str
) -> None:
    double.faults = [answer(status, body=body)]
    with pytest.raises(InvalidItem) as failed:
        await xsender.send(reply())
    assert failed.value.reason == reason


@pytest.mark.parametrize(
    ("headers", "wait"),
    [({"x-rate-limit-reset": str(int(NOW.timestamp()) + 120)}, 120.0), ({"retry-after": "7"}, 7.0), ({}, 60.0)],
)
async def test_rate_limit_asks_for_a_pause(
    double: Any, answer: Any, xsender: XSender, headers: dict[str, str], wait: float
) -> None:
    double.faults = [answer(429, headers)]
    with pytest.raises(Backpressure) as paused:
        await xsender.send(reply())
    assert paused.value.retry_after == wait


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (500, {}, b"{}"),
        (503, {}, b"<html>"),
        (401, {}, b"{}"),
        (502, {}, b"[]"),
        (429, {"x-rate-limit-reset": "x"}, b"{}"),
    ],
)
async def test_what_may_pass_is_tried_again(
    double: Any, answer: Any, xsender: XSender, status: int, headers: dict[str, str], body: bytes
) -> None:
    double.faults = [answer(status, headers, body)]
    with pytest.raises(TransientError):
        await xsender.send(reply())
    assert await xsender.send(reply()) == "777"


async def test_x_away_is_tried_again(cursors: MemoryCursors) -> None:
    away = XSender(settings(api_base="http://127.0.0.1:9", timeout_seconds=1, **CREDENTIALS), cursors, FixedClock(NOW))
    with pytest.raises(TransientError):
        await away.send(reply())


async def test_taken_without_an_id_is_not_sent_again(double: Any, answer: Any, xsender: XSender) -> None:
    double.faults = [answer(201, body=b"thanks")]
    assert await xsender.send(reply()) is None


@pytest.mark.parametrize("missing", CREDENTIALS)
def test_without_credentials_there_is_no_sender(missing: str) -> None:
    assert sender(settings(**CREDENTIALS), MemoryCursors(), FixedClock(NOW)) is not None
    assert sender(settings(**{**CREDENTIALS, missing: ""}), MemoryCursors(), FixedClock(NOW)) is None


def test_public_answers_are_marked_as_such() -> None:
    assert CHANNEL.public_replies is True


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("abc", 3),
        ("é", 1),
        ("e\u0301", 1),
        ("你", 2),
        ("🙏", 2),
        ("lihat https://tanggap.example/lacak/abcdefghijklmnop", 29),
    ],
)
def test_length_counts_as_x_does(text: str, length: int) -> None:
    assert weighted_length(text) == length


# The month's budget

ANSWERS = ("x", "budget:answers")
LINK = "Laporan JK2611230001 diterima, pantau di https://tanggap.example/lacak/abc"


@pytest.mark.parametrize(
    ("text", "external_id", "cost"),
    [
        ("Laporan JK2611230001 diterima", "42", 15),
        (LINK, "42", 200),
        ("Pantau di tanggap.jakarta.go.id ya", "42", 200),
        ("Diterima", "dm:43", 15),
    ],
)
async def test_an_answer_is_counted_at_its_price(
    double: Any, cursors: MemoryCursors, xsender: XSender, text: str, external_id: str, cost: int
) -> None:
    await xsender.send(reply(text, external_id))
    assert cursors.values[ANSWERS] == f"2026-11 {cost}"


async def test_at_the_cap_the_desk_is_told_and_nothing_is_sent(double: Any, cursors: MemoryCursors) -> None:
    values = {**CREDENTIALS, "api_base": double.base, "monthly_answer_dollars": 0.42}
    sending = XSender(settings(**values), cursors, FixedClock(NOW))
    outcomes = await asyncio.gather(*(sending.send(reply(LINK)) for _ in range(5)), return_exceptions=True)
    assert [one.reason for one in outcomes if isinstance(one, InvalidItem)] == ["x.budget-spent"] * 3
    assert len(double.calls) == 2
    assert await sending.send(reply()) == "777"
    with pytest.raises(InvalidItem, match=r"x\.budget-spent"):
        await sending.send(reply())
    assert cursors.values[ANSWERS] == "2026-11 415"


@pytest.mark.parametrize(
    ("status", "body"), [(403, b'{"detail":"not permitted"}'), (400, b"{}"), (429, b"{}"), (401, b"{}"), (402, b"{}")]
)
async def test_what_x_did_not_take_costs_nothing(
    double: Any, answer: Any, cursors: MemoryCursors, xsender: XSender, status: int, body: bytes
) -> None:
    double.faults = [answer(status, body=body)]
    with pytest.raises((InvalidItem, TransientError)):
        await xsender.send(reply(LINK))
    assert cursors.values[ANSWERS] == "2026-11 0"


async def test_an_answer_of_unknown_fate_is_counted_once_however_often_it_is_tried(
    double: Any, answer: Any, cursors: MemoryCursors, xsender: XSender
) -> None:
    double.faults = [answer(503), answer(500), answer(429), answer(401)]
    for _ in range(4):
        with pytest.raises(TransientError):
            await xsender.send(reply(LINK))
    assert cursors.values[ANSWERS] == "2026-11 200"
    assert await xsender.send(reply(LINK)) == "777"
    assert cursors.values[ANSWERS] == "2026-11 200"


async def test_an_answer_that_had_arrived_after_all_stays_counted(
    double: Any, answer: Any, cursors: MemoryCursors, xsender: XSender
) -> None:
    double.faults = [answer(503), answer(403, body=b'{"detail":"duplicate content"}')]
    with pytest.raises(TransientError):
        await xsender.send(reply(LINK))
    with pytest.raises(InvalidItem, match=r"x\.reply-duplicate"):
        await xsender.send(reply(LINK))
    assert cursors.values[ANSWERS] == "2026-11 200"


async def test_somebody_who_takes_no_messages_from_us(double: Any, answer: Any, xsender: XSender) -> None:
    double.faults = [answer(403, body=b'{"detail":"You cannot send messages to this user."}')]
    with pytest.raises(InvalidItem, match=r"x\.reply-not-allowed"):
        await xsender.send(reply(external_id="dm:43"))
