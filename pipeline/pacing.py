"""How long to wait after asking a broker in vain.

Kafka holds an empty fetch back for ``fetch.max.wait.ms``; noida-db answers it at once, and a consumer that asks again
without a pause burns a third of a core while nothing happens.
"""

from __future__ import annotations

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
