"""`tanggap up`, what `make run` runs: the embedded default or given clusters, every service, one Ctrl-C."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import structlog

from indexer.templates import search_apply
from ingestors.registry import CHANNELS
from pipeline import log as logs
from pipeline import topics
from pipeline.clock import SystemClock
from pipeline.settings import CoreSettings
from schemas.base import encode
from vault.store import Vault

from .child import Child
from .demo.files import vendor_addresses
from .demo_people import ensure_demo_accounts
from .services import NUMBERS, ingests
from .standin import StandIn

GROUPS: tuple[tuple[str, ...], ...] = (
    ("normalizer",),
    ("router", "casework", "sla-monitor"),
    ("responder", "indexer", "media"),
    ("webhooks", "portal", *(word for name in CHANNELS if ingests(CHANNELS[name]) for word in ("ingest", name))),
)
"""Processes of the embedded default, in the order of starting: readers before writers. Stopped the other way round."""
READY_SECONDS = 60.0

log = structlog.get_logger(__name__)


class StartError(Exception):
    """Cannot start; the message says why and what to do."""


@asynccontextmanager
async def single(settings: CoreSettings) -> AsyncIterator[None]:
    """One supervisor per data folder. Raises ``StartError`` for the second."""
    folder = settings.data_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "supervisor.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(f"Tanggap runs already on {folder.absolute()}: stop it, or set TANGGAP_DATA_DIR") from None
        yield


async def up(settings: CoreSettings, *, embedded: bool, as_json: bool = False) -> None:
    """Until SIGINT or SIGTERM. Raises ``StartError`` and ``StandInError``.

    ``as_json``: standard output gets one JSON line, once everything is ready; words for people go beside it.
    """
    tell = partial(print, flush=True, file=sys.stderr if as_json else sys.stdout)
    logs.configure("supervisor", "warning")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    async with single(settings):
        standin = StandIn(settings) if embedded else None
        played = vendor_addresses(settings) if settings.env == "development" else {}
        children = [_child(group, settings, played) for group in GROUPS]
        try:
            if standin is not None:
                tell("Menyalakan Kafka dan Elasticsearch tiruan (noida-db) …")
                await standin.start()
            tell("Menyiapkan topik, indeks dan brankas data …")
            await asyncio.to_thread(prepare, settings)
            tell("Menyalakan layanan …")
            for child in children:
                child.start()
            if await _ready(settings, stop):
                _announce(settings, as_json=as_json)
                await _watch(standin, stop)
        finally:
            tell("Mematikan layanan …")
            for child in reversed(children):
                await child.stop()
            if standin is not None:
                await standin.stop()
            tell("Selesai.")


def _child(group: Sequence[str], settings: CoreSettings, played: Mapping[str, str]) -> Child:
    env = {
        **played,
        "TANGGAP_KAFKA": settings.kafka,
        "TANGGAP_ELASTICSEARCH": settings.elasticsearch,
        "TANGGAP_DATA_DIR": str(settings.data_dir),
    }
    command = [sys.executable, "-m", "tanggap", "run", *group]
    return Child(group[0], command, env, settings.data_dir / "logs" / f"{group[0]}.log")


def prepare(settings: CoreSettings) -> None:
    """Topics, indices, the vault's tables, and in development the demo accounts. Safe to repeat."""
    topics.apply(settings, list(CHANNELS))
    search_apply(settings)
    vault = Vault.open(settings, SystemClock())
    try:
        if settings.env == "development":
            ensure_demo_accounts(vault)
    finally:
        vault.close()


async def _ready(settings: CoreSettings, stop: asyncio.Event) -> bool:
    """Waits for every process. Raises ``StartError`` after a minute, naming the log to read."""
    deadline = asyncio.get_running_loop().time() + READY_SECONDS
    async with httpx.AsyncClient(timeout=2) as client:
        for group in GROUPS:
            port = settings.metrics_base_port + NUMBERS[group[0]]
            while not await _answers(client, f"http://{settings.host}:{port}/readyz"):
                if stop.is_set():
                    return False
                if asyncio.get_running_loop().time() > deadline:
                    path = settings.data_dir.absolute() / "logs" / f"{group[0]}.log"
                    raise StartError(f"{group[0]} is not ready after {READY_SECONDS:.0f} s: read {path}")
                await asyncio.sleep(0.1)
    return True


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).is_success
    except httpx.HTTPError:
        return False


async def _watch(standin: StandIn | None, stop: asyncio.Event) -> None:
    while not stop.is_set():
        if standin is not None and not standin.alive():
            raise StartError("the stand-in for Kafka has ended by itself: start again; see .data/logs/noida.log")
        try:
            await asyncio.wait_for(stop.wait(), 1)
        except TimeoutError:
            continue


def _announce(settings: CoreSettings, *, as_json: bool) -> None:
    if as_json:
        where = {"base_url": settings.base_url, "kafka": settings.kafka, "elasticsearch": settings.elasticsearch}
        lines = [encode({"ready": True, **where, "data_dir": str(settings.data_dir)}).decode()]
    else:
        lines = [
            f"Tanggap siap: {settings.base_url}",
            f"  Operasi   {settings.base_url}/operasi   (masuk sebagai operasi / demo-operasi)",
            f"  Loket     {settings.base_url}/loket     (masuk sebagai loket / demo-loket)",
            f"  OPD       {settings.base_url}/opd       (masuk sebagai dishub / demo-dishub)",
            "  Contoh    make demo di terminal lain; Ctrl-C di sini menghentikan semuanya",
        ]
    print("\n".join(lines), flush=True)


def absolute(settings: CoreSettings) -> CoreSettings:
    """The same settings with a data folder that does not depend on the working directory."""
    return settings.model_copy(update={"data_dir": Path(os.path.abspath(settings.data_dir))})  # noqa: PTH100 - no symlinks
