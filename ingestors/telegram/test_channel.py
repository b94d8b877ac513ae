"""Telegram: what updates become, however they are bent, and answers, files and probe. Golden pairs: tests/contract."""

from __future__ import annotations

import copy
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ingestors.telegram import CHANNEL, REASONS
from ingestors.telegram.media import TelegramFiles, make_files
from ingestors.telegram.probe import probe
from ingestors.telegram.reply import TelegramSender
from ingestors.telegram.settings import TelegramSettings
from ingestors.telegram.vendor import VENDOR
from ingestors.vendor import Photo
from pipeline import log
from pipeline.channel import Outgoing, Probe, Raw
from pipeline.errors import Backpressure, InvalidItem, TransientError
from schemas.base import encode
from schemas.item import Attachment, Author, Decoded, Item
from tests.channels import FixedClock, MemoryCursors

FIXTURES = Path(__file__).parent / "fixtures"
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
BOT = "7000000001"
TOKEN = f"{BOT}:token-of-the-tests"
TEXT: dict[str, Any] = json.loads((FIXTURES / "message_v10_text.json").read_bytes())
INPUTS = [json.loads(path.read_bytes()) for path in sorted(FIXTURES.glob("*_v10*.json")) if "expected" not in path.name
          and "surrogate" not in path.name]  # fmt: skip
ANYTHING: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from(["\0", "\ud83d", "", " ", "A" * 70_000, 10**40, -1]) | st.just([]) | st.just({}) | st.just([{}])
)  # fmt: skip


def only(body: bytes) -> Decoded:
    (part,) = CHANNEL.decode(Raw("telegram", BOT, body, "application/json", NOW))
    return part.decoded


def said(name: str = "message", **changes: Any) -> Decoded:
    return only(json.dumps({"update_id": 1, name: TEXT["message"] | changes}).encode())


def item_of(line: Decoded) -> Item:
    assert line.item is not None
    return line.item


def test_redelivery_keeps_its_key_and_an_edit_has_its_own() -> None:
    assert said().key == said().key
    edits = [said("edited_message", edit_date=1795403000 + n) for n in range(2)]
    assert len({said().key, *(one.key for one in edits)}) == 3
    assert 1 < item_of(edits[0]).version < item_of(edits[1]).version
    assert {item_of(one).root for one in edits} == {item_of(said()).external_id}


def test_message_id_is_unique_in_its_chat_only() -> None:
    group = {"id": -100123, "type": "supergroup", "title": "Warga"}
    assert said(chat=group).key != said().key
    assert (item_of(said(chat=group)).public, item_of(said()).public) == (True, False)


@pytest.mark.parametrize(
    "text", ["/start", "/start x", "/batal", "/bantuan@contoh_bot", "/lapor", "/lapor@contoh_bot "]
)
def test_commands_are_no_complaints(text: str) -> None:
    assert (said(text=text).outcome, said(text=text).reason) == ("note", "telegram.command")


@pytest.mark.parametrize("text", ["/ jalan rusak", "//", "Rp/kg naik", "/lapor jalan rusak", "/jalan-rusak"])
def test_words_behind_a_slash_stay(text: str) -> None:
    assert said(text=text).outcome == "complaint"


@pytest.mark.parametrize("date", [-1, 10**12, 10**30, "besok", None])
def test_absurd_time_is_dead(date: Any) -> None:
    assert said(date=date).reason == "telegram.unreadable"


def test_position_off_the_globe_is_none_and_its_words_stay() -> None:
    spot = {"latitude": 91.0, "longitude": 106.8}
    found = item_of(said(text=None, location=spot, venue={"location": spot, "title": "Halte Contoh", "address": ""}))
    assert (found.location.lat, found.location.text) == (None, "Halte Contoh")


@pytest.mark.parametrize("offset", [0, 3, 400, 65_000])
def test_link_whose_position_lies_outside_the_text_harms_nothing(offset: int) -> None:
    entity = {"type": "text_link", "offset": offset, "length": 500, "url": "https://contoh.id"}
    assert said(entities=[entity]).outcome == "complaint"


@pytest.mark.parametrize("body", [b"", b"null", b"[" * 100_000, b'{"update_id":1,"message":' + b"[" * 100_000, b"\xff"])
def test_what_is_no_update_is_dead(body: bytes) -> None:
    assert (only(body).outcome, only(body).reason) == ("dead", "telegram.unreadable")


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [found for key, value in pairs for found in [(*path, key), *places(value, (*path, key))]]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_bent_field_makes_decode_raise(data: st.DataObject) -> None:
    document = copy.deepcopy(data.draw(st.sampled_from(INPUTS)))
    *way, last = data.draw(st.sampled_from(places(document)))
    parent = document
    for step in way:
        parent = parent[step]
    if data.draw(st.booleans()):
        del parent[last]
    else:
        parent[last] = data.draw(ANYTHING)
    line = only(json.dumps(document).encode())
    assert line.reason in REASONS or (line.reason is None and line.outcome == "complaint")
    assert encode(line)


class Telegram(httpx.AsyncBaseTransport):
    """The Bot API's answers by method; what was asked is kept."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        method = request.url.path.rpartition("/")[2]
        self.asked.append((method, dict(httpx.QueryParams(request.content.decode()))))
        found = self.answers[method]
        answer = found.pop(0) if isinstance(found, list) else found
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return httpx.Response(status, json=body)


def ok(result: Any) -> tuple[int, Any]:
    return 200, {"ok": True, "result": result}


def refusal(code: int, text: str, **parameters: Any) -> tuple[int, Any]:
    return code, {"ok": False, "error_code": code, "description": text, "parameters": parameters}


SENT = ok({"message_id": 9, "date": 1, "chat": {"id": 600100200, "type": "private"}, "text": "x"})


def configured(**changes: Any) -> TelegramSettings:
    return TelegramSettings(_env_file=None, **({"bot_token": TOKEN} | changes))


def outgoing(**changes: Any) -> Outgoing:
    fields: dict[str, Any] = {
        "id": "r1", "account": BOT, "to": Author(id="600100200"), "text": "Terima kasih", "external_id": "600100200:1",
        "thread": None, "subject": None, "last_inbound_at": NOW, "now": NOW,
    }  # fmt: skip
    return Outgoing(**(fields | changes))


async def sent(api: Telegram, *messages: Outgoing) -> list[str | None]:
    sender = TelegramSender(configured(), TOKEN, api)
    try:
        return [await sender.send(one) for one in messages or (outgoing(),)]
    finally:
        await sender.close()


async def test_answer_stands_below_the_last_message_in_its_chat() -> None:
    api = Telegram(sendMessage=SENT)
    assert await sent(api) == ["600100200:9"]
    ((_, fields),) = api.asked
    assert (fields["chat_id"], fields["text"]) == ("600100200", "Terima kasih")
    assert json.loads(fields["reply_parameters"]) == {"message_id": 1, "allow_sending_without_reply": True}


async def test_answer_follows_a_group_that_became_a_supergroup() -> None:
    api = Telegram(sendMessage=[refusal(400, "group upgraded", migrate_to_chat_id=-1005), SENT])
    await sent(api, outgoing(external_id="-55:1"))
    assert [fields["chat_id"] for _, fields in api.asked] == ["-55", "-1005"]
    assert "reply_parameters" not in api.asked[1][1]


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (refusal(429, "Too Many Requests", retry_after=17), Backpressure, None),
        (refusal(403, "Forbidden: bot was blocked by the user"), InvalidItem, "telegram.blocked"),
        (refusal(400, "Bad Request: chat not found"), InvalidItem, "telegram.refused"),
        (refusal(401, "Unauthorized"), TransientError, None),
        (refusal(404, "Not Found"), TransientError, None),
        (refusal(502, "Bad Gateway"), TransientError, None),
        ((200, {"ok": True, "result": {}}), TransientError, None),
        (httpx.ReadTimeout("slow"), TransientError, None),
        (httpx.ConnectError("away"), TransientError, None),
    ],
)
async def test_answer_of_telegram_decides_the_fate(answer: Any, kind: type[Exception], reason: str | None) -> None:
    with pytest.raises(kind) as raised:
        await sent(Telegram(sendMessage=answer))
    assert getattr(raised.value, "reason", None) == reason
    assert TOKEN not in repr(raised.value)
    assert raised.value.__cause__ is None
    assert not isinstance(raised.value, Backpressure) or raised.value.retry_after == 17


async def test_limits_of_a_chat_and_of_a_group_are_kept() -> None:
    api = Telegram(sendMessage=SENT)
    with pytest.raises(Backpressure):
        await sent(api, outgoing(), outgoing())
    with pytest.raises(Backpressure):
        await sent(api, *[outgoing(external_id="-5:1")] * 21)
    assert len(api.asked) == 21


async def test_people_beyond_telegram_and_long_answers_are_refused() -> None:
    api = Telegram(sendMessage=SENT)
    for message in (outgoing(external_id=None, to=Author(id="siti")), outgoing(text="A" * 4097)):
        with pytest.raises(InvalidItem):
            await sent(api, message)
    assert api.asked == []


async def located(answer: Any, found: Attachment | None = None) -> str:
    files = TelegramFiles(configured(), TOKEN, Telegram(getFile=answer))
    try:
        return (await files.locate(found or Attachment(reference="AgAC1", size=5), BOT)).url
    finally:
        await files.close()


async def test_file_is_located_at_the_host_of_the_api() -> None:
    url = await located(ok({"file_id": "AgAC1", "file_unique_id": "a", "file_path": "photos/file 1.jpg"}))
    assert url == f"https://api.telegram.org/file/bot{TOKEN}/photos/file%201.jpg"
    assert list(TelegramFiles(configured(), TOKEN).hosts) == ["api.telegram.org"]


@pytest.mark.parametrize(
    ("answer", "found", "reason"),
    [
        (None, Attachment(reference="a", size=20 * 1024 * 1024 + 1), "telegram.file-too-large"),
        (None, Attachment(), "telegram.file-gone"),
        (refusal(400, "Bad Request: file is too big"), None, "telegram.file-too-large"),
        (refusal(400, "Bad Request: invalid file_id"), None, "telegram.file-gone"),
        (ok({"file_id": "a", "file_unique_id": "a", "file_path": "/etc/hosts"}), None, "telegram.file-gone"),
        (ok({"file_id": "a", "file_unique_id": "a", "file_path": "../../bot/x"}), None, "telegram.file-gone"),
        (ok({"file_id": "a", "file_unique_id": "a"}), None, "telegram.file-gone"),
    ],
)
async def test_file_that_cannot_be_had(answer: Any, found: Attachment | None, reason: str) -> None:
    with pytest.raises(InvalidItem) as raised:
        await located(answer, found)
    assert raised.value.reason == reason


async def test_file_of_the_demo_is_found_without_a_token() -> None:
    """The demo plays Telegram on loopback with what ``VENDOR`` knows."""
    photo = Photo("foto.png", "http://127.0.0.1:8098/telegram/files/foto.png", b"PNG")
    assert VENDOR.locate is not None

    class Demo(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            assert VENDOR.locate is not None
            path = request.url.path.removeprefix("/telegram")
            found = VENDOR.locate(f"{path}?{request.content.decode()}", photo)
            return httpx.Response(200, content=found[0]) if found else httpx.Response(404, json={"ok": False})

    demo = TelegramSettings(_env_file=None, api_url="http://127.0.0.1:8098/telegram")
    assert make_files(demo) is not None
    files = TelegramFiles(demo, f"{BOT}:loopback", Demo())
    url = (await files.locate(Attachment(reference="foto.png"), BOT)).url
    await files.close()
    assert list(files.hosts) == ["127.0.0.1"]
    assert VENDOR.locate(url.removeprefix("http://127.0.0.1:8098/telegram"), photo) == (b"PNG", "image/png")


async def test_no_address_with_the_token_reaches_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        log.configure("responder", "debug")
        await sent(Telegram(sendMessage=SENT))
        for answer in (refusal(401, "Unauthorized"), httpx.ConnectError("away")):
            with pytest.raises(TransientError):
                await sent(Telegram(sendMessage=answer))
    finally:
        root.handlers[:], root.level = handlers, level
        structlog.reset_defaults()
    said = capfd.readouterr()
    assert TOKEN.partition(":")[2] not in said.out + said.err


async def test_file_is_tried_again_while_telegram_is_away() -> None:
    for answer in (refusal(500, "x"), refusal(400, "Bad Request: file is temporarily unavailable")):
        with pytest.raises(TransientError):
            await located(answer)


ME = ok({"id": int(BOT), "is_bot": True, "first_name": "Tanggap"})


def hook(**changes: Any) -> tuple[int, Any]:
    outline = {"url": "https://contoh.id/webhooks/telegram", "has_custom_certificate": False, "pending_update_count": 0}
    return ok(outline | changes)


@pytest.mark.parametrize(
    ("me", "info", "accepted", "problem"),
    [
        (ME, hook(), True, None),
        (ME, hook(url=""), True, "telegram.no-webhook"),
        (
            ME,
            hook(pending_update_count=3, last_error_date=1, last_error_message="503"),
            True,
            "telegram.webhook-failing",
        ),
        (ME, hook(last_error_date=1, last_error_message="503"), True, None),
        (ME, refusal(409, "Conflict: terminated by other getUpdates request"), True, "telegram.conflict"),
        (refusal(401, "Unauthorized"), hook(), False, "telegram.token-refused"),
    ],
)
async def test_probe(me: Any, info: Any, accepted: bool, problem: str | None) -> None:
    api = Telegram(getMe=me, getWebhookInfo=info)
    found = await probe(configured(), MemoryCursors(), FixedClock(), api)
    assert (found.accepted, found.problem) == (accepted, problem)
    assert problem is None or problem in REASONS


async def test_without_a_token_nothing_is_asked_sent_or_fetched() -> None:
    bare = TelegramSettings(_env_file=None)
    assert CHANNEL.sender is not None
    assert CHANNEL.media is not None
    assert CHANNEL.sender(bare, MemoryCursors(), FixedClock()) is None
    assert CHANNEL.media(bare) is None
    assert await probe(bare, MemoryCursors(), FixedClock()) == Probe()


def test_token_of_another_bot_is_refused() -> None:
    with pytest.raises(ValidationError, match="another bot"):
        configured(bot_token="7000000002:x")
