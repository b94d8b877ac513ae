"""Answers through the Cloud API: window and template, limits, and what Meta's errors mean for an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from ingestors.graph import TokenRefused
from ingestors.whatsapp import CHANNEL
from ingestors.whatsapp.reply import PAIR_BURST, PAIR_SECONDS, TEXT_LIMIT, WhatsAppSender
from ingestors.whatsapp.settings import WhatsAppSettings
from pipeline.channel import Outgoing
from pipeline.errors import Backpressure, InvalidItem, TransientError
from schemas.item import Author
from tests.channels import NOON, FixedClock, MemoryCursors

ACCOUNT = "100000000000001"
LATE = NOON + timedelta(hours=24, seconds=1)
Answer = tuple[int, Any, dict[str, str]]


def taken(wamid: str = "wamid.ours") -> Answer:
    return 200, {"messaging_product": "whatsapp", "messages": [{"id": wamid}]}, {}


def refusal(status: int, code: int, **headers: str) -> Answer:
    return status, {"error": {"message": "(#1) x", "code": code}}, {k.replace("_", "-"): v for k, v in headers.items()}


@dataclass
class Meta:
    """The Cloud API as an answer sees it: gives the answers in turn, the last one for good."""

    answers: list[Answer]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status, body, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(body, bytes):
            return httpx.Response(status, content=body, headers=headers)
        return httpx.Response(status, json=body, headers=headers)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(one.content) for one in self.requests]


class Desk:
    """A sender before that API, with a clock that its pauses move."""

    def __init__(self, *answers: Answer, handler: Callable[[httpx.Request], httpx.Response] | None = None, **more: Any):
        self.meta = Meta(list(answers or [taken()]))
        self.clock = FixedClock()
        self.pauses: list[float] = []
        settings = WhatsAppSettings(_env_file=None, access_token=SecretStr("token-of-the-test"), **more)
        client = httpx.AsyncClient(transport=httpx.MockTransport(handler or self.meta))
        self.sender = WhatsAppSender(settings, self.clock, client, self.pause)

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.time += timedelta(seconds=seconds)

    async def send(self, **changes: Any) -> str | None:
        return await self.sender.send(outgoing(**changes))


def outgoing(**changes: Any) -> Outgoing:
    fields: dict[str, Any] = {
        "id": "r1", "account": ACCOUNT, "to": Author(id="ID.7", phone="+6281200000001"), "text": "Terima kasih",
        "external_id": "wamid.one", "thread": None, "subject": None, "last_inbound_at": NOON, "now": NOON,
        "number": "JK2611230001", "template": "diterima", "link": "https://crm.contoh.id/lacak/abc",
    }  # fmt: skip
    return Outgoing(**(fields | changes))


async def test_answer_goes_to_the_number_in_reply_to_the_last_message() -> None:
    desk = Desk()
    assert await desk.send() == "wamid.ours"
    (request,), (body,) = desk.meta.requests, desk.meta.bodies
    assert (body["to"], body["context"], body["text"]["body"], body["biz_opaque_callback_data"]) == (
        "6281200000001", {"message_id": "wamid.one"}, "Terima kasih", "r1",
    )  # fmt: skip
    assert request.url.path.endswith(f"/{ACCOUNT}/messages")
    assert request.headers["authorization"] == "Bearer token-of-the-test"


async def test_person_without_a_number_is_answered_by_user_id() -> None:
    desk = Desk()
    await desk.send(to=Author(id="ID.7"))
    (body,) = desk.meta.bodies
    assert (body["recipient"], "to" in body) == ("ID.7", False)


async def test_person_of_a_group_is_answered_alone() -> None:
    """The link speaks for its holder, so it never goes where others read."""
    desk = Desk()
    await desk.send(thread="Y2FwaV9ncm91cDoxNzA1")
    (body,) = desk.meta.bodies
    assert (body["recipient_type"], body["to"], "context" in body) == ("individual", "6281200000001", False)


async def test_closed_window_without_a_template_is_not_even_tried() -> None:
    desk = Desk()
    with pytest.raises(InvalidItem) as refused:
        await desk.send(now=LATE)
    assert (refused.value.reason, desk.meta.requests) == ("whatsapp.window-closed", [])


async def test_last_second_of_the_window_takes_free_text() -> None:
    desk = Desk(template_name="laporan_crm")
    await desk.send(now=NOON + timedelta(hours=24))
    assert desk.meta.bodies[0]["type"] == "text"


async def test_closed_window_takes_the_template_with_number_and_link() -> None:
    desk = Desk(template_name="crm_{kalimat}")
    assert await desk.send(now=LATE) == "wamid.ours"
    (body,) = desk.meta.bodies
    (component,) = body["template"]["components"]
    assert (body["type"], body["template"]["name"], body["template"]["language"]) == (
        "template", "crm_diterima", {"code": "id"},
    )  # fmt: skip
    assert [one["text"] for one in component["parameters"]] == ["JK2611230001", "https://crm.contoh.id/lacak/abc"]
    assert body["biz_opaque_callback_data"] == "r1"


async def test_window_closed_by_meta_s_clock_gets_the_template_once() -> None:
    desk = Desk(refusal(400, 131047), taken("wamid.template"), template_name="laporan_crm")
    assert await desk.send() == "wamid.template"
    assert [one["type"] for one in desk.meta.bodies] == ["text", "template"]
    stubborn = Desk(refusal(400, 131047), template_name="laporan_crm")
    with pytest.raises(InvalidItem) as refused:
        await stubborn.send()
    assert (refused.value.reason, len(stubborn.meta.requests)) == ("whatsapp.window-closed", 2)


async def test_window_closed_by_meta_s_clock_without_a_template_ends() -> None:
    desk = Desk(refusal(400, 131047))
    with pytest.raises(InvalidItem) as refused:
        await desk.send()
    assert (refused.value.reason, len(desk.meta.requests)) == ("whatsapp.window-closed", 1)


async def test_text_over_the_limit_is_not_cut() -> None:
    desk = Desk()
    assert await desk.send(text="A" * TEXT_LIMIT)
    with pytest.raises(InvalidItem, match="reply-too-long"):
        await desk.send(text="A" * (TEXT_LIMIT + 1))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(401, 190), TokenRefused), (refusal(400, 190), TokenRefused), (refusal(401, 0), TransientError),
        (refusal(403, 10), TransientError), (refusal(403, 999), TransientError), (refusal(400, 200), TransientError),
        (refusal(400, 131031), TransientError), (refusal(400, 132015), TransientError),
        (refusal(500, 131000), TransientError),
        (refusal(503, 131016), TransientError), ((502, b"<html>", {}), TransientError),
        ((403, b"<html>proxy", {}), TransientError), ((400, b"", {}), TransientError),
        ((302, b"", {"location": "https://example.com"}), TransientError),
        (refusal(400, 131026), InvalidItem), (refusal(400, 100), InvalidItem), (refusal(404, 100), InvalidItem),
    ],
)  # fmt: skip
async def test_answer_of_meta_decides_the_fate(answer: Answer, kind: type[Exception]) -> None:
    desk = Desk(answer)
    with pytest.raises(kind):
        await desk.send()
    assert len(desk.meta.requests) == 1


async def test_answer_waits_for_a_new_token_and_goes_out_then() -> None:
    desk = Desk(refusal(401, 190), refusal(401, 190), taken())
    for _ in range(2):
        with pytest.raises(TransientError):
            await desk.send()
    assert await desk.send() == "wamid.ours"


REGAIN = json.dumps({"1": [{"type": "messaging", "call_count": 100, "estimated_time_to_regain_access": 3}]})


@pytest.mark.parametrize(
    ("answer", "least", "most"),
    [
        (refusal(429, 0, retry_after="17"), 17, 17), (refusal(429, 130429), 60, 120), (refusal(400, 130429), 60, 120),
        (refusal(429, 4, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), 60, 120),
        (refusal(429, 80007, x_business_use_case_usage=REGAIN), 180, 180),
        (refusal(400, 131056, retry_after="9"), 9, 9), ((429, b"slow down", {}), 60, 120),
        (refusal(429, 4, retry_after="999999"), 3600, 3600), (refusal(429, 4, x_app_usage="{"), 60, 120),
    ],
)  # fmt: skip
async def test_pause_is_what_meta_asks_for_or_a_spread_minute(answer: Answer, least: float, most: float) -> None:
    with pytest.raises(Backpressure) as pause:
        await Desk(answer).send()
    assert least <= pause.value.retry_after <= most


async def test_pauses_for_one_person_grow_by_four_and_end_with_success() -> None:
    pair = refusal(400, 131056)
    desk = Desk(pair, pair, pair, taken(), pair)
    waits: list[float] = []
    for _ in range(5):
        try:
            await desk.send()
        except Backpressure as error:
            waits.append(error.retry_after)
    assert waits == [1, 4, 16, 1]


async def test_pauses_of_one_person_are_not_another_s() -> None:
    desk = Desk(refusal(400, 131056))
    waits = []
    for person in ("ID.7", "ID.8"):
        with pytest.raises(Backpressure) as pause:
            await desk.send(to=Author(id=person))
        waits.append(pause.value.retry_after)
    assert waits == [1, 1]


async def test_more_than_the_burst_to_one_person_waits_its_six_seconds() -> None:
    desk = Desk(messages_per_second=1000)
    for _ in range(PAIR_BURST):
        await desk.send()
    with pytest.raises(Backpressure) as pause:
        await desk.send()
    assert pause.value.retry_after == pytest.approx(PAIR_SECONDS)
    await desk.send(to=Author(id="ID.8"))
    desk.clock.time += timedelta(seconds=PAIR_SECONDS)
    await desk.send()
    assert len(desk.meta.requests) == PAIR_BURST + 2


async def test_throughput_of_the_number_is_kept() -> None:
    desk = Desk(messages_per_second=20)
    for n in range(60):
        await desk.send(to=Author(id=f"ID.{n}"))
    assert sum(desk.pauses) == pytest.approx(2.0, abs=0.01)


async def test_nothing_is_put_off_before_meta_itself_does_so() -> None:
    desk = Desk((*taken()[:2], {"x-app-usage": '{"call_count":97}'}))
    assert [await desk.send() for _ in range(3)] == ["wamid.ours"] * 3


async def test_time_out_is_tried_again() -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("no answer", request=request)

    with pytest.raises(TransientError):
        await Desk(handler=silent).send()


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"[" * 5000, b'{"messages":[]}', b'{"messages":[{"id":null}]}'])
async def test_what_meta_took_is_sent_whatever_its_answer_says(body: bytes) -> None:
    assert await Desk((200, body, {})).send() is None


async def test_without_a_token_nothing_can_be_sent() -> None:
    assert CHANNEL.sender is not None
    assert CHANNEL.sender(WhatsAppSettings(_env_file=None), MemoryCursors(), FixedClock()) is None
