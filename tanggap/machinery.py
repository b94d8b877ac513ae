"""The state of the machinery for the operations page: lag per service, dead letters, outbox."""

from __future__ import annotations

import asyncio
import time

import structlog
from elasticsearch import ApiError, AsyncElasticsearch, TransportError
from kafka.errors import KafkaError

from pipeline.lag import LagMeter
from pipeline.settings import CoreSettings
from portal.deps import Health, ServiceHealth

from .channel_watch import ChannelWatch

log = structlog.get_logger(__name__)

GROUPS = {
    "decode": "Pembacaan", "unify": "Penyatuan", "router": "Rute", "casework": "Kasus", "sla-monitor": "Tenggat",
    "responder": "Penjawab", "responder-outbox": "Kotak keluar", "indexer": "Indeks", "media": "Media",
}  # fmt: skip
"""Consumer groups (after ``tanggap-``) and their names on the page, in the order of the walk."""
CACHE_SECONDS = 2.0


class Machinery:
    """Asks Kafka and Elasticsearch at most every two seconds, however many pages are open."""

    def __init__(self, settings: CoreSettings, search: AsyncElasticsearch, channels: ChannelWatch) -> None:
        self._settings = settings
        self._search = search
        self._channels = channels
        self._meter: LagMeter | None = None
        self._lock = asyncio.Lock()
        self._cached: Health = {}
        self._at = 0.0

    async def health(self) -> Health:
        """``portal.deps.Health``; a part that cannot be asked is missing or marked as stopped."""
        async with self._lock:
            if time.monotonic() - self._at > CACHE_SECONDS:
                self._cached = await self._ask()
                self._at = time.monotonic()
            return self._cached

    async def _ask(self) -> Health:
        try:
            services = await asyncio.to_thread(self._services)
        except (KafkaError, OSError) as error:
            log.warning("machinery.kafka-away", error=type(error).__name__)
            self._meter = None
            services = [ServiceHealth(name=title, state="mati", lag=None) for title in GROUPS.values()]
        return Health(
            channels=self._channels.rows(),
            services=services,
            dead_letters=await self._terms("pengaduan-gagal", "reason"),
            outbox=await self._terms("pengaduan-jawaban", "state"),
        )

    async def _terms(self, index: str, field: str) -> dict[str, int]:
        try:
            found = await self._search.search(
                index=index, size=0, aggs={"by": {"terms": {"field": field, "size": 50}}}, ignore_unavailable=True
            )
        except (ApiError, TransportError) as error:
            log.warning("machinery.search-away", error=type(error).__name__)
            return {}
        buckets = found.body.get("aggregations", {}).get("by", {}).get("buckets", [])
        return {str(bucket["key"]): int(bucket["doc_count"]) for bucket in buckets}

    def _services(self) -> list[ServiceHealth]:
        if self._meter is None:
            self._meter = LagMeter(self._settings.kafka)
        return [
            ServiceHealth(name=GROUPS[group.name], state="jalan" if group.alive else "mati", lag=group.lag)
            for group in self._meter.measure(GROUPS)
        ]
