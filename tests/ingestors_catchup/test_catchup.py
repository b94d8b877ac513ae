"""Catch-up against a vendor that lists newest first, runs out of token, asks for pauses and is down for a day."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from pydantic_settings import BaseSettings

from ingestors.catchup import CURSOR, LONGEST_PAUSE, NIGHT_CURSOR, CatchUp, Memory
from pipeline.channel import Channel, Part, Raw
from pipeline.errors import Backpressure, TransientError
from schemas.item import Author, Decoded, Item
from tests.channels import NOON, FixedClock, MemoryCursors, MemoryIntake

NAME = "contoh"
MINUTE = timedelta(minutes=1)
MIDNIGHT = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
"""Of Tuesday in Jakarta."""


def decode(raw: Raw) -> Iterable[Part]:
    for number, sent in json.loads(raw.body):
        item = Item(channel=NAME, account="kota", external_id=number, author=Author(id="w"), text="lubang",
                    sent_at=datetime.fromisoformat(sent))  # fmt: skip
        yield Part(Decoded(outcome="complaint", key=f"{NAME}:kota:{number}", item=item))


CHANNEL = Channel(name=NAME, title="Contoh", settings=BaseSettings, decode=decode)


@dataclass
class Listing:
    """Implements ``History`` as vendors do: newest first, two a page; ``faults`` come before that page."""

    clock: FixedClock
    every: timedelta | None = 10 * MINUTE
    overlap: timedelta = 5 * MINUTE
    nightly: timedelta = timedelta(days=2)
    sent: dict[str, datetime] = field(default_factory=dict)
    faults: dict[int, Exception] = field(default_factory=dict)
    asked: list[datetime] = field(default_factory=list)
    closed: bool = False

    async def pages(self, since: datetime) -> AsyncIterator[Raw]:
        self.asked.append(since)
        newest = sorted(((at, number) for number, at in self.sent.items() if at >= since), reverse=True)
        for page in range(0, max(len(newest), 1), 2):
            if page // 2 in self.faults:
                raise self.faults[page // 2]
            rows = [(number, at.isoformat()) for at, number in newest[page : page + 2]]
            yield Raw(NAME, "kota", json.dumps(rows).encode(), "application/json", self.clock.now())

    async def close(self) -> None:
        self.closed = True


class Office:
    """A running catch-up's surroundings; ``restart`` forgets what memory held."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.listing = Listing(self.clock)
        self.intake = MemoryIntake()
        self.cursors = MemoryCursors()
        self.pauses: list[float] = []
        self.restart()

    def restart(self) -> None:
        self.work = CatchUp(CHANNEL, self.listing, self.intake, self.cursors, self.clock, sleep=self.sleep,
                            spread=lambda: 0.5)  # fmt: skip

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) >= 12:
            raise asyncio.CancelledError
        self.clock.time += timedelta(seconds=seconds)

    async def run(self, rounds: int) -> None:
        self.pauses = [0.0] * (12 - rounds)
        with pytest.raises(asyncio.CancelledError):
            await self.work.run()

    def send(self, number: str, ago: timedelta = timedelta()) -> None:
        self.listing.sent[number] = self.clock.time - ago

    def taken(self) -> list[str]:
        return [part.decoded.key.rpartition(":")[2] for raw in self.intake.raws for part in decode(raw)]

    def cursor(self) -> str | None:
        return self.cursors.values.get((NAME, CURSOR))


@pytest.fixture
def office() -> Office:
    return Office()


async def test_the_first_look_goes_back_the_long_window_and_sets_both_cursors(office: Office) -> None:
    office.send("1", timedelta(days=1))
    assert await office.work.round() == 1
    assert office.listing.asked == [NOON - office.listing.nightly]
    assert office.cursor() == NOON.isoformat() == office.cursors.values[NAME, NIGHT_CURSOR]


async def test_a_short_look_begins_before_the_last_and_publishes_only_pages_with_something_new(office: Office) -> None:
    office.send("1", MINUTE)
    await office.work.round()
    office.clock.time += 4 * MINUTE
    assert await office.work.round() == 0
    office.send("2")
    assert await office.work.round() == 1
    assert office.listing.asked[1] == NOON - 5 * MINUTE
    assert office.taken() == ["1", "2", "1"]


async def test_a_page_without_anything_is_not_published(office: Office) -> None:
    assert await office.work.round() == 0
    assert office.intake.raws == []
    assert office.cursor() is not None


async def test_a_token_that_expires_mid_page_parks_and_catches_up_from_the_old_cursor(office: Office) -> None:
    await office.work.round()
    office.clock.time += timedelta(hours=1)
    for number in range(5):
        office.send(str(number), timedelta(minutes=number))
    office.listing.faults = {1: TransientError("190: token expired")}
    await office.run(9)
    waited = office.pauses[-9:-1]
    assert waited == sorted(waited)
    assert max(waited) <= LONGEST_PAUSE
    assert office.cursor() == NOON.isoformat()
    office.listing.faults = {}
    await office.work.round()
    assert office.listing.asked[-1] == NOON - office.listing.overlap
    assert set(office.taken()) == {str(number) for number in range(5)}


async def test_a_pause_the_vendor_asks_for_is_kept(office: Office) -> None:
    office.listing.faults = {0: Backpressure(1800)}
    await office.run(2)
    assert 1800 <= office.pauses[-2] <= 1810
    assert office.cursor() is None


@pytest.mark.parametrize(("asked", "least", "most"), [(float("inf"), 2, 6), (-5, 1, 6), (1e12, 86_400, 86_410)])
async def test_a_garbled_pause_neither_spins_nor_sleeps_for_ever(
    office: Office, asked: float, least: float, most: float
) -> None:
    office.listing.faults = {0: Backpressure(asked)}
    await office.run(2)
    assert least <= office.pauses[-2] <= most


async def test_after_thirty_hours_down_everything_since_the_cursor_is_read(office: Office) -> None:
    office.listing.nightly = timedelta(hours=6)
    await office.work.round()
    office.clock.time += timedelta(hours=30)
    for hour in range(30):
        office.send(str(hour), timedelta(hours=hour, minutes=30))
    office.restart()
    await office.work.round()
    assert set(office.taken()) == {str(hour) for hour in range(30)}


async def test_kafka_away_keeps_the_cursor(office: Office) -> None:
    await office.work.round()
    office.clock.time += 10 * MINUTE
    office.send("1")
    office.intake.away = True
    await office.run(3)
    assert office.cursor() == NOON.isoformat()
    office.intake.away = False
    await office.work.round()
    assert office.taken() == ["1"]


async def test_a_crash_between_acceptance_and_cursor_loses_nothing_and_repeats_only_keys(office: Office) -> None:
    for number in range(4):
        office.send(str(number), timedelta(minutes=number))

    async def killed(channel: str, account: str, value: str) -> None:
        raise KeyboardInterrupt

    keep, office.cursors.set = office.cursors.set, killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        await office.work.round()
    office.cursors.set = keep  # type: ignore[method-assign]
    office.restart()
    await office.work.round()
    assert set(office.taken()) == set(office.listing.sent)
    assert len(office.taken()) == 8


async def test_what_arrives_at_the_vendor_during_a_look_is_in_the_next(office: Office) -> None:
    office.send("1", MINUTE)
    plain = office.intake.accept

    async def slow(raw: Raw) -> None:
        office.clock.time += 20 * MINUTE
        office.listing.sent["2"] = office.clock.time - 10 * MINUTE
        await plain(raw)

    office.intake.accept = slow  # type: ignore[method-assign]
    await office.work.round()
    office.intake.accept = plain  # type: ignore[method-assign]
    await office.work.round()
    assert "2" in office.taken()


async def test_the_long_look_comes_once_a_night(office: Office) -> None:
    office.clock.time = MIDNIGHT - timedelta(hours=5)
    await office.work.round()
    for minutes in range(0, 6 * 60, 30):
        office.clock.time = MIDNIGHT + timedelta(minutes=minutes)
        await office.work.round()
    long = [began for began in office.listing.asked[1:] if began < MIDNIGHT - timedelta(days=1)]
    assert long == [MIDNIGHT + timedelta(hours=3) - office.listing.nightly]


async def test_a_channel_with_its_own_poller_is_listed_at_night_only(office: Office) -> None:
    office.listing.every = None
    for hours in range(48):
        office.clock.time = NOON + timedelta(hours=hours)
        await office.work.round()
    assert len(office.listing.asked) == 3


@pytest.mark.parametrize("cursor", ["", "kemarin", "2026-11-23", "2026-11-23T05:00:00"])
async def test_a_cursor_that_cannot_be_read_goes_far_back(office: Office, cursor: str) -> None:
    office.cursors.values[NAME, CURSOR] = cursor
    await office.work.round()
    assert office.listing.asked == [NOON - office.listing.nightly]


async def test_a_cursor_of_a_clock_that_was_ahead_opens_no_gap(office: Office) -> None:
    ahead = (NOON + timedelta(days=3)).isoformat()
    office.cursors.values |= {(NAME, CURSOR): ahead, (NAME, NIGHT_CURSOR): ahead}
    await office.work.round()
    assert office.listing.asked == [NOON - office.listing.overlap]


async def test_an_error_nobody_foresaw_does_not_end_the_work(office: Office) -> None:
    office.listing.faults = {0: ZeroDivisionError()}
    await office.run(3)
    office.listing.faults = {}
    await office.work.round()
    assert office.cursor() is not None


def test_the_memory_is_bounded_and_forgets_the_oldest() -> None:
    memory = Memory(3)
    memory.add(["a", "b", "c"])
    memory.add(["a", "d", "\ud800"])
    assert len(memory) == 3
    assert memory.knows(["a", "d", "\ud800"])
    assert not memory.knows(["a", "b"])
