"""The health of channels: the pure judgement, and the asking."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import KafkaConnectionError
from prometheus_client import REGISTRY
from pydantic_settings import BaseSettings

from ingestors import health
from ingestors.health import WINDOW, Traffic, at_most, condition, silence
from pipeline.channel import Channel, Probe
from pipeline.errors import TransientError
from pipeline.settings import CoreSettings
from tanggap.channel_watch import ChannelWatch, TrafficReader
from tests.channels import NOON, FixedClock, MemoryCursors

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FLAT = (10,) * WINDOW
BUSY = Traffic(NOON, 10, FLAT, (FLAT,) * 4)
FINE = Probe(accepted=True, subscribed=True, token_expires_at=NOON + 60 * DAY, used=10, limit=100, unit="panggilan")


def test_a_busy_channel_is_silent_within_the_hour_and_a_rare_one_within_the_day() -> None:
    assert silence((0, *FLAT[1:]), (10.0,) * WINDOW) == health.Silence(1, 0, 10.0)
    found = silence((0,) * WINDOW, (0.5,) * WINDOW)
    assert found is not None
    assert found.hours == 14
    assert silence((0,) * WINDOW, (0.25,) * WINDOW) is None


def test_without_history_there_is_no_silence() -> None:
    assert silence((0,) * WINDOW, None) is None
    assert Traffic(None, 0, (0,) * WINDOW).usual is None


def test_a_quiet_night_is_usual() -> None:
    night = (0,) * 6 + (30,) * 18
    assert silence(night, Traffic(NOON, 0, night, (night, night)).usual) is None


@given(st.integers(0, 200), st.floats(0, 500))
def test_poisson_tail_is_a_growing_probability(seen: int, mean: float) -> None:
    assert 0 <= at_most(seen, mean) <= at_most(seen + 1, mean) + 1e-12 <= 1 + 1e-11


def test_poisson_tail_against_known_values() -> None:
    assert at_most(0, 7) == pytest.approx(math.exp(-7))
    assert at_most(2, 3) == pytest.approx(0.42319008)


@given(st.lists(st.integers(0, 50), min_size=WINDOW, max_size=WINDOW), st.integers(0, 50))
def test_as_many_as_usual_is_never_silent(hours: list[int], more: int) -> None:
    usual = tuple(map(float, hours))
    assert silence(hours, usual) is None
    assert silence([hours[0] + more, *hours[1:]], usual) is None


@given(st.lists(st.integers(0, 9), min_size=WINDOW, max_size=WINDOW), st.floats(0, 40))
def test_fewer_deliveries_never_end_a_silence(hours: list[int], mean: float) -> None:
    usual = (mean,) * WINDOW
    if silence(hours, usual) is not None:
        assert silence([0] * WINDOW, usual) is not None


@pytest.mark.parametrize(
    ("probe", "traffic", "code"),
    [
        (FINE, BUSY, "healthy"),
        (FINE, replace(BUSY, recent=(0,) * WINDOW), "silent"),
        (replace(FINE, token_expires_at=NOON), BUSY, "token-expired"),
        (replace(FINE, token_expires_at=NOON + 6 * DAY), BUSY, "token-soon"),
        (replace(FINE, accepted=False), BUSY, "refused"),
        (replace(FINE, subscribed=False), BUSY, "unsubscribed"),
        (replace(FINE, subscribed=False), None, "unsubscribed"),
        (replace(FINE, used=95), BUSY, "budget"),
        (replace(FINE, used=1, limit=0), BUSY, "healthy"),
        (Probe(used=0, limit=100), BUSY, "no-credentials"),
        (replace(FINE, problem="x.odd"), BUSY, "problem"),
        (None, BUSY, "unanswered"),
        (FINE, None, "unread"),
        (FINE, replace(BUSY, weeks=()), "young"),
    ],
)
def test_conditions(probe: Probe | None, traffic: Traffic | None, code: str) -> None:
    found = condition("x", traffic, probe, NOON, asked=True)
    assert found.code == code
    assert bool(found.todo) == (code != "healthy")


def test_a_channel_that_cannot_be_asked_is_judged_by_its_traffic() -> None:
    assert condition("counter", BUSY, None, NOON, asked=False).words == "sehat"


def test_the_days_of_a_token_are_said() -> None:
    soon = replace(FINE, token_expires_at=NOON + timedelta(days=5, hours=1))
    assert condition("x", BUSY, soon, NOON, asked=True).words == "token habis 6 hari lagi"


@dataclass
class Topic:
    """Implements ``Offsets``: deliveries at known instants; counts what it was asked."""

    times: list[datetime]
    asked: int = 0
    away: bool = False

    def end(self, topic: str) -> int:
        if self.away:
            raise KafkaConnectionError
        return len(self.times)

    def at(self, topic: str, moment: datetime) -> int:
        self.asked += 1
        return sum(one < moment for one in self.times)

    def first(self, topic: str) -> datetime | None:
        return min(self.times, default=None)

    def last(self, topic: str) -> datetime | None:
        return max(self.times, default=None)

    def close(self) -> None:
        return


def hourly(start: datetime, end: datetime) -> list[datetime]:
    return [start + n * HOUR for n in range(math.ceil((end - start) / HOUR))]


def test_hours_and_weeks_are_counted_from_offsets() -> None:
    topic = Topic(hourly(NOON - timedelta(days=15, minutes=30), NOON))
    found = TrafficReader().read(topic, "crm.raw.x", NOON)
    assert found.recent == (1,) * WINDOW
    assert found.weeks == ((1,) * WINDOW, (1,) * WINDOW)
    assert (found.last_hour, found.last) == (1, topic.times[-1])


def test_an_empty_topic_is_no_error() -> None:
    found = TrafficReader().read(Topic([]), "crm.raw.x", NOON)
    assert (found.last, found.last_hour, found.usual) == (None, 0, None)


def test_past_moments_are_asked_once() -> None:
    topic, reader = Topic(hourly(NOON - 40 * DAY, NOON)), TrafficReader()
    reader.read(topic, "crm.raw.x", NOON)
    topic.asked = 0
    reader.read(topic, "crm.raw.x", NOON + timedelta(minutes=1))
    assert topic.asked == 1
    reader.read(topic, "crm.raw.x", NOON + HOUR)
    assert topic.asked <= 10


def watch_of(topic: Topic, **probes: Any) -> ChannelWatch:
    channels = {
        name: Channel(name=name, title=name.title(), settings=BaseSettings, decode=lambda raw: [], probe=probe)
        for name, probe in probes.items()
    }
    settings = CoreSettings(_env_file=None)
    return ChannelWatch(
        settings, channels, MemoryCursors(), FixedClock(), connect=lambda settings: topic, patience=0.05
    )


def sample(name: str, channel: str) -> float | None:
    return REGISTRY.get_sample_value(f"tanggap_channel_{name}", {"channel": channel})


async def test_one_vendor_that_hangs_or_fails_is_its_own_row_alone() -> None:
    async def fine(*_: Any) -> Probe:
        return FINE

    async def hangs(*_: Any) -> Probe:
        await asyncio.Event().wait()
        return FINE

    async def fails(*_: Any) -> Probe:
        raise TransientError("away")

    watch = watch_of(Topic(hourly(NOON - 40 * DAY, NOON)), baik=fine, diam=hangs, galat=fails, tanpa=None)
    assert {row["words"] for row in watch.rows()} == {"belum terbaca"}
    await watch.read_traffic()
    await watch.ask_vendors()
    words = {row["name"]: row["words"] for row in watch.rows()}
    assert words == {"baik": "sehat", "diam": "tidak terjawab", "galat": "tidak terjawab", "tanpa": "sehat"}
    assert (sample("probe_ok", "baik"), sample("probe_ok", "diam")) == (1, 0)
    assert (sample("token_days_left", "baik"), sample("subscribed", "baik")) == (60, 1)
    assert sample("budget_used_ratio", "baik") == pytest.approx(0.1)
    assert sample("silent", "baik") == 0
    assert sample("probe_ok", "tanpa") is None


async def test_a_silent_channel_comes_first_and_raises_its_metric() -> None:
    topic = Topic(hourly(NOON - 40 * DAY, NOON - DAY))
    watch = watch_of(topic, senyap=None)
    await watch.read_traffic()
    assert watch.rows()[0]["words"] == "sunyi"
    assert sample("silent", "senyap") == 1


async def test_kafka_away_is_said_and_is_over_when_it_is_back() -> None:
    topic = Topic([], away=True)
    watch = watch_of(topic, x=None)
    await watch.read_traffic()
    assert watch.rows()[0]["words"] == "belum terbaca"
    topic.away = False
    await watch.read_traffic()
    assert watch.rows()[0]["words"] == "belum cukup data"
