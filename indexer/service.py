"""The live indexer: ``tanggap run indexer``.

Delivery: at least once, made harmless by ids and versions. The offset moves only after Elasticsearch has, or will never
have, every document before it. Whatever is away is waited for; no error but the caller's stop ends the service.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from kafka import KafkaConsumer, OffsetAndMetadata
from kafka.errors import CommitFailedError, RebalanceInProgressError

from pipeline.errors import InvalidItem, TransientError
from pipeline.log import safe_trace
from pipeline.metrics import PROCESSED, READY
from pipeline.pacing import Pacing, Polling
from pipeline.settings import CoreSettings
from pipeline.stage import Message

from . import source, templates
from .document import UNMAPPABLE
from .fill import Filled, Filler
from .views import VIEWS, View
from .writer import Failure, Operation, Stopped, Writer, connect

log = structlog.get_logger(__name__)

GROUP = "tanggap-indexer"
SESSION_MS = 20_000
COMMIT_MS = 10_000
BUSY_SECONDS = 0.02
IDLE_SECONDS = 0.05
"""Rests between polls: a page that waits for its own change waits for them too."""
HEARTBEAT = 0.5
"""Seconds between signs of life while waiting."""

OnDead = Callable[[Message, str, str], None]
"""Makes a dead letter of a record (reason code, detail) and returns once it is durable. ``TransientError``: again."""


def run(
    settings: CoreSettings,
    stop: threading.Event,
    *,
    on_dead: OnDead,
    beat: Callable[[], None] | None = None,
    views: Sequence[View] = VIEWS,
    group: str = GROUP,
) -> None:
    """Indexes until ``stop`` is set. ``beat`` is called between steps, each at most one request (30 s) long.

    An index that is missing is created and filled from the beginning of its topic, so a search engine that was wiped
    heals by itself; ``views`` and ``group`` differ from the defaults where several cities share one cluster.
    """
    Indexer(settings, stop, on_dead, beat or _nothing, {view.topic: view for view in views}, group).run()


def _nothing() -> None:
    return None


class Indexer:
    """One member of the group. ``run`` is a loop of sessions; a session ends when something fails."""

    def __init__(
        self,
        settings: CoreSettings,
        stop: threading.Event,
        on_dead: OnDead,
        beat: Callable[[], None],
        views: Mapping[str, View],
        group: str,
    ) -> None:
        self._settings = settings
        self._stop = stop
        self._on_dead = on_dead
        self._beat = beat
        self._views = views
        self._group = group
        self._client = connect(settings)
        self._failed = 0

    def run(self) -> None:
        """See :func:`run`."""
        try:
            with Writer(self._client) as writer:
                while not self._stop.is_set():
                    try:
                        self._session(writer)
                    except Stopped:
                        break
                    except Exception as error:
                        self._failed += 1
                        self._report(error, writer.delay(self._failed))
        finally:
            READY.labels("indexer").set(0)
            self._client.close()

    def _report(self, error: Exception, seconds: float) -> None:
        READY.labels("indexer").set(0)
        log.warning(
            "indexer.waiting", error=type(error).__name__, where=safe_trace(error), attempt=self._failed,
            seconds=round(seconds, 2), group=self._group,
        )  # fmt: skip
        self._wait(seconds)

    def _session(self, writer: Writer) -> None:
        applied = templates.apply(self._client, list(self._views.values()))
        consumer = source.connect(
            self._settings,
            group_id=self._group,
            group_instance_id=f"{self._group}-{self._settings.instance}",
            session_timeout_ms=SESSION_MS,
            max_poll_records=source.MAX_RECORDS,
        )
        try:
            source.require(consumer, self._views)
            self._fill(writer, {state.alias for state in applied if state.created})
            consumer.subscribe(list(self._views))
            READY.labels("indexer").set(1)
            log.info("indexer.ready", group=self._group)
            pacing, polling = Pacing(BUSY_SECONDS, IDLE_SECONDS), Polling(consumer, source.MAX_RECORDS)
            while not self._stop.wait(pacing.wait()):
                self._beat()
                found = polling.poll()
                pacing.asked(bool(found))
                if found:
                    self._take(consumer, writer, found)
                    self._failed = 0
        finally:
            consumer.close(autocommit=False, timeout_ms=2_000)

    def _fill(self, writer: Writer, created: set[str]) -> None:
        """Fills new indices: the group's offsets may lie far behind records that a deleted index held."""
        if not created:
            return
        consumer = source.connect(self._settings)
        try:
            filler = Filler(consumer, writer, self._wait, self._going_on)
            for view in self._views.values():
                if view.alias in created:
                    total = Filled()
                    filler.fill(view, view.alias, filler.beginning(view), total)
                    log.info("indexer.filled", topic=view.topic, count=total.records)
        finally:
            consumer.close(autocommit=False, timeout_ms=2_000)

    def _take(self, consumer: KafkaConsumer, writer: Writer, found: Mapping[Any, Sequence[Any]]) -> None:
        operations: list[Operation] = []
        for records in found.values():
            for record in records:
                message = source.message(record)
                try:
                    operations.append(self._views[message.topic].operation(message))
                except InvalidItem as error:
                    self._dead(writer, message, error.reason, error.detail)
        failures = writer.write(operations, lambda seconds: self._wait_as_member(consumer, seconds))
        for failure in failures:
            self._refused(writer, failure)
        READY.labels("indexer").set(1)
        self._commit(consumer, found)
        for partition, records in found.items():
            PROCESSED.labels("indexer", partition.topic).inc(len(records))

    def _commit(self, consumer: KafkaConsumer, found: Mapping[Any, Sequence[Any]]) -> None:
        paused = consumer.paused()
        if paused:
            consumer.resume(*paused)
        mine = consumer.assignment()
        offsets = {
            partition: OffsetAndMetadata(records[-1].offset + 1, "", -1)
            for partition, records in found.items()
            if partition in mine
        }
        if not offsets:
            return
        try:
            consumer.commit(offsets, timeout_ms=COMMIT_MS)
        except (CommitFailedError, RebalanceInProgressError) as error:
            # The group is rearranging itself: whoever gets the partition reads the batch again, which does no harm.
            log.info("indexer.commit_refused", error=type(error).__name__, group=self._group)

    def _refused(self, writer: Writer, failure: Failure) -> None:
        message = failure.operation.origin
        if self._views[message.topic].dead_letters:
            self._dead(writer, message, UNMAPPABLE, failure.detail)
            return
        log.error(
            "indexer.letter_refused", topic=message.topic, partition=message.partition, offset=message.offset,
            error=failure.detail, hint="run tanggap search apply, then tanggap rebuild",
        )  # fmt: skip

    def _dead(self, writer: Writer, message: Message, reason: str, detail: str) -> None:
        attempt = 0
        while True:
            try:
                self._on_dead(message, reason, detail)
            except TransientError as error:
                attempt += 1
                log.warning("indexer.dead_waiting", error=type(error).__name__, attempt=attempt)
                if not self._wait(writer.delay(attempt)):
                    raise Stopped from error
            else:
                return

    def _wait(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._beat()
            if self._stop.wait(min(left, HEARTBEAT)):
                return False
        return self._going_on()

    def _wait_as_member(self, consumer: KafkaConsumer, seconds: float) -> bool:
        """Waits and stays in the group: a member that does not poll for five minutes is thrown out of it.

        What such a poll hands out of partitions that came with a rebalance is put back.
        """
        READY.labels("indexer").set(0)
        consumer.pause(*consumer.assignment())
        for partition, records in consumer.poll(timeout_ms=0).items():
            consumer.seek(partition, records[0].offset)
        return self._wait(seconds)

    def _going_on(self) -> bool:
        self._beat()
        return not self._stop.is_set()
