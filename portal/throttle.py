"""Token buckets in memory: how often one client may miss."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from datetime import datetime

from fastapi import Request

from pipeline.clock import Clock

MAX_CLIENTS = 20_000


class Throttle:
    """Lets each client miss ``limit`` times a minute; forgets the longest silent client beyond 20,000."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._clients: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def wait(self, client: str) -> int:
        """Seconds until the client may try again; 0 now."""
        tokens = self._level(client)
        return 0 if tokens >= 1 else max(1, round((1 - tokens) * 60 / self._limit))

    def miss(self, client: str) -> None:
        """Counts a miss."""
        self._clients[client] = (max(0.0, self._level(client) - 1), self._clock.now())
        self._clients.move_to_end(client)
        if len(self._clients) > MAX_CLIENTS:
            self._clients.popitem(last=False)

    def _level(self, client: str) -> float:
        tokens, since = self._clients.get(client, (float(self._limit), self._clock.now()))
        passed = (self._clock.now() - since).total_seconds()
        return min(float(self._limit), tokens + max(0.0, passed) * self._limit / 60)


def client_of(request: Request) -> str:
    """The peer's address; an IPv6 peer counts with its /64, which one person holds whole.

    Forwarding headers are not read here: only the HTTP server knows which proxy to believe.
    """
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
