"""The error's type decides the fate of the record that caused it."""

from __future__ import annotations


class InvalidItem(Exception):
    """The record can never be processed: it becomes a dead letter with ``reason`` (a code of docs/reasons.md).

    ``detail`` must not quote the record.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class TransientError(Exception):
    """Something we need is away: the record is tried again until it works, and nothing behind it overtakes."""


class Backpressure(TransientError):
    """The counterpart asked for a pause of ``retry_after`` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"retry after {retry_after:.1f} s")
        self.retry_after = retry_after


class Unavailable(TransientError):
    """Kafka or the vault cannot take the record now: a webhook answers 503, a poller keeps its cursor."""


class Rejected(Exception):
    """What came cannot be taken: answered with ``status`` and a problem+json body; nothing reaches Kafka."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        super().__init__(status, reason, detail)
        self.status = status
        self.reason = reason
        self.detail = detail
