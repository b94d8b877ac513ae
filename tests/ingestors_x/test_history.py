"""X's listing as the nightly comparison reads it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from ingestors.budget import BudgetSpent
from ingestors.x import CHANNEL
from ingestors.x.history import XHistory, history
from ingestors.x.settings import XSettings
from pipeline.channel import Raw
from pipeline.errors import Backpressure, TransientError
from tests.channels import FixedClock, MemoryCursors

from .conftest import ACCOUNT, NOW, Answer, XDouble, post_id


def look(double: XDouble, **values: Any) -> XHistory:
    values = {"bearer_token": "demo-bearer", "api_base": double.base, "timeout_seconds": 5, **values}
    found = history(XSettings.model_validate(values), MemoryCursors(), FixedClock(NOW))
    assert found is not None
    return found


async def read(source: XHistory, hours: float) -> list[Raw]:
    return [raw async for raw in source.pages(NOW - timedelta(hours=hours))]


@pytest.mark.parametrize("count", [250, 1300])
async def test_everything_of_the_window_comes_with_the_webhooks_keys(double: XDouble, count: int) -> None:
    double.page_size = 100
    double.ids = [post_id(NOW - timedelta(minutes=2 * number), number) for number in range(count)]
    raws = await read(look(double), 48)
    keys = [part.decoded.key for raw in raws for part in CHANNEL.decode(raw)]
    assert sorted(keys) == sorted(f"x:{ACCOUNT}:{one}" for one in double.ids)
    assert {raw.meta["source"] for raw in raws} == ({"mentions", "search"} if count > 800 else {"mentions"})


async def test_only_the_window_is_read(double: XDouble) -> None:
    double.ids = [post_id(NOW - timedelta(hours=hours)) for hours in (1, 47, 49)]
    raws = await read(look(double), 48)
    assert [int(post["id"]) for raw in raws for post in json.loads(raw.body)["data"]] == double.ids[:2]


async def test_nothing_is_no_page(double: XDouble) -> None:
    assert await read(look(double), 48) == []


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        (Answer(429, {"x-rate-limit-reset": str(int(NOW.timestamp()) + 200)}), 200.0),
        (Answer(429), 60.0),
        (Answer(401), None),
        (Answer(402), None),
        (Answer(503, body=b"<html>"), None),
        (Answer(429, {"x-rate-limit-reset": "soon"}), None),
        (Answer(200, body=b"<html>"), None),
    ],
)
async def test_what_stops_a_look_is_to_be_tried_again(double: XDouble, fault: Answer, wait: float | None) -> None:
    double.ids = [post_id(NOW - timedelta(hours=hours)) for hours in (1, 2, 3)]
    double.faults = [None, fault]
    with pytest.raises(TransientError) as stopped:
        await read(look(double), 48)
    assert (stopped.value.retry_after if isinstance(stopped.value, Backpressure) else None) == wait


async def test_x_away_is_to_be_tried_again(double: XDouble) -> None:
    with pytest.raises(TransientError):
        await read(look(double, api_base="http://127.0.0.1:9"), 48)


async def test_looking_back_stops_at_the_months_cap(double: XDouble) -> None:
    double.page_size = 100
    double.ids = [post_id(NOW - timedelta(minutes=number)) for number in range(700)]
    values = {"bearer_token": "demo-bearer", "api_base": double.base, "monthly_read_dollars": 1}
    source = history(XSettings.model_validate(values), MemoryCursors(), FixedClock(NOW))
    assert source is not None
    with pytest.raises(BudgetSpent):
        await read(source, 48)
    assert double.billed == 200


def test_without_a_token_there_is_no_history() -> None:
    assert history(XSettings.model_validate({"bearer_token": ""}), MemoryCursors(), FixedClock(NOW)) is None


def test_the_poller_is_the_short_look(double: XDouble) -> None:
    source = look(double)
    assert (source.every, source.nightly) == (None, timedelta(hours=48))
