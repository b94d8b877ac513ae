"""How long to wait after asking a broker in vain.

Kafka holds an empty fetch back for ``fetch.max.wait.ms``; noida-db answers it at once, and a consumer that asks again
without a pause burns a third of a core while nothing happens.
"""

from __future__ import annotations

import time
from typing import Any

PAUSES = (0.002, 0.005, 0.01, 0.02)
"""Seconds; the last is the most that an idle consumer adds to a record's way."""


class Pacing:
    """Grows while nothing comes; the first record ends the growth."""

    def __init__(self) -> None:
        self._empty = 0

    def after(self, found: bool) -> float:
        """Seconds to wait before the next question."""
        if found:
            self._empty = 0
            return 0.0
        self._empty = min(self._empty + 1, len(PAUSES))
        return PAUSES[self._empty - 1]


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
