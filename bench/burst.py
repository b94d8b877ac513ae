"""300 complaints a second into the WhatsApp entrance: from acknowledgement to a readable and to a searchable ticket.

Open loop: each delivery has its scheduled instant, and a late one does not delay the next. A sample of tickets is
followed; the rest is counted at the end. The baseline is the same load on the same entrance with deliveries that carry
no complaint (statuses): receiver, sealing and Kafka alone.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from elasticsearch import AsyncElasticsearch

from ingestors.meta import hub_signature
from ingestors.vendor import Person
from ingestors.whatsapp import vendor
from ingestors.whatsapp.settings import WhatsAppSettings
from pipeline.clock import SystemClock
from pipeline.settings import CoreSettings
from schemas.base import encode
from tanggap.demo.stories import flood
from vault.store import Vault

from .city import usage

RATE = 300
SECONDS = 60
SAMPLE_EVERY = 100
SEARCH_EVERY = 1500
"""Few: the stand-in scans all documents for a search, 0.1 s at 2,000 tickets, and would measure the measuring."""
POLL_SECONDS = 0.02
DRAIN_SECONDS = 600


@dataclass
class Timings:
    """Seconds, one entry an event."""

    http: list[float] = field(default_factory=list)
    readable: list[float] = field(default_factory=list)
    searchable: list[float] = field(default_factory=list)
    refused: int = 0
    keys: list[str] = field(default_factory=list)


class Load:
    """Sends and follows."""

    def __init__(self, settings: CoreSettings, vault: Vault, http: aiohttp.ClientSession, search: Any) -> None:
        self._url = f"{settings.base_url}/webhooks/whatsapp"
        self._settings = WhatsAppSettings()
        self._vault = vault
        self._http = http
        self._search = search
        self.timings = Timings()
        self._followers: list[asyncio.Task[None]] = []

    async def run(self, *, complaints: bool, rate: int, seconds: int) -> None:
        """The whole load; returns when every delivery was answered and every follower has finished."""
        start = time.perf_counter() + 0.5
        tasks = []
        for number in range(rate * seconds):
            await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(self._one(number, complaints=complaints)))
        await asyncio.gather(*tasks)
        await asyncio.gather(*self._followers)

    async def _one(self, number: int, *, complaints: bool) -> None:
        body, key = self._complaint(number) if complaints else (self._status(), "")
        signature = hub_signature(body, self._settings.app_secret.get_secret_value())
        headers = {"X-Hub-Signature-256": signature, "Content-Type": "application/json"}
        began = time.perf_counter()
        while True:
            async with self._http.post(self._url, data=body, headers=headers) as answer:
                if answer.status == 200:
                    break
            self.timings.refused += 1
            await asyncio.sleep(0.5)
        acknowledged = time.perf_counter()
        self.timings.http.append(acknowledged - began)
        if key:
            self.timings.keys.append(key)
            if number % SAMPLE_EVERY == 0:
                self._followers.append(asyncio.create_task(self._follow(key, acknowledged, number)))

    def _complaint(self, number: int) -> tuple[bytes, str]:
        body = vendor.message(self._settings, Person(f"Warga Contoh {number}"), flood(number))
        return body, f"whatsapp:{self._settings.phone_number_id}:{vendor.message_id(body)}"

    def _status(self) -> bytes:
        status = {"id": f"wamid.{secrets.token_urlsafe(24)}", "status": "delivered", "timestamp": "1795000000"}
        value = {"metadata": {"phone_number_id": self._settings.phone_number_id}, "statuses": [status]}
        entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
        return encode({"object": "whatsapp_business_account", "entry": [entry]})

    async def _follow(self, key: str, acknowledged: float, number: int) -> None:
        """The ticket id is derived, so following needs no help from the product's own stages."""
        _, account, external_id = key.split(":", 2)
        ticket_id = self._vault.ticket_id("whatsapp", account, external_id)
        deadline = acknowledged + DRAIN_SECONDS
        while time.perf_counter() < deadline:
            if await self._search.exists(index="pengaduan-kasus", id=ticket_id):
                self.timings.readable.append(time.perf_counter() - acknowledged)
                break
            await asyncio.sleep(pause(acknowledged))
        while number % SEARCH_EVERY == 0 and time.perf_counter() < deadline:
            found = await self._search.count(index="pengaduan-kasus", query={"term": {"ticket_id": ticket_id}})
            if found["count"]:
                self.timings.searchable.append(time.perf_counter() - acknowledged)
                return
            await asyncio.sleep(pause(acknowledged))


def pause(since: float) -> float:
    """Seconds until the next look: a tenth of the waiting so far, so that watching a backlog does not add to it."""
    return min(2.0, max(POLL_SECONDS, (time.perf_counter() - since) / 10))


def spread(values: list[float]) -> dict[str, float]:
    """Milliseconds."""
    if not values:
        return {}
    ranked = sorted(values)
    pick = [ranked[min(len(ranked) - 1, int(len(ranked) * share))] for share in (0.5, 0.99)]
    return {
        "p50": pick[0] * 1000,
        "p99": pick[1] * 1000,
        "max": ranked[-1] * 1000,
        "mean": statistics.mean(ranked) * 1000,
    }


async def run(rate: int, seconds: int, parent: int) -> dict[str, Any]:
    """Against the running `tanggap up` with process id ``parent``; returns the figures."""
    settings = CoreSettings()
    vault = await asyncio.to_thread(Vault.open, settings, SystemClock())
    search = AsyncElasticsearch(settings.elasticsearch, request_timeout=30)
    connector = aiohttp.TCPConnector(limit=200)
    try:
        async with aiohttp.ClientSession(connector=connector) as http:
            baseline = Load(settings, vault, http, search)
            await baseline.run(complaints=False, rate=rate, seconds=max(5, seconds // 6))
            await asyncio.sleep(3)
            load = Load(settings, vault, http, search)
            began, before = time.perf_counter(), usage(parent)
            await load.run(complaints=True, rate=rate, seconds=seconds)
            decided = await _drained(vault, load.timings.keys)
            drained, after = time.perf_counter() - began, usage(parent)
    finally:
        await search.close()
        await asyncio.to_thread(vault.close)
    timings = load.timings
    return {
        "name": "burst",
        "rate_per_s": rate,
        "seconds": seconds,
        "sent": len(timings.keys),
        "tickets": decided,
        "lost": len(timings.keys) - decided,
        "refused_and_repeated": timings.refused,
        "seconds_until_drained": round(drained, 1),
        "baseline_http_ms": spread(baseline.timings.http),
        "http_ms": spread(timings.http),
        "readable_ms": spread(timings.readable),
        "searchable_ms": spread(timings.searchable),
        "followed": len(timings.readable),
        "cpu_ms_per_complaint": {
            name: round((cpu - before.get(name, (0.0, 0))[0]) * 1000 / len(timings.keys), 2)
            for name, (cpu, _) in sorted(after.items())
        },
        "memory_mb": {name: size // 2**20 for name, (_, size) in sorted(after.items())},
    }


async def _drained(vault: Vault, keys: list[str]) -> int:
    """Waits until every delivery has its decision; returns how many have."""
    hashes = [vault.hash_of(key) for key in keys]
    deadline = time.perf_counter() + DRAIN_SECONDS
    while True:
        known = await asyncio.to_thread(vault.lookup, hashes)
        if len(known.items) == len(keys) or time.perf_counter() > deadline:
            return len(known.items)
        await asyncio.sleep(1)
