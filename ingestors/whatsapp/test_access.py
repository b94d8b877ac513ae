"""Files by their media id, and what Meta says of our access."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from ingestors.vendor import Photo, png
from ingestors.whatsapp import CHANNEL, REASONS
from ingestors.whatsapp.graph import Graph
from ingestors.whatsapp.media import WhatsAppMedia, make_media
from ingestors.whatsapp.probe import probe
from ingestors.whatsapp.settings import WhatsAppSettings
from ingestors.whatsapp.vendor import VENDOR
from pipeline.channel import Probe
from pipeline.errors import Backpressure, InvalidItem, TransientError
from schemas.item import Attachment
from tests.channels import FixedClock, MemoryCursors

TOKEN = SecretStr("token-of-the-test")
LOCAL = "http://127.0.0.1:8098/v26.0"
PHOTO = Photo("900000000000001", "http://127.0.0.1:8098/berkas/1", png(4, 4))
FILE = Attachment(media_type="image/jpeg", reference=PHOTO.name)
GONE = {"error": {"message": "Unsupported get request", "code": 100, "error_subcode": 33}}


def settings(**more: Any) -> WhatsAppSettings:
    return WhatsAppSettings(_env_file=None, **more)


def source(answer: httpx.Response | Exception, asked: list[httpx.Request], **more: Any) -> WhatsAppMedia:
    def meta(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return WhatsAppMedia(settings(**more), httpx.AsyncClient(transport=httpx.MockTransport(meta)))


async def test_file_is_found_by_its_id_with_the_token() -> None:
    asked: list[httpx.Request] = []
    url = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=9&ext=1&hash=x"
    answer = httpx.Response(200, json={"url": url, "mime_type": "image/jpeg", "sha256": "00", "file_size": 3})
    found = source(answer, asked, access_token=TOKEN)
    link = await found.locate(FILE, "100000000000001")
    await found.close()
    assert (link.url, link.headers) == (url, {"Authorization": "Bearer token-of-the-test"})
    assert (asked[0].url.path, asked[0].url.query) == (f"/v26.0/{PHOTO.name}", b"phone_number_id=100000000000001")
    assert asked[0].headers["authorization"] == "Bearer token-of-the-test"
    assert (found.hosts, found.lifetime.days) == (("fbsbx.com",), 7)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(404), InvalidItem), (httpx.Response(400, json=GONE), InvalidItem),
        (httpx.Response(401, json={"error": {"code": 190}}), TransientError),
        (httpx.Response(400, json={"error": {"code": 190}}), TransientError),
        (httpx.Response(400, json={"error": {"code": 131052}}), TransientError),
        (httpx.Response(429, headers={"retry-after": "30"}), Backpressure), (httpx.Response(429), Backpressure),
        (httpx.Response(500), TransientError), (httpx.Response(200, content=b"<html>"), TransientError),
        (httpx.Response(200, json={"id": "9"}), TransientError), (httpx.ConnectTimeout("away"), TransientError),
    ],
)  # fmt: skip
async def test_answer_decides_whether_the_file_is_gone_or_late(
    answer: httpx.Response | Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as error:
        await source(answer, [], access_token=TOKEN).locate(FILE, "1")
    assert not isinstance(error.value, InvalidItem) or error.value.reason == "whatsapp.media-gone"


@pytest.mark.parametrize("reference", [None, "", ".", "..", "../me", "a/b", "1?fields=x", "1#", "é", "9" * 300])
async def test_what_is_no_media_id_is_never_asked_for(reference: str | None) -> None:
    asked: list[httpx.Request] = []
    with pytest.raises(InvalidItem, match="media-gone"):
        await source(httpx.Response(200), asked, access_token=TOKEN).locate(Attachment(reference=reference), "1")
    assert asked == []


async def test_development_api_on_loopback_asks_for_no_token() -> None:
    asked: list[httpx.Request] = []
    body = VENDOR.locate(f"/{PHOTO.name}", PHOTO) if VENDOR.locate else None
    assert body is not None
    answer = httpx.Response(200, content=body[0], headers={"content-type": body[1]})
    found = source(answer, asked, graph_url=LOCAL)
    link = await found.locate(FILE, "1")
    assert (link.url, link.headers, "authorization" in asked[0].headers) == (PHOTO.url, {}, False)
    assert "127.0.0.1" in found.hosts
    assert hashlib.sha256(PHOTO.data).hexdigest().encode() in body[0]


def test_vendor_knows_its_file_only() -> None:
    assert VENDOR.locate is not None
    assert VENDOR.locate(f"/v26.0/{PHOTO.name}?phone_number_id=1", PHOTO)
    assert VENDOR.locate("/v26.0/another", PHOTO) is None


def test_files_wait_without_the_token() -> None:
    assert make_media(settings()) is None
    assert make_media(settings(graph_url="https://127.0.0.1.example.com/v26.0")) is None
    assert make_media(settings(graph_url=LOCAL)) is not None
    assert CHANNEL.media is make_media


NUMBER = {"status": "CONNECTED", "quality_rating": "GREEN", "health_status": {"can_send_message": "AVAILABLE"}}
DEBUGGED = {"data": {"app_id": "55", "is_valid": True, "expires_at": 1798761600, "data_access_expires_at": 1806537600}}
SUBSCRIBED = {"data": [{"whatsapp_business_api_data": {"id": "55", "name": "CRM", "link": "https://example.com"}}]}
USAGE = {"x-business-use-case-usage": '{"200000000000001":[{"call_count":12,"total_time":3,"total_cputime":1}]}'}


async def probed(answers: Mapping[str, Any], *, headers: Mapping[str, str] | None = None, **more: Any) -> Probe:
    """``answers``: by the end of the path; a number there is a status with Graph's error of that code."""
    told = {"100000000000001": NUMBER, "debug_token": DEBUGGED, "subscribed_apps": SUBSCRIBED} | dict(answers)

    def meta(request: httpx.Request) -> httpx.Response:
        found = told[request.url.path.rpartition("/")[2]]
        if isinstance(found, tuple):
            return httpx.Response(found[0], json={"error": {"code": found[1]}})
        if isinstance(found, bytes):
            return httpx.Response(200, content=found)
        return httpx.Response(200, json=found, headers=dict(headers or {}))

    kind = settings(access_token=TOKEN, waba_id="200000000000001", **more)
    graph = Graph(kind.graph_url, TOKEN, httpx.AsyncClient(transport=httpx.MockTransport(meta)))
    return await probe(kind, MemoryCursors(), FixedClock(), graph)


async def test_probe_tells_token_subscription_and_budget() -> None:
    assert await probed({}, headers=USAGE) == Probe(
        accepted=True, token_expires_at=datetime(2027, 1, 1, tzinfo=UTC), subscribed=True, used=12, limit=100, unit="%"
    )


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"100000000000001": (401, 190)}, "token-refused"), ({"100000000000001": (400, 100)}, "number-unknown"),
        ({"100000000000001": NUMBER | {"quality_rating": "RED"}}, "quality-low"),
        ({"100000000000001": NUMBER | {"status": "BANNED"}}, "number-stopped"),
        ({"100000000000001": NUMBER | {"health_status": {"can_send_message": "BLOCKED"}}}, "number-stopped"),
        ({"debug_token": {"data": {"is_valid": False}}}, "token-refused"),
        ({"subscribed_apps": {"data": []}}, "not-subscribed"),
        ({"subscribed_apps": {"data": [{"whatsapp_business_api_data": {"id": "66"}}]}}, "not-subscribed"),
    ],
)  # fmt: skip
async def test_probe_names_what_is_wrong(answers: Mapping[str, Any], problem: str) -> None:
    found = await probed(answers)
    assert found.problem == f"whatsapp.{problem}"
    assert found.problem in REASONS
    assert found.accepted is (problem != "token-refused")


async def test_token_that_may_not_see_itself_is_taken_all_the_same() -> None:
    found = await probed({"debug_token": (400, 100)})
    assert (found.accepted, found.token_expires_at, found.subscribed, found.problem) == (True, None, True, None)


@pytest.mark.parametrize("seconds", [0, -1, 10**18])
async def test_token_without_a_sensible_end_has_none(seconds: int) -> None:
    assert (await probed({"debug_token": {"data": {"expires_at": seconds}}})).token_expires_at is None


@pytest.mark.parametrize("answer", [(500, 1), (429, 4), (403, 10), b"<html>", b"[" * 5000])
async def test_silence_of_the_vendor_is_not_an_answer(answer: Any) -> None:
    with pytest.raises(TransientError):
        await probed({"100000000000001": answer})


async def test_without_a_token_there_is_nothing_to_ask() -> None:
    assert CHANNEL.probe is not None
    assert await CHANNEL.probe(settings(), MemoryCursors(), FixedClock()) == Probe()
