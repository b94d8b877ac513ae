"""How long to wait between two questions to a broker.

While records come, a short rest gathers more of them into each batch: what a batch costs (a fetch, an acknowledgement,
a transaction) is then shared. While none come, rests grow: Kafka holds an empty fetch back for ``fetch.max.wait.ms``,
but noida-db answers it at once, and a consumer that asks again without a pause burns a third of a core for nothing.
"""

from __future__ import annotations

import time
from typing import Any

BUSY_SECONDS = 0.01
IDLE_SECONDS = 0.03
"""The most that an idle consumer adds to a record's way, unless it says otherwise."""


class Pacing:
    """One consumer's rests: ``asked`` after each question, ``wait`` before the next."""

    def __init__(self, busy: float = BUSY_SECONDS, idle: float = IDLE_SECONDS) -> None:
        self._busy = busy
        self._idle = idle
        self._rest = busy
        self._next = 0.0

    def asked(self, found: bool) -> None:
        """An answer has come; ``found``: with records."""
        self._rest = self._busy if found else min(self._rest * 1.5, self._idle)
        self._next = time.monotonic() + self._rest

    def wait(self) -> float:
        """Seconds until the next question."""
        return max(0.0, self._next - time.monotonic())


JOINING_MS = 250
PATIENT_MS = 25
PATIENT_EVERY_SECONDS = 1.0
"""kafka-python joins its group and follows rebalances only inside a poll that may wait."""


class Polling:
    """Polls a kafka-python consumer: mostly without waiting inside it, where it would spin on noida-db."""

    def __init__(self, consumer: Any, max_records: int) -> None:
        self._consumer = consumer
        self._max_records = max_records
        self._patient_at = float("-inf")

    def poll(self) -> dict[Any, list[Any]]:
        """Records by partition. Blocks for a quarter of a second at most; raises kafka-python's errors."""
        now = time.monotonic()
        joining = not self._consumer.assignment()
        patient = joining or now - self._patient_at > PATIENT_EVERY_SECONDS
        if patient:
            self._patient_at = now
        wait = JOINING_MS if joining else PATIENT_MS if patient else 0
        found: dict[Any, list[Any]] = self._consumer.poll(timeout_ms=wait, max_records=self._max_records)
        return found


FETCH_LIMITS = {"fetch_max_bytes": 16 * 1024 * 1024, "receive_message_max_bytes": 2_000_000_000}
"""Consumer settings. Kafka keeps to the first; noida-db answers with all that is left of a partition, and a frame over
kafka-python's own limit of 100 MB would be refused again and again."""
