"""X or we were away: nothing is missed, nothing counts twice, the bill stays under its cap."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import tweepy

import ingestors.x
from ingestors.budget import BudgetSpent
from ingestors.x import CHANNEL
from ingestors.x.history import history
from ingestors.x.poll import Mentions, replay
from ingestors.x.settings import XSettings
from pipeline.channel import Raw
from pipeline.errors import Unavailable
from tests.channels import FixedClock, MemoryCursors, MemoryIntake

from .conftest import ACCOUNT, NOW, Answer, XDouble, post_id

FIXTURES = Path(ingestors.x.__path__[0]) / "fixtures"
LOOKED = ("x", f"looked:{ACCOUNT}")
READS = ("x", "budget:reads")


def settings(double: XDouble, **values: Any) -> XSettings:
    return XSettings.model_validate(
        {"bearer_token": "demo-bearer", "api_base": double.base, "timeout_seconds": 5, **values}
    )


def flood(count: int, hours: float) -> list[int]:
    """Ids of posts spread evenly over the last hours."""
    step = timedelta(hours=hours) / count
    return [post_id(NOW - timedelta(hours=hours) + step * number, number % 4096) for number in range(count)]


def ids(raws: Iterable[Raw]) -> list[int]:
    return [int(post["id"]) for raw in raws for post in json.loads(raw.body)["data"]]


def since(hours: float) -> MemoryCursors:
    return MemoryCursors({("x", ACCOUNT): str(post_id(NOW - timedelta(hours=hours)))})


class Stop(BaseException):
    """Ends the poller from its sleep."""


async def run(
    double: XDouble, cursors: MemoryCursors, rounds: int = 1, **values: Any
) -> tuple[MemoryIntake, list[float]]:
    intake, delays = MemoryIntake(), list[float]()

    async def sleep(seconds: float) -> None:
        delays.append(seconds)
        if len(delays) == rounds:
            raise Stop

    with pytest.raises(Stop):
        await Mentions(settings(double, **values), intake, cursors, clock=FixedClock(NOW), sleep=sleep).run()
    return intake, delays


@pytest.mark.parametrize("count", [799, 801, 1700, 2300])
async def test_thirty_hours_down_with_more_mentions_than_x_lists(double: XDouble, count: int) -> None:
    double.page_size, double.ids = 100, flood(count, 30)
    cursors = since(30.5)
    intake, _ = await run(double, cursors)
    assert sorted(ids(intake.raws)) == sorted(double.ids)
    assert cursors.values["x", ACCOUNT] == str(max(double.ids))


async def test_a_first_look_into_a_flood_reads_on_too(double: XDouble) -> None:
    double.page_size, double.ids = 100, flood(1700, 20)
    intake, _ = await run(double, MemoryCursors())
    assert sorted(ids(intake.raws)) == sorted(double.ids)


async def test_a_window_that_deleted_posts_thinned_out_is_read_on_below(double: XDouble) -> None:
    double.page_size, double.window, double.ids = 100, 700, flood(900, 10)
    intake, _ = await run(double, since(11))
    assert len(set(ids(intake.raws))) == 900


async def test_a_quiet_window_is_not_searched(double: XDouble) -> None:
    double.page_size, double.ids = 100, flood(500, 10)
    await run(double, since(11))
    assert {call[1] for call in double.calls} == {f"/2/users/{ACCOUNT}/mentions"}


async def test_older_than_x_searches_takes_what_there_is_and_goes_on(double: XDouble) -> None:
    double.page_size, double.ids = 100, flood(2000, 240)
    cursors = since(250)
    intake, _ = await run(double, cursors)
    reachable = {one for one in double.ids if one > post_id(NOW - timedelta(days=7) + timedelta(minutes=5))}
    assert reachable <= set(ids(intake.raws))
    assert cursors.values["x", ACCOUNT] == str(max(double.ids))


async def test_search_that_fails_keeps_the_cursor_until_all_is_in(double: XDouble) -> None:
    double.page_size, double.ids = 100, flood(1700, 30)
    cursors = since(31)
    before = cursors.values["x", ACCOUNT]
    double.faults = [*([None] * 10), Answer(503)]
    poller = Mentions(settings(double), MemoryIntake(), cursors, clock=FixedClock(NOW))
    with pytest.raises(tweepy.TwitterServerError):
        await poller.round()
    assert cursors.values["x", ACCOUNT] == before
    intake, _ = await run(double, cursors)
    assert sorted(ids(intake.raws)) == sorted(double.ids)


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_token_that_expires_between_two_pages_parks_and_catches_up(double: XDouble, status: int) -> None:
    double.ids = [101, 102, 103, 104]
    double.faults = [None, Answer(status, body=b'{"title":"Unauthorized"}'), Answer(status)]
    cursors = MemoryCursors({("x", ACCOUNT): "100"})
    intake, delays = await run(double, cursors, rounds=3)
    assert set(ids(intake.raws)) == {101, 102, 103, 104}
    assert cursors.values["x", ACCOUNT] == "104"
    assert delays[0] < delays[1]


@pytest.mark.parametrize("headers", [{}, {"x-rate-limit-reset": str(int(NOW.timestamp()) + 120)}])
async def test_rate_limit_between_two_pages(double: XDouble, headers: dict[str, str]) -> None:
    double.ids = [101, 102, 103]
    double.faults = [None, Answer(429, headers)]
    intake, delays = await run(double, MemoryCursors({("x", ACCOUNT): "100"}), rounds=2)
    assert set(ids(intake.raws)) == {101, 102, 103}
    assert delays[0] >= (120 if headers else 60)


class Failing(MemoryCursors):
    """Fails once at the account's cursor: the process dies between the last page and it."""

    failed = False

    async def set(self, channel: str, account: str, value: str) -> None:
        if account == ACCOUNT and not self.failed:
            self.failed = True
            raise Unavailable("the vault is away")
        await super().set(channel, account, value)


async def test_crash_between_the_last_page_and_the_cursor_repeats_and_misses_nothing(double: XDouble) -> None:
    double.ids = [101, 102, 103]
    cursors = Failing({("x", ACCOUNT): "100"})
    intake, _ = await run(double, cursors, rounds=2)
    assert ids(intake.raws) == [103, 102, 101, 103, 102, 101]
    keys = [part.decoded.key for raw in intake.raws for part in CHANNEL.decode(raw)]
    assert len(set(keys)) == 3
    assert cursors.values["x", ACCOUNT] == "103"


async def test_webhook_page_and_search_give_one_post_one_key(double: XDouble) -> None:
    event = (FIXTURES / "xaa_mention_create.json").read_bytes()
    payload = json.loads(event)["data"]["payload"]
    double.page_size, double.ids = 100, flood(1300, 30)
    mentions, _ = await run(double, since(31))
    pages = [json.dumps({"data": [payload], "meta": {"result_count": 1}}).encode(), event]
    raws = [Raw("x", ACCOUNT, body, "application/json", NOW) for body in pages]
    assert len({part.decoded.key for raw in raws for part in CHANNEL.decode(raw)}) == 1
    keys = [part.decoded.key for raw in mentions.raws for part in CHANNEL.decode(raw)]
    assert len(keys) == len(set(keys)) == 1300


# The month's budget


async def test_the_cap_is_never_exceeded_and_the_poller_pauses(double: XDouble) -> None:
    double.page_size, double.ids = 100, flood(700, 10)
    cursors = since(11)
    before = cursors.values["x", ACCOUNT]
    _, delays = await run(double, cursors, rounds=3, monthly_read_dollars=1.28)
    assert double.billed * 5 <= 1280
    assert double.billed == 256
    assert set(delays) == {3600.0}
    assert cursors.values["x", ACCOUNT] == before
    assert cursors.values[READS] == "2026-11 1280"


async def test_what_the_pause_held_up_comes_with_the_new_month(double: XDouble) -> None:
    double.page_size, double.ids = 100, flood(300, 10)
    cursors = since(11)
    await run(double, cursors, monthly_read_dollars=1)
    cursors.values[READS] = "2026-10 1000"
    intake, _ = await run(double, cursors, monthly_read_dollars=2)
    assert sorted(ids(intake.raws)) == sorted(double.ids)


async def test_a_page_that_was_not_full_costs_what_it_held(double: XDouble) -> None:
    double.ids = [101, 102, 103]
    cursors = MemoryCursors({("x", ACCOUNT): "100"})
    await run(double, cursors)
    assert cursors.values[READS] == "2026-11 15"


async def test_an_outage_costs_nothing(double: XDouble) -> None:
    double.faults = [Answer(503), Answer(429), Answer(200, body=b"<html>")]
    cursors = MemoryCursors({("x", ACCOUNT): "100"})
    await run(double, cursors, rounds=3)
    assert cursors.values[READS] == "2026-11 0"


@pytest.mark.parametrize(("price", "used"), [(0.001, 2), (0.0015, 4), (0.005, 10)])
async def test_reads_are_counted_at_their_price_and_rounded_up(double: XDouble, price: float, used: int) -> None:
    double.ids = [101, 102]
    cursors = MemoryCursors({("x", ACCOUNT): "100"})
    await run(double, cursors, post_read_dollars=price)
    assert cursors.values[READS] == f"2026-11 {used}"


async def test_history_shares_the_pollers_account(double: XDouble) -> None:
    double.page_size, double.ids = 100, flood(100, 10)
    cursors = since(11)
    await run(double, cursors, monthly_read_dollars=0.5)
    look = history(settings(double, monthly_read_dollars=0.5), cursors, FixedClock(NOW))
    assert look is not None
    with pytest.raises(BudgetSpent):
        [page async for page in look.pages(NOW - timedelta(hours=48))]


# The webhook's deliveries of a gap


async def test_after_a_gap_the_webhook_is_replayed_once(double: XDouble) -> None:
    double.answers["/2/webhooks/replay"] = Answer(200, body=b'{"data":{"job_id":"9"}}')
    cursors = since(40)
    cursors.values[LOOKED] = (NOW - timedelta(hours=3)).isoformat()
    await run(double, cursors, rounds=3, webhook_id="55")
    asked = [(call[0], call[4]) for call in double.calls if call[1] == "/2/webhooks/replay"]
    assert asked == [("POST", {"webhook_id": "55", "from_date": "202611222359", "to_date": "202611230300"})]
    assert cursors.values[LOOKED] == NOW.isoformat()


@pytest.mark.parametrize(("hours", "webhook_id", "count"), [(0.2, "55", 0), (3, "", 0), (3, "55", 1), (None, "55", 0)])
async def test_when_a_replay_is_asked_for(double: XDouble, hours: float | None, webhook_id: str, count: int) -> None:
    double.answers["/2/webhooks/replay"] = Answer(200)
    cursors = since(hours) if hours is not None else MemoryCursors()
    await run(double, cursors, webhook_id=webhook_id)
    assert sum(call[1] == "/2/webhooks/replay" for call in double.calls) == count


async def test_a_long_gap_asks_for_no_more_than_x_keeps(double: XDouble) -> None:
    double.answers["/2/webhooks/replay"] = Answer(200)
    await replay(settings(double, webhook_id="55"), NOW - timedelta(days=3), NOW)
    assert double.calls[0][4]["from_date"] == "202611220301"


@pytest.mark.parametrize(("status", "asked"), [(403, 1), (404, 1), (503, 3), (401, 3)])
async def test_a_refused_replay_does_not_stop_the_poller(double: XDouble, status: int, asked: int) -> None:
    double.ids = flood(3, 1)
    double.answers["/2/webhooks/replay"] = Answer(status)
    intake, _ = await run(double, since(3), rounds=3, webhook_id="55")
    assert sum(call[1] == "/2/webhooks/replay" for call in double.calls) == asked
    assert set(ids(intake.raws)) == set(double.ids)


async def test_cancelled_in_the_middle_of_a_page_ends_at_once(double: XDouble) -> None:
    task = asyncio.create_task(run(double, MemoryCursors({("x", ACCOUNT): "100"}), rounds=9))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
