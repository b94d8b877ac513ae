"""The services by name: what `tanggap run` can run, alone or together in one process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial

import structlog

from casework.stage import CaseworkStage
from ingestors.catchup import catch_up
from ingestors.registry import CHANNELS
from normalizer.decode_stage import DecodeStage
from normalizer.joining import load_rules
from normalizer.reader import Reader
from normalizer.unify import UnifyStage
from pipeline.channel import Channel, Sender
from pipeline.errors import TransientError
from pipeline.fate import backoff
from pipeline.outbox import dead_record
from pipeline.stage import Message, Stage
from pipeline.worker import StageWorker
from responder.service import Responder
from router.rulebook import load_rulebook
from router.stage import RouterStage
from sla_monitor.policy import load_policy
from sla_monitor.stage import SlaStage

from .house import House

log = structlog.get_logger(__name__)

Run = Callable[[House, asyncio.Event], Coroutine[None, None, None]]

HTTP = ("webhooks", "portal")
"""Share one port and one server when they run in one process."""

PARTS = {
    "normalizer": ("decode", "unify"),
    "router": ("router",),
    "casework": ("casework",),
    "sla-monitor": ("sla-monitor",),
    "responder": ("responder", "responder-outbox"),
    "indexer": ("indexer",),
    "media": ("media",),
}
"""What of a service reports that it is ready (``pipeline.metrics.READY``)."""

NUMBERS = {
    "webhooks": 0, "portal": 1, "ingest": 2, "normalizer": 3, "router": 4, "casework": 5, "sla-monitor": 6,
    "responder": 7, "indexer": 8, "media": 9,
}  # fmt: skip
"""Each service's place after TANGGAP_METRICS_BASE_PORT."""


class UnknownService(Exception):
    """A name that is no service."""


async def run_stage(stage: Stage, house: House, stop: asyncio.Event) -> None:
    """One stage until ``stop``."""
    await StageWorker(stage, house.settings, house.publisher, house.keys, house.clock).run(stop)


async def normalizer(house: House, stop: asyncio.Event) -> None:
    """Decode and unify."""
    reader = await asyncio.to_thread(Reader.load, house.settings.boundaries)
    decoders = {name: channel.decode for name, channel in CHANNELS.items()}
    async with asyncio.TaskGroup() as group:
        decoding = DecodeStage(decoders, house.keys, house.vault, house.settings.tenant)
        group.create_task(run_stage(decoding, house, stop))
        group.create_task(run_stage(UnifyStage(reader, load_rules(), house.keys, house.vault), house, stop))


async def router(house: House, stop: asyncio.Event) -> None:
    """Assignments by the rulebook."""
    await run_stage(RouterStage(load_rulebook()), house, stop)


async def casework(house: House, stop: asyncio.Event) -> None:
    """The single writer of tickets."""
    await run_stage(CaseworkStage(), house, stop)


async def sla_monitor(house: House, stop: asyncio.Event) -> None:
    """Clocks."""
    await run_stage(SlaStage(load_policy(), house.clock), house, stop)


async def responder(house: House, stop: asyncio.Event) -> None:
    """Answers on the channel each complaint came by."""
    senders = {name: make_sender(channel, house) for name, channel in CHANNELS.items() if channel.sender is not None}
    service = Responder(house.settings, senders, house.vault, house.publisher, house.keys, house.clock)
    try:
        await service.run(stop)
    finally:
        for sender in senders.values():
            if sender is not None:
                await sender.close()


def make_sender(channel: Channel, house: House) -> Sender | None:
    """The channel's sender, or None where it has no credentials here."""
    return channel.sender(channel.settings(), house.cursors, house.clock) if channel.sender is not None else None


async def ingest(channel: Channel, house: House, stop: asyncio.Event) -> None:
    """A channel's poller or server, and its catch-up beside it: each started again, with back-off, when it ends."""
    settings = channel.settings()
    history = channel.history(settings, house.cursors, house.clock) if channel.history is not None else None
    if channel.ingest is None and history is None:
        log.info("ingest.nothing", channel=channel.name, hint="set the channel's credentials to catch up by listing")
        await stop.wait()
        return
    async with asyncio.TaskGroup() as group:
        if channel.ingest is not None:
            receive = channel.ingest
            group.create_task(_again(channel, lambda: receive(settings, house.intake, house.cursors), stop))
        if history is not None:
            look = partial(catch_up, channel, history, house.intake, house.cursors, house.clock)
            group.create_task(_again(channel, look, stop))


async def _again(channel: Channel, start: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    attempt = 0
    while not stop.is_set():
        task = asyncio.ensure_future(start())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if stop.is_set():
            return
        error = task.exception()
        if error is not None and not isinstance(error, TransientError | OSError):
            raise error
        log.warning("ingest.ended", channel=channel.name, error=type(error).__name__, attempt=attempt)
        await asyncio.sleep(backoff(attempt))
        attempt += 1


async def indexer(house: House, stop: asyncio.Event) -> None:
    """Writes the search view; its clients block, so it has a thread of its own."""
    from indexer.service import run as run_indexer

    loop = asyncio.get_running_loop()
    halted = threading.Event()

    def on_dead(message: Message, reason: str, detail: str) -> None:
        letter = dead_record("indexer", house.settings.tenant, house.keys, message, reason, detail, house.clock.now())
        asyncio.run_coroutine_threadsafe(house.publisher.publish([letter]), loop).result()

    work = asyncio.create_task(asyncio.to_thread(run_indexer, house.settings, halted, on_dead=on_dead))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    halted.set()
    await work


async def media(house: House, stop: asyncio.Event) -> None:
    """Fetches files of messages, and gives them out on a port of their own."""
    from media.serve import application
    from media.service import Media

    from .web import listen

    sources = {
        name: channel.media(channel.settings()) for name, channel in CHANNELS.items() if channel.media is not None
    }
    service = Media(house.settings, sources, house.vault, house.publisher, house.intake, house.keys, house.clock)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(service.run(stop))
            group.create_task(listen(application(house.vault), house.settings.host, house.settings.media_port, stop))
    finally:
        for source in sources.values():
            if source is not None:
                await source.close()


RUNNERS: dict[str, Run] = {
    "normalizer": normalizer,
    "router": router,
    "casework": casework,
    "sla-monitor": sla_monitor,
    "responder": responder,
    "indexer": indexer,
    "media": media,
}


def plan(names: Sequence[str]) -> tuple[list[str], list[Run]]:
    """HTTP services and runners for the words after `tanggap run`; ``ingest`` is followed by a channel.

    Raises ``UnknownService`` naming what there is.
    """
    http: list[str] = []
    runs: list[Run] = []
    words = iter(names)
    for word in words:
        if word in HTTP:
            http.append(word)
        elif word == "ingest":
            runs.append(_ingest(next(words, "")))
        elif word in RUNNERS:
            runs.append(RUNNERS[word])
        else:
            raise UnknownService(f"no service {word!r}; there are {', '.join([*HTTP, 'ingest CHANNEL', *RUNNERS])}")
    return http, runs


def ingests(channel: Channel) -> bool:
    """Whether ``ingest`` has something to run for the channel: a poller, a server, or the vendor's listing."""
    return channel.ingest is not None or channel.history is not None


def _ingest(name: str) -> Run:
    channel = CHANNELS.get(name)
    if channel is None or not ingests(channel):
        able = [one.name for one in CHANNELS.values() if ingests(one)]
        raise UnknownService(f"`ingest` needs a channel after it that polls, listens or is listed: {', '.join(able)}")
    return partial(ingest, channel)
