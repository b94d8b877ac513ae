"""The mentions poller against a double of X on loopback: nothing is missed, whatever happens in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import tweepy

from ingestors.x.poll import Mentions, ingest
from ingestors.x.settings import XSettings
from pipeline.channel import Raw
from pipeline.errors import Unavailable
from tests.channels import FixedClock, MemoryCursors

ACCOUNT = "1000000001"
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


class Cursors(MemoryCursors):
    """Remembers how the account's own cursor moved."""

    def __init__(self, value: str | None = None) -> None:
        super().__init__({("x", ACCOUNT): value} if value else {})
        self.history: list[str] = []

    @property
    def value(self) -> str | None:
        return self.values.get(("x", ACCOUNT))

    async def set(self, channel: str, account: str, value: str) -> None:
        await super().set(channel, account, value)
        if account == ACCOUNT:
            self.history.append(value)


class Intake:
    """Keeps what is accepted; refuses the page whose number is ``fails_at``."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.raws: list[Raw] = []
        self.fails_at = fails_at

    async def accept(self, raw: Raw) -> None:
        if self.fails_at == len(self.raws):
            self.fails_at = None
            raise Unavailable("Kafka is away")
        self.raws.append(raw)

    async def dead(self, raw: Raw, reason: str) -> None:
        raise AssertionError(reason)

    @property
    def ids(self) -> list[int]:
        return [int(post["id"]) for raw in self.raws for post in json.loads(raw.body)["data"]]


class Stop(BaseException):
    """Ends ``run`` from its sleep; nothing less does."""


def settings(double: Any, **values: Any) -> XSettings:
    values = {"bearer_token": "demo-bearer", "api_base": double.base, "timeout_seconds": 5, **values}
    return XSettings.model_validate(values)


def sleeper(delays: list[float], rounds: int) -> Callable[[float], Awaitable[None]]:
    async def sleep(seconds: float) -> None:
        delays.append(seconds)
        if len(delays) == rounds:
            raise Stop

    return sleep


async def run(double: Any, intake: Intake, cursors: Cursors, rounds: int, **values: Any) -> list[float]:
    delays: list[float] = []
    poller = Mentions(settings(double, **values), intake, cursors, clock=FixedClock(NOW), sleep=sleeper(delays, rounds))
    with pytest.raises(Stop):
        await poller.run()
    return delays


async def test_pages_down_to_the_cursor_and_moves_it_once(double: Any) -> None:
    double.ids = [101, 102, 103, 104, 105]
    intake, cursors = Intake(), Cursors("100")
    assert await Mentions(settings(double), intake, cursors, clock=FixedClock(NOW)).round() == 5
    assert intake.ids == [105, 104, 103, 102, 101]
    assert cursors.history == ["105"]
    assert [call[2].get("pagination_token") for call in double.calls] == [None, "2", "4"]
    assert {call[2]["since_id"] for call in double.calls} == {"100"}


async def test_bytes_stay_as_they_came(double: Any) -> None:
    double.ids = [101]
    intake = Intake()
    await Mentions(settings(double), intake, Cursors("100"), clock=FixedClock(NOW)).round()
    (raw,) = intake.raws
    assert raw.body == double._page({}, [101], "pagination_token")
    assert (raw.channel, raw.account, raw.content_type) == ("x", ACCOUNT, "application/json")
    assert (raw.received_at, raw.meta) == (NOW, {"source": "mentions"})


async def test_asks_for_all_that_the_decoder_reads(double: Any) -> None:
    await Mentions(settings(double), Intake(), Cursors("100"), clock=FixedClock(NOW)).round()
    _, _, query, headers, _ = double.calls[0]
    assert headers["authorization"] == "Bearer demo-bearer"
    assert query["max_results"] == "100"
    assert {"author_id", "note_tweet", "edit_history_tweet_ids", "referenced_tweets"} <= set(
        query["tweet.fields"].split(",")
    )
    assert {"author_id", "attachments.media_keys", "geo.place_id"} <= set(query["expansions"].split(","))


async def test_first_look_goes_back_only_so_far(double: Any) -> None:
    double.ids = [101, 102, 103]
    cursors = Cursors()
    await Mentions(settings(double, backfill_hours=6), Intake(), cursors, clock=FixedClock(NOW)).round()
    starts = {call[2].get("start_time") for call in double.calls}
    assert starts == {(NOW - timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")}
    assert cursors.value == "103"


async def test_nothing_new_leaves_no_trace(double: Any) -> None:
    intake, cursors = Intake(), Cursors("100")
    assert await Mentions(settings(double), intake, cursors, clock=FixedClock(NOW)).round() == 0
    assert (intake.raws, cursors.history) == ([], [])


async def test_killed_between_the_second_page_and_the_cursor_misses_nothing(double: Any) -> None:
    double.ids = [101, 102, 103, 104, 105]

    class Killed(Intake):
        async def accept(self, raw: Raw) -> None:
            await super().accept(raw)
            if len(self.raws) == 2:
                raise asyncio.CancelledError

    killed, cursors = Killed(), Cursors("100")
    with pytest.raises(asyncio.CancelledError):
        await Mentions(settings(double), killed, cursors, clock=FixedClock(NOW)).run()
    assert cursors.value == "100"
    double.ids.append(106)
    after = Intake()
    await Mentions(settings(double), after, cursors, clock=FixedClock(NOW)).round()
    assert set(killed.ids) | set(after.ids) == {101, 102, 103, 104, 105, 106}
    assert cursors.value == "106"


async def test_broker_away_in_the_middle_keeps_the_cursor_and_tries_again(double: Any) -> None:
    double.ids = [101, 102, 103, 104]
    intake, cursors = Intake(fails_at=1), Cursors("100")
    delays = await run(double, intake, cursors, rounds=2)
    assert set(intake.ids) == {101, 102, 103, 104}
    assert cursors.history == ["104"]
    assert delays[0] < 60 == delays[1]


async def test_rate_limit_with_a_reset_waits_until_then(double: Any, answer: Any) -> None:
    double.ids = [101]
    double.faults = [answer(429, {"x-rate-limit-reset": str(int(NOW.timestamp()) + 200)})]
    intake, cursors = Intake(), Cursors("100")
    delays = await run(double, intake, cursors, rounds=2)
    assert 200 <= delays[0] <= 205
    assert intake.ids == [101]


async def test_a_reset_that_is_far_off_does_not_stop_us_for_days(double: Any, answer: Any) -> None:
    double.faults = [answer(429, {"x-rate-limit-reset": str(int(NOW.timestamp()) + 900_000)})]
    assert (await run(double, Intake(), Cursors("100"), rounds=1))[0] <= 905


async def test_rate_limit_without_a_reset_backs_off_from_a_minute(double: Any, answer: Any) -> None:
    double.faults = [answer(429), answer(429), answer(429)]
    delays = await run(double, Intake(), Cursors("100"), rounds=3)
    assert [first <= delay <= first * 1.25 for first, delay in zip((60, 120, 240), delays, strict=True)] == [True] * 3


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (500, {}, b"{}"),
        (503, {}, b"<html>"),
        (503, {}, b"[]"),
        (429, {"x-rate-limit-reset": "soon"}, b"{}"),
        (401, {}, b'{"title":"Unauthorized"}'),
        (302, {"location": "http://127.0.0.1:9/"}, b""),
        (200, {}, b"<html>captive portal</html>"),
        (200, {}, b'{"errors":[{"title":"Not Found"}]}'),
    ],
)
async def test_no_answer_ends_the_poller(double: Any, answer: Any, status: int, headers: Any, body: bytes) -> None:
    double.ids = [101]
    double.faults = [answer(status, headers, body)]
    intake, cursors = Intake(), Cursors("100")
    delays = await run(double, intake, cursors, rounds=2)
    assert delays[0] != 60
    assert (intake.ids, cursors.value) == ([101], "101")


async def test_x_away_altogether_is_waited_out(double: Any) -> None:
    delays = await run(double, Intake(), Cursors("100"), rounds=3, api_base="http://127.0.0.1:9")
    assert [first <= delay <= first * 1.25 for first, delay in zip((5, 10, 20), delays, strict=True)] == [True] * 3


async def test_failure_on_a_later_page_keeps_the_cursor(double: Any, answer: Any) -> None:
    double.ids = [101, 102, 103]
    double.faults = [None, answer(500)]
    cursors = Cursors("100")
    with pytest.raises(tweepy.TwitterServerError):
        await Mentions(settings(double), Intake(), cursors, clock=FixedClock(NOW)).round()
    assert cursors.history == []


async def test_pages_that_go_in_circles_are_left(double: Any, answer: Any) -> None:
    circle = answer(200, body=b'{"data":[{"id":"101"}],"meta":{"newest_id":"101","next_token":"a"}}')
    double.faults = [circle, circle]
    cursors = Cursors("100")
    await run(double, Intake(), cursors, rounds=1)
    assert cursors.history == []


async def test_without_a_token_nothing_is_asked(double: Any) -> None:
    task = asyncio.create_task(ingest(settings(double, bearer_token=""), Intake(), Cursors()))
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert double.calls == []
