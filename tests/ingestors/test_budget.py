"""A month's budget: never exceeded, whatever happens in between."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.budget import LONGEST_PAUSE, Budget, Grant
from pipeline.errors import TransientError
from tests.channels import FixedClock, MemoryCursors

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


class SlowCursors(MemoryCursors):
    """Gives way before each answer, as a database does."""

    async def get(self, channel: str, account: str) -> str | None:
        await asyncio.sleep(0)
        return await super().get(channel, account)

    async def set(self, channel: str, account: str, value: str) -> None:
        await asyncio.sleep(0)
        await super().set(channel, account, value)


def budget(cursors: MemoryCursors | None = None, limit: int = 100, clock: FixedClock | None = None) -> Budget:
    return Budget(cursors or MemoryCursors(), clock or FixedClock(NOW), "x", "reads", limit)


async def test_takes_no_more_than_is_left() -> None:
    account = budget()
    assert await account.take(70) == Grant("2026-11", 70)
    assert await account.take(70) is None
    assert await account.take(70, 31) is None
    assert await account.take(70, 30) == Grant("2026-11", 30)
    assert await account.take(1, 0) is None
    assert await account.used() == 100


async def test_what_was_not_spent_comes_back() -> None:
    account = budget()
    grant = await account.take(70)
    assert grant is not None
    await account.give_back(grant, 50)
    assert await account.used() == 20
    await account.give_back(grant, 0)
    await account.give_back(grant, -5)
    assert await account.used() == 20


async def test_survives_a_restart() -> None:
    cursors = MemoryCursors()
    await budget(cursors).take(90)
    assert await budget(cursors).take(20) is None
    assert cursors.values == {("x", "budget:reads"): "2026-11 90"}


async def test_a_new_month_is_a_new_budget_and_takes_nothing_back_into_the_old_one() -> None:
    cursors, clock = MemoryCursors(), FixedClock(NOW)
    account = budget(cursors, clock=clock)
    old = await account.take(100)
    assert old is not None
    clock.time = datetime(2026, 12, 1, tzinfo=UTC)
    assert await account.used() == 0
    assert await account.take(60) is not None
    await account.give_back(old, 100)
    assert await account.used() == 60


async def test_a_clock_that_was_set_back_opens_no_second_budget() -> None:
    clock = FixedClock(NOW)
    account = budget(clock=clock)
    await account.take(100)
    clock.time = NOW - timedelta(days=40)
    assert await account.take(1) is None


async def test_months_are_utc() -> None:
    jakarta_morning = datetime.fromisoformat("2026-12-01T06:00:00+07:00")
    grant = await budget(clock=FixedClock(jakarta_morning)).take(1)
    assert grant is not None
    assert grant.month == "2026-11"


async def test_two_spenders_of_one_process_never_exceed_it() -> None:
    cursors = SlowCursors()
    grants = await asyncio.gather(*(budget(cursors).take(7) for _ in range(40)))
    assert sum(grant.units for grant in grants if grant) == 98
    assert await budget(cursors).used() == 98


async def test_an_account_that_cannot_be_read_spends_nothing() -> None:
    with pytest.raises(TransientError):
        await budget(MemoryCursors({("x", "budget:reads"): "lots"})).take(1)


@pytest.mark.parametrize(
    ("now", "wait"),
    [
        (datetime(2026, 11, 30, 23, 59, 30, tzinfo=UTC), 30.0),
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), 1.0),
        (datetime(2028, 2, 29, 23, 50, tzinfo=UTC), 600.0),
        (NOW, LONGEST_PAUSE),
    ],
)
def test_whoever_waits_looks_again_within_the_hour(now: datetime, wait: float) -> None:
    assert budget(clock=FixedClock(now)).spent().retry_after == wait


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 80)), max_size=30))
def test_no_order_of_events_exceeds_it(steps: list[tuple[int, int, int]]) -> None:
    async def run() -> None:
        account, kept = budget(), 0
        for most, least, back in steps:
            grant = await account.take(most, least)
            if grant is None:
                continue
            assert least <= grant.units <= most
            await account.give_back(grant, back)
            kept += max(grant.units - back, 0)
            assert kept <= await account.used() <= 100

    asyncio.run(run())
