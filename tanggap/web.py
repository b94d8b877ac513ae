"""One HTTP server for webhooks and portal, wherever they run together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import uvicorn
from elasticsearch import AsyncElasticsearch
from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp

from ingestors import webhooks
from ingestors.counter import form_from, submit
from ingestors.registry import CHANNELS
from normalizer.gazetteer import Gazetteer
from normalizer.reader import Reader
from normalizer.text import Lexicon
from pipeline.headers import record_headers
from pipeline.problem import problem
from pipeline.publisher import Outbound
from portal.app import routes as portal_routes
from portal.deps import PortalDeps
from portal.elastic import ElasticCases
from portal.errors import install
from portal.words import name_channels
from router.rulebook import load_rulebook
from schemas.base import Record, encode
from schemas.topics import Topic

from .channel_watch import ChannelWatch
from .house import House
from .machinery import Machinery

GRACE_SECONDS = 5
KEEP_ALIVE_SECONDS = 15
MAX_CONNECTIONS = 1000


async def serve(names: Sequence[str], house: House, stop: asyncio.Event) -> None:
    """Answers until ``stop``; requests in hand are finished."""
    search = AsyncElasticsearch(house.settings.elasticsearch, request_timeout=5, max_retries=0)
    try:
        watch = ChannelWatch(house.settings, CHANNELS, house.cursors, house.clock)
        app = await asyncio.to_thread(build, names, house, search, watch)
        watching = asyncio.create_task(watch.run()) if "portal" in names else None
        try:
            await listen(app, house.settings.host, house.settings.port, stop)
        finally:
            if watching is not None:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
    finally:
        await search.close()


async def listen(app: ASGIApp, host: str, port: int, stop: asyncio.Event) -> None:
    """Serves ``app`` until ``stop``. Raises ``OSError`` when the server ends by itself."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    await serving
    if not stop.is_set():
        raise OSError(f"the HTTP server on port {port} ended: is the port taken?")


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: the runner has its own."""

    def install_signal_handlers(self) -> None:
        """The runner stops all services of the process together."""


def build(names: Sequence[str], house: House, search: AsyncElasticsearch, watch: ChannelWatch) -> FastAPI:
    """The application for these services."""
    app = FastAPI(title="Tanggap", docs_url=None, redoc_url=None, openapi_url=None)
    _health(app, house, search)
    if "webhooks" in names:
        hooks = {
            channel.name: channel.webhook(channel.settings())
            for channel in CHANNELS.values()
            if channel.webhook is not None
        }
        app.include_router(webhooks.routes(hooks, house.intake, house.clock))
    if "portal" in names:
        install(app)
        app.include_router(portal_routes(portal_deps(house, search, watch)))
    return app


def _health(app: FastAPI, house: House, search: AsyncElasticsearch) -> None:
    @app.get("/healthz")
    async def healthz() -> Response:
        return Response(encode({"status": "ok"}), media_type="application/json")

    @app.get("/readyz")
    async def readyz() -> Response:
        checks = {"kafka": house.publisher.connected, "keys": len(house.keys) > 0}
        checks["search"] = await reachable(search)
        status = 200 if all(checks.values()) else 503
        return Response(encode({"ready": status == 200, "checks": checks}), status, media_type="application/json")

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        return problem(500, "http.unforeseen", "Something went wrong here; it is logged. Try again.")


async def reachable(search: AsyncElasticsearch) -> bool:
    """Whether Elasticsearch answers."""
    try:
        return bool(await search.ping())
    except OSError:
        return False


class Commands:
    """``portal.deps.Publisher``: what pages publish is always a record in clear."""

    def __init__(self, house: House) -> None:
        self._publisher = house.publisher

    async def publish(self, topic: Topic, key: str, record: Record) -> None:
        """See ``portal.deps.Publisher``."""
        meta = record_headers(topic, record, "portal", subject=key)
        await self._publisher.publish([Outbound(topic.name, key, encode(record), meta)])


def portal_deps(house: House, search: AsyncElasticsearch, watch: ChannelWatch) -> PortalDeps:
    """Everything that pages use, from the rooms they must not import."""
    name_channels({channel.name: channel.title for channel in CHANNELS.values()})
    machinery = Machinery(house.settings, search, watch)
    units = [(unit.code, unit.name) for unit in load_rulebook().units.values() if unit.has_inbox]
    places = Gazetteer.load(Lexicon.load()).kelurahan.values()
    kelurahan = [(f"KEL:{place.code}", f"Kelurahan {place.name}") for place in places]
    reader = Reader.load()
    return PortalDeps(
        tenant=house.settings.tenant,
        base_url=house.settings.base_url,
        media_url=house.settings.media_url,
        vault=house.vault,
        cases=ElasticCases(search),
        commands=Commands(house),
        submit_counter=_submit(house),
        ticket_of_item=ticket_of_item(house),
        mask=reader.mask,
        units=[*units, *kelurahan],
        categories=list(reader.category_names().items()),
        health=machinery.health,
        clock=house.clock,
    )


def _submit(house: House) -> Callable[[dict[str, str | None]], Awaitable[str]]:
    async def submit_counter(fields: dict[str, str | None]) -> str:
        now = house.clock.now()
        return await submit(form_from(fields, now), house.intake, now)

    return submit_counter


def ticket_of_item(house: House) -> Callable[[str], Awaitable[tuple[str, str] | None]]:
    """Idempotency key to (ticket id, number), once the normalizer has decided."""

    async def find(key: str) -> tuple[str, str] | None:
        hashed = house.vault.hash_of(key)
        known = await asyncio.to_thread(house.vault.lookup, [hashed])
        found = known.items.get(hashed)
        return (found.ticket_id, found.number) if found else None

    return find
