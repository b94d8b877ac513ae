"""Asks after every channel in the background: the raw topics each minute, the vendors every five (DESIGN, operations).

Counts come from Kafka's own index by time (``offsets_for_times``), so they are there right after a start and cost no
reading: a count is the difference of two offsets. Past moments are asked once and remembered.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, Protocol

import structlog
from kafka.errors import KafkaError

from indexer import source
from ingestors import health
from ingestors.health import WEEKS, WINDOW, Traffic
from pipeline import metrics
from pipeline.channel import Channel, Cursors, Probe
from pipeline.clock import Clock
from pipeline.settings import CoreSettings
from portal.deps import ChannelHealth
from schemas.topics import raw_topic

log = structlog.get_logger(__name__)

TRAFFIC_SECONDS: Final = 60.0
PROBE_SECONDS: Final = 300.0
PROBE_PATIENCE: Final = 20.0
"""Seconds that a vendor has for its answer."""
GRAIN: Final = timedelta(minutes=10)
"""Hours are cut at these steps, so that an hour asked for now is one already known an hour later."""
HOUR: Final = timedelta(hours=1)
WEEK: Final = timedelta(weeks=1)


class Offsets(Protocol):
    """What is asked of Kafka; calls block and raise kafka-python's errors."""

    def end(self, topic: str) -> int:
        """Sum of the next offsets of all partitions."""

    def at(self, topic: str, moment: datetime) -> int:
        """The same sum as it was at ``moment``."""

    def first(self, topic: str) -> datetime | None:
        """When the oldest record was published."""

    def last(self, topic: str) -> datetime | None:
        """When the newest record was published."""

    def close(self) -> None: ...


class KafkaOffsets:
    """:class:`Offsets` over kafka-python."""

    def __init__(self, settings: CoreSettings) -> None:
        self._consumer = source.connect(settings)
        self._places: dict[str, list[Any]] = {}

    def end(self, topic: str) -> int:
        """See :class:`Offsets`."""
        return sum(self._ends(topic).values())

    def at(self, topic: str, moment: datetime) -> int:
        """See :class:`Offsets`; a partition with nothing since then counts to its end."""
        ends = self._ends(topic)
        found = self._consumer.offsets_for_times(dict.fromkeys(ends, int(moment.timestamp() * 1000)))
        return sum(found[place].offset if found.get(place) else end for place, end in ends.items())

    def first(self, topic: str) -> datetime | None:
        """See :class:`Offsets`."""
        found = self._consumer.offsets_for_times(dict.fromkeys(self._ends(topic), 0))
        return min((_instant(one.timestamp) for one in found.values() if one), default=None)

    def last(self, topic: str) -> datetime | None:
        """See :class:`Offsets`. Kafka tells the newest by reading it: the last record of each partition."""
        ends = self._ends(topic)
        begins = self._consumer.beginning_offsets(list(ends))
        filled = {place: end for place, end in ends.items() if end > begins[place]}
        starts = {place: end - 1 for place, end in filled.items()}
        batches = source.read(self._consumer, starts, filled, lambda: True)
        return max((one.timestamp for batch in batches for one in batch if one.timestamp), default=None)

    def close(self) -> None:
        """Closes the connection."""
        self._consumer.close(autocommit=False, timeout_ms=2_000)

    def _ends(self, topic: str) -> dict[Any, int]:
        if topic not in self._places:
            self._places[topic] = source.partitions(self._consumer, topic)
        ends: dict[Any, int] = self._consumer.end_offsets(self._places[topic])
        return ends


def _instant(millis: int) -> datetime:
    return datetime.fromtimestamp(millis / 1000, UTC)


@dataclass
class _Known:
    """What is remembered of one topic between two readings."""

    end: int = -1
    last: datetime | None = None
    first: datetime | None = None
    at: dict[datetime, int] = field(default_factory=dict)


class TrafficReader:
    """Deliveries by hour. Blocking, and used from one thread at a time."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def read(self, offsets: Offsets, topic: str, now: datetime) -> Traffic:
        """The numbers of a raw topic. Raises what Kafka raised."""
        known = self._known.setdefault(topic, _Known())
        end = offsets.end(topic)
        if end < known.end:
            known = self._known[topic] = _Known()
        if end != known.end:
            known.first = known.first or offsets.first(topic)
            known.last = offsets.last(topic)
            known.end = end
        if known.first is None:
            return Traffic(None, 0, (0,) * WINDOW)
        edge = now - (now - datetime.min.replace(tzinfo=UTC)) % GRAIN
        oldest = edge - WEEKS * WEEK - WINDOW * HOUR
        known.at = {moment: value for moment, value in known.at.items() if moment >= oldest}
        weeks = [
            self._hours(offsets, topic, known, edge - week * WEEK)
            for week in range(1, WEEKS + 1)
            if known.first <= edge - week * WEEK - WINDOW * HOUR
        ]
        recent = self._hours(offsets, topic, known, edge)
        return Traffic(known.last, max(0, end - offsets.at(topic, now - HOUR)), recent, tuple(weeks))

    def _hours(self, offsets: Offsets, topic: str, known: _Known, edge: datetime) -> tuple[int, ...]:
        """Deliveries of the hours before ``edge``, the newest first."""
        marks = []
        for back in range(WINDOW + 1):
            # Nothing stood before the first record, so a young topic is asked about few moments.
            moment = max(edge - back * HOUR, known.first or edge)
            if moment not in known.at:
                known.at[moment] = offsets.at(topic, moment)
            marks.append(known.at[moment])
        return tuple(max(0, newer - older) for newer, older in pairwise(marks))


class ChannelWatch:
    """Keeps one row a channel for ``/operasi`` and its metrics. ``connect`` opens :class:`Offsets`."""

    def __init__(
        self,
        settings: CoreSettings,
        channels: Mapping[str, Channel],
        cursors: Cursors,
        clock: Clock,
        *,
        connect: Any = KafkaOffsets,
        patience: float = PROBE_PATIENCE,
    ) -> None:
        self._settings = settings
        self._channels = channels
        self._cursors = cursors
        self._clock = clock
        self._connect = connect
        self._patience = patience
        self._offsets: Offsets | None = None
        self._reader = TrafficReader()
        self._traffic: dict[str, Traffic] = {}
        self._probes: dict[str, Probe | None] = {}

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._repeat(self.read_traffic, TRAFFIC_SECONDS))
                group.create_task(self._repeat(self.ask_vendors, PROBE_SECONDS))
        finally:
            self._close()

    def _close(self) -> None:
        offsets, self._offsets = self._offsets, None
        if offsets is not None:
            with contextlib.suppress(KafkaError, OSError):
                offsets.close()

    async def _repeat(self, work: Any, seconds: float) -> None:
        while True:
            await work()
            await asyncio.sleep(seconds)

    async def read_traffic(self) -> None:
        """Reads every raw topic; with Kafka away the rows say that they are not read."""
        try:
            await asyncio.to_thread(self._read)
        except Exception as error:
            log.warning("channel-watch.kafka-away", error=type(error).__name__)
            self._traffic = {}
            await asyncio.to_thread(self._close)
        self._measure()

    def _read(self) -> None:
        """One topic after the other; each row is there as soon as its own topic is read."""
        if self._offsets is None:
            self._offsets = self._connect(self._settings)
        for name in self._channels:
            try:
                traffic = self._reader.read(self._offsets, raw_topic(name).name, self._clock.now())
            except source.TopicsMissing:
                self._traffic.pop(name, None)
            else:
                self._traffic[name] = traffic

    async def ask_vendors(self) -> None:
        """Asks every vendor at once; whatever one raises, or its silence, is its own row's alone."""
        names = [name for name, channel in self._channels.items() if channel.probe is not None]
        answers = await asyncio.gather(*(self._ask(self._channels[name]) for name in names))
        self._probes = dict(zip(names, answers, strict=True))
        self._measure()

    async def _ask(self, channel: Channel) -> Probe | None:
        try:
            assert channel.probe is not None  # noqa: S101 - chosen by the caller
            answer = channel.probe(channel.settings(), self._cursors, self._clock)
            return await asyncio.wait_for(answer, self._patience)
        except Exception as error:
            log.warning("channel-watch.unanswered", channel=channel.name, error=type(error).__name__)
            return None

    def rows(self) -> list[ChannelHealth]:
        """One row a channel, the worst first."""
        order = ("merah", "kuning", "hijau", "abu")
        return sorted((self._row(name) for name in self._channels), key=lambda row: order.index(row["tint"]))

    def _row(self, name: str) -> ChannelHealth:
        channel, traffic, probe = self._channels[name], self._traffic.get(name), self._probes.get(name)
        now = self._clock.now()
        # Before the first answer nothing is known of the vendor; that is not the same as no answer.
        asked = channel.probe is not None and name in self._probes
        state = health.condition(name, traffic, probe, now, asked=asked)
        usual = traffic.usual if traffic is not None else None
        expires = probe.token_expires_at if probe is not None else None
        return ChannelHealth(
            name=name,
            title=channel.title,
            last=traffic.last if traffic is not None else None,
            hour=traffic.last_hour if traffic is not None else None,
            usual=usual[0] if usual else None,
            token_days=health.days_left(expires, now) if expires is not None else None,
            budget=health.budget(probe) if probe is not None else None,
            state=state.code,
            words=state.words,
            tint=state.tint,
            todo=state.todo,
        )

    def _measure(self) -> None:
        now = self._clock.now()
        for name in self._channels:
            traffic, probe = self._traffic.get(name), self._probes.get(name)
            if traffic is not None:
                silent = health.silence(traffic.recent, traffic.usual) is not None
                metrics.SILENT.labels(name).set(silent)
                if traffic.last is not None:
                    metrics.LAST_EVENT.labels(name).set(traffic.last.timestamp())
            if name in self._probes:
                _measure_probe(name, probe, now)


def _measure_probe(name: str, probe: Probe | None, now: datetime) -> None:
    """What the vendor did not tell has no sample; one that does not answer keeps its last, but for ``probe_ok``."""
    if probe is None:
        metrics.PROBE_OK.labels(name).set(0)
        return
    if not health.without_credentials(probe):
        metrics.PROBE_OK.labels(name).set(probe.accepted is not False)
    if probe.token_expires_at is not None:
        metrics.TOKEN_DAYS.labels(name).set(health.days_left(probe.token_expires_at, now))
    if probe.subscribed is not None:
        metrics.SUBSCRIBED.labels(name).set(probe.subscribed)
    used = health.budget(probe)
    if used is not None:
        metrics.BUDGET_USED.labels(name).set(used)
