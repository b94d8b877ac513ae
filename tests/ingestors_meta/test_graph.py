"""The Graph client: what each answer of Meta means, budgets, paging."""

from __future__ import annotations

import json

import httpx
import pytest

from ingestors.graph import Refused, TokenRefused, usage
from pipeline.errors import Backpressure, TransientError
from tests.ingestors_meta.double import GraphDouble, failure

BUSY = json.dumps({"call_count": 90, "total_time": 20, "total_cputime": 3})
REGAIN = json.dumps({"1000": [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 7}]})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failure(190, 401, 463), TokenRefused),
        (failure(190, 400), TokenRefused),
        (failure(102), TokenRefused),
        (httpx.Response(401, text="no json"), TokenRefused),
        (failure(1, 500), TransientError),
        (failure(2, 503), TransientError),
        (httpx.Response(502, text="<html>"), TransientError),
        (httpx.Response(302, headers={"location": "https://elsewhere.example"}), TransientError),
        (failure(10, 403), TransientError),
        (failure(200, 403), TransientError),
        (failure(100, 400), Refused),
        (failure(10, 400, 2018278), Refused),
        (failure(551, 400), Refused),
        (httpx.ReadTimeout("slow"), TransientError),
        (httpx.ConnectError("away"), TransientError),
    ],
)
async def test_what_an_answer_means(answer: httpx.Response | Exception, kind: type[Exception]) -> None:
    double = GraphDouble(fails={1: answer})
    with pytest.raises(kind) as caught:
        await double.graph().get("1")
    assert type(caught.value) is kind


@pytest.mark.parametrize("code", [4, 17, 32, 613, 80001, 80002, 80006])
async def test_throttling_by_code_waits_as_told_or_about_a_minute(code: int) -> None:
    double = GraphDouble(fails={1: failure(code), 2: failure(code, retry_after="120")})
    with pytest.raises(Backpressure) as untold:
        await double.graph().get("1")
    with pytest.raises(Backpressure) as told:
        await double.graph().get("1")
    assert 60 <= untold.value.retry_after <= 120
    assert told.value.retry_after == 120


async def test_throttling_waits_until_the_business_case_gets_access_again() -> None:
    double = GraphDouble(fails={1: failure(80001, 400, x_business_use_case_usage=REGAIN)})
    with pytest.raises(Backpressure) as caught:
        await double.graph().get("1")
    assert caught.value.retry_after == 420


@pytest.mark.parametrize("asked", ["soon", "-5", "9" * 40, "1e9", ""])
async def test_status_429_with_a_strange_pause_is_still_a_pause(asked: str) -> None:
    double = GraphDouble(fails={1: httpx.Response(429, headers={"retry-after": asked})})
    with pytest.raises(Backpressure) as caught:
        await double.graph().get("1")
    assert 1 <= caught.value.retry_after <= 3600


@pytest.mark.parametrize("header", ["", "7", "[", '{"call_count":"x"}', "[" * 50_000])
def test_usage_headers_that_are_not_as_documented_say_nothing(header: str) -> None:
    assert usage({"x-app-usage": header, "x-business-use-case-usage": header}) == (None, 0.0)


async def test_above_80_per_cent_each_call_waits_first() -> None:
    double = GraphDouble(answers={"1": {}}, headers={"X-App-Usage": BUSY})
    api = double.graph()
    await api.get("1")
    assert (api.used, double.slept) == (90, [])
    await api.get("1")
    assert len(double.slept) == 1
    assert 20 < double.slept[0] < 40


async def test_a_sender_near_the_limit_is_put_off_once_instead_of_waiting() -> None:
    full = json.dumps({"1000": [{"type": "messenger", "call_count": 97}]})
    double = GraphDouble(answers={"1": {}}, headers={"X-Business-Use-Case-Usage": full})
    api = double.graph(waits=False)
    await api.get("1")
    with pytest.raises(Backpressure):
        await api.get("1")
    await api.get("1")
    assert len(double.calls) == 2


async def test_pages_are_followed_without_the_token_of_their_addresses() -> None:
    double = GraphDouble(edges={"1/feed": [{"id": str(n)} for n in range(5)]})
    pages = [page async for page in double.graph().pages("1/feed", fields="id")]
    assert [len(page.data) for page in pages] == [2, 2, 1]
    assert [query["fields"] for _, _, query in double.calls] == ["id"] * 3


async def test_an_edge_that_gives_cursors_only_is_read_to_its_end() -> None:
    double = GraphDouble(edges={"1/tags": [{"id": str(n)} for n in range(4)]}, bare_cursors=frozenset({"1/tags"}))
    pages = [page async for page in double.graph().pages("1/tags", by_cursor=True)]
    assert sum(len(page.data) for page in pages) == 4


async def test_pages_that_lead_in_a_circle_end_as_an_error() -> None:
    circle = {"data": [{"id": "1"}], "paging": {"next": "https://graph.facebook.com/v26.0/1/feed?after=x"}}
    double = GraphDouble(answers={"1/feed": circle})
    with pytest.raises(TransientError):
        _ = [page async for page in double.graph().pages("1/feed")]
    assert len(double.calls) < 5


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"data":7}', b"[" * 100_000])
async def test_what_is_no_page_never_counts_as_listed(body: bytes) -> None:
    double = GraphDouble(answers={"1/feed": httpx.Response(200, content=body)})
    with pytest.raises(TransientError):
        await double.graph().page("1/feed")
