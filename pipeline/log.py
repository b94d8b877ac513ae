"""Structured logs: ECS JSON lines with an allow-list of fields, so that nothing personal can slip in by a new key."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any

import ecs_logging
import structlog

ALLOWED = frozenset({
    "event", "level", "logger", "service", "instance", "channel", "account_id", "topic", "partition", "offset", "stage",
    "reason", "attempt", "count", "seconds", "ticket_id", "number", "kind", "error", "where", "port", "address", "path",
    "status", "method", "key_id", "group", "state", "lag", "signal", "process", "restarts", "version", "hint", "field",
    "template", "url",
})  # fmt: skip
MAX_VALUE = 300
_CONTROL = dict.fromkeys((*range(32), 127, *range(128, 160)), " ")


def safe_trace(error: BaseException) -> str:
    """Where an error was raised: file and line of the last frames, without values and without its message."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
    return f"{type(error).__name__} at {' < '.join(reversed(places))}"


def _allow(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    exc = event.pop("exc_info", None)
    if exc is True:
        exc = sys.exc_info()
    if isinstance(exc, tuple):
        exc = exc[1]
    if isinstance(exc, BaseException):
        event["where"] = safe_trace(exc)
    kept = {name: value for name, value in event.items() if name in ALLOWED}
    for name, value in kept.items():
        if not isinstance(value, int | float | bool | type(None)):
            kept[name] = str(value)[:MAX_VALUE].translate(_CONTROL)
    return kept


_formatter = ecs_logging.StructlogFormatter()


def _ecs(logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
    return _formatter(logger, name, dict(event))


class _Foreign(logging.Handler):
    """Logs of libraries: their name, level and place only, because their messages may quote records."""

    def emit(self, record: logging.LogRecord) -> None:
        error: BaseException | None = None
        if isinstance(record.exc_info, tuple):
            error = record.exc_info[1]
        structlog.get_logger(record.name).log(
            record.levelno,
            "library.message",
            logger=record.name,
            where=safe_trace(error) if error else f"{record.filename}:{record.lineno} {record.funcName}",
        )


def configure(service: str, level: str = "info") -> None:
    """Sends the logs of this process to standard error. ``service`` names it on every line."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _allow,
            _ecs,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    root = logging.getLogger()
    root.handlers[:] = [_Foreign()]
    root.setLevel(max(threshold, logging.WARNING))
    # kafka-python warns of every callback over 100 ms, which says nothing on a busy machine.
    logging.getLogger("kafka.net.selector").setLevel(logging.ERROR)
    sys.excepthook = _uncaught


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger(__name__).error("process.crashed", where=safe_trace(error.with_traceback(trace)))
