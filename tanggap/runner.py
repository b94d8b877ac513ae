"""`tanggap run SERVICE…`: services in the foreground of one process, until a signal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence

import structlog
import uvloop

from pipeline import log as logs
from pipeline.health import AdminServer
from pipeline.log import safe_trace
from pipeline.metrics import READY
from pipeline.settings import CoreSettings

from .child import PARENT_PIPE
from .house import House, open_house
from .services import NUMBERS, PARTS, plan
from .web import serve

log = structlog.get_logger(__name__)

EXIT_CRASHED = 3


def run(names: Sequence[str], settings: CoreSettings) -> int:
    """Runs until SIGTERM or SIGINT; the exit code is 0 then, else 3: whoever supervises starts it again.

    Raises ``UnknownService`` before anything is started.
    """
    plan(names)
    logs.configure("+".join(names), settings.log_level)
    for part in (part for name in names for part in PARTS.get(name, ())):
        # Until it has said so itself: a process whose parts have not begun yet is not ready.
        READY.labels(part).set(0)
    return uvloop.run(_run(names, settings))


async def _run(names: Sequence[str], settings: CoreSettings) -> int:
    code = 0
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if os.environ.get(PARENT_PIPE):
        loop.add_reader(sys.stdin.fileno(), stop.set)
    try:
        async with open_house(settings) as house:
            admin = _admin(names, house)
            try:
                await _services(names, house, stop)
            finally:
                if admin is not None:
                    admin.stop()
    except* Exception as group:
        for error in _leaves(group):
            where = safe_trace(error)
            log.error("process.failed", where=where, hint=_hint(error))  # noqa: TRY400 - a trace would quote values
        code = EXIT_CRASHED
    return code


async def _services(names: Sequence[str], house: House, stop: asyncio.Event) -> None:
    http, runs = plan(names)
    async with asyncio.TaskGroup() as group:
        for one in runs:
            group.create_task(one(house, stop))
        if http:
            group.create_task(serve(http, house, stop))


def _admin(names: Sequence[str], house: House) -> AdminServer | None:
    """Health and metrics of the process on the port of its first service; a taken port is reported, not fatal."""
    port = house.settings.metrics_base_port + NUMBERS[names[0]]

    def checks() -> Mapping[str, bool]:
        found = {"kafka": house.publisher.connected, "keys": len(house.keys) > 0}
        for metric in READY.collect():
            found |= {sample.labels["service"]: sample.value == 1 for sample in metric.samples}
        return found

    try:
        server = AdminServer(house.settings.host, port, checks)
    except OSError as error:
        log.warning("admin.port-taken", port=port, error=type(error).__name__)
        return None
    server.start()
    return server


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


def _hint(error: BaseException) -> str:
    """Our own configuration errors explain themselves; what a library says may quote records and is left out."""
    own = type(error).__module__.split(".")[0]
    return (
        str(error) if own in {"vault", "normalizer", "router", "sla_monitor", "responder", "media", "tanggap"} else ""
    )
