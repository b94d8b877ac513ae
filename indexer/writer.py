"""Bulk writing that ends in one of two ways for every document: the index has it (or a newer one), or never will.

Documents carry external versions, so a repeated request does no harm: time-outs are tried again without asking what
became of them, and "conflict" means that the index is already ahead (measured: a refused replay costs half a write).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import msgspec
import structlog
from elasticsearch import ApiError, Elasticsearch, TransportError

from pipeline.metrics import RETRIES
from pipeline.settings import CoreSettings
from pipeline.stage import Message

log = structlog.get_logger(__name__)

CHUNK = 500
CHUNK_BYTES = 5_000_000
IN_FLIGHT = 2
"""Requests at once: two give 1.4 to 1.7 times one; the server, not we, is then the limit."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0
"""Seconds; short enough that the view is current again within seconds of the end of an outage."""
FILTER = "errors,items.*.status,items.*.error.type,items.*.error.caused_by.type"
CONFLICT = "version_conflict_engine_exception"

Wait = Callable[[float], bool]
"""Waits that many seconds; False means that the process should end."""


@dataclass(frozen=True)
class Operation:
    """One document to write, or with ``source`` None to delete.

    ``index`` is an alias; ``origin`` the record the document was made of.
    """

    index: str
    id: str
    version: int
    source: bytes | None
    origin: Message

    def lines(self) -> list[bytes]:
        """Action and source of the bulk body.

        A deletion has no version of its own (a Kafka tombstone has no sequence number): it takes what is there.
        """
        if self.source is None:
            return [msgspec.json.encode({"delete": {"_index": self.index, "_id": self.id}})]
        action = {"_index": self.index, "_id": self.id, "version": self.version, "version_type": "external"}
        return [msgspec.json.encode({"index": action}), self.source]


@dataclass(frozen=True)
class Failure:
    """A document that Elasticsearch will never take. ``detail`` is the type of its error: its text quotes values."""

    operation: Operation
    detail: str


class Stopped(Exception):
    """The caller's ``Wait`` ended the work; nothing may be committed."""


class IndexMissing(Exception):
    """The alias or its index is gone: apply the templates, then fill the index from Kafka."""


@dataclass
class _Answer:
    again: list[Operation] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    reason: str = ""
    missing: bool = False


def connect(settings: CoreSettings, timeout: float = 30.0) -> Elasticsearch:
    """A client that never repeats a request by itself: the writer decides. ``timeout`` in seconds per request."""
    return Elasticsearch(
        settings.elasticsearch, request_timeout=timeout, max_retries=0, connections_per_node=IN_FLIGHT + 1
    )


def newest(operations: Iterable[Operation]) -> list[Operation]:
    """The newest operation per document, in order of first appearance. A deletion outdates what stood before it."""
    kept: dict[tuple[str, str], Operation] = {}
    for operation in operations:
        key = (operation.index, operation.id)
        known = kept.get(key)
        versioned = known is not None and known.source is not None and operation.source is not None
        if known is None or not versioned or operation.version >= known.version:
            kept[key] = operation
    return list(kept.values())


class Writer:
    """Sends batches. A context manager, because it owns the threads of the requests in flight."""

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client
        self._pool = ThreadPoolExecutor(IN_FLIGHT, "bulk")
        self._random = random.SystemRandom()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    def write(self, operations: Iterable[Operation], wait: Wait) -> list[Failure]:
        """Returns once every document is in the index or refused for good; waits for as long as that takes.

        Raises ``IndexMissing`` (alias or index gone) and ``Stopped``; both leave documents unwritten.
        """
        pending = newest(operations)
        failures: list[Failure] = []
        attempt = 0
        while pending:
            answers = list(self._pool.map(self._send, _chunks(pending)))
            failures += [failure for answer in answers for failure in answer.failures]
            if any(answer.missing for answer in answers):
                raise IndexMissing(pending[0].index)
            again = [operation for answer in answers for operation in answer.again]
            attempt = 1 if len(again) < len(pending) else attempt + 1
            pending = again
            if pending:
                self._pause(pending, attempt, next(answer.reason for answer in answers if answer.again), wait)
        return failures

    def _pause(self, pending: Sequence[Operation], attempt: int, reason: str, wait: Wait) -> None:
        seconds = self.delay(attempt)
        RETRIES.labels("indexer").inc()
        log.warning("search.waiting", reason=reason, count=len(pending), attempt=attempt, seconds=round(seconds, 2))
        if not wait(seconds):
            raise Stopped

    def delay(self, attempt: int) -> float:
        """Seconds before the next attempt: doubling, bounded, with jitter so that instances do not return in step."""
        bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt - 1, 10))
        return bound * self._random.uniform(0.5, 1.0)

    def _send(self, chunk: list[Operation]) -> _Answer:
        body = [line for operation in chunk for line in operation.lines()]
        try:
            # Lines that are encoded already pass through the client's serializer untouched; its types do not say so.
            operations: Any = body
            response = self._client.bulk(operations=operations, require_alias=True, filter_path=FILTER)
        except ApiError as error:
            if error.status_code == 413:
                return self._split(chunk)
            # A refusal of the whole request is never one document's fault (ids and versions are checked when the
            # document is built): waiting loses nothing, dead-lettering would empty the topic into crm.deadletters.
            return _Answer(again=chunk, reason=f"http {error.status_code}")
        except TransportError as error:
            return _Answer(again=chunk, reason=type(error).__name__)
        return _read(chunk, response.body)

    def _split(self, chunk: list[Operation]) -> _Answer:
        if len(chunk) == 1:
            return _Answer(failures=[Failure(chunk[0], "request_entity_too_large")])
        middle = len(chunk) // 2
        first, second = self._send(chunk[:middle]), self._send(chunk[middle:])
        return _Answer(
            first.again + second.again,
            first.failures + second.failures,
            first.reason or second.reason,
            first.missing or second.missing,
        )


def _chunks(operations: Sequence[Operation]) -> Iterator[list[Operation]]:
    chunk: list[Operation] = []
    size = 0
    for operation in operations:
        length = len(operation.source or b"")
        if chunk and (len(chunk) == CHUNK or size + length > CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(operation)
        size += length
    if chunk:
        yield chunk


def _read(chunk: list[Operation], body: Any) -> _Answer:
    """Sorts the items of a bulk answer. Something that does not answer for every document is no answer."""
    if not isinstance(body, dict) or not isinstance(body.get("errors"), bool):
        return _Answer(again=chunk, reason="no bulk answer")
    if not body["errors"]:
        return _Answer()
    items = body.get("items", [])
    if len(items) != len(chunk):
        return _Answer(again=chunk, reason="incomplete bulk answer")
    answer = _Answer()
    for operation, item in zip(chunk, items, strict=True):
        (result,) = item.values()
        _sort(answer, operation, result["status"], result.get("error") or {})
    return answer


def _sort(answer: _Answer, operation: Operation, status: int, error: dict[str, Any]) -> None:
    kind = error.get("type", "")
    if status < 300 or kind == CONFLICT:
        return
    if status == 404:
        # Without an error: a deletion of what is not there.
        answer.missing = answer.missing or bool(kind)
    elif status in {400, 413}:
        cause = (error.get("caused_by") or {}).get("type")
        answer.failures.append(Failure(operation, f"{kind} ({cause})" if cause else kind))
    else:
        answer.again.append(operation)
        answer.reason = answer.reason or f"{status} {kind}"
