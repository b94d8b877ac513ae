"""Where a file may be fetched from: the vendor's own hosts, at public addresses, and nothing else (SSRF).

A name is resolved once, every address of the answer is judged, and the connection goes to a judged address
(reliability.md, sections 2.1, 2.2 and 2.4).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence

import httpx

from pipeline.errors import InvalidItem, TransientError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses. Raises ``OSError``."""

REFUSED = "media.address-refused"
LOCAL = frozenset({"127.0.0.1", "localhost"})
"""Hosts that a source may name to fetch from this machine, in development."""

_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
_NEVER: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = tuple(
    ipaddress.ip_network(one)
    for one in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
"""IANA's special-purpose registries (RFC 6890 and after). Of IPv6 only 2000::/3 is taken at all, without what carries
an IPv4 address (6to4, Teredo): mapped, NAT64, link-local and unique local addresses lie outside it."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


def is_public(address: str) -> bool:
    """Whether it belongs to a machine of the open Internet."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and (found.scope_id is not None or found not in _GLOBAL_V6):
        return False
    return found.is_global and not any(found in network for network in _NEVER if network.version == found.version)


def is_loopback(address: str) -> bool:
    """Whether it is this machine, plainly written."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class Guard:
    """Judges each address anew, also those of redirects. ``local``: loopback may be named by a source's ``hosts``."""

    def __init__(self, resolver: Resolver, *, local: bool) -> None:
        self._resolver = resolver
        self._local = local

    def check(self, url: str, hosts: Collection[str]) -> httpx.URL:
        """The parsed address. Raises ``InvalidItem`` for one that the vendor's files never come from."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, ValueError, UnicodeError):
            raise InvalidItem(REFUSED, "unreadable") from None
        host = parsed.raw_host.decode("ascii", "replace").lower()
        if parsed.userinfo or not host or "%" in host:
            raise InvalidItem(REFUSED, "user or host")
        if self._is_local(host, hosts):
            if parsed.scheme not in {"http", "https"}:
                raise InvalidItem(REFUSED, "scheme")
            return parsed
        if parsed.scheme != "https" or parsed.port not in {None, 443}:
            raise InvalidItem(REFUSED, "scheme or port")
        allowed = {one.lower() for one in hosts} - LOCAL
        if not any(host == one or host.endswith("." + one) for one in allowed):
            raise InvalidItem(REFUSED, "host")
        return parsed

    async def address(self, url: httpx.URL, hosts: Collection[str]) -> str:
        """The address to connect to: the first of the answer, when all of it is fit.

        Raises ``InvalidItem`` when any is not, ``TransientError`` when the name does not resolve now.
        """
        host = url.raw_host.decode("ascii").lower()
        fit = is_loopback if self._is_local(host, hosts) else is_public
        try:
            found = await self._resolver(host, url.port or (443 if url.scheme == "https" else 80))
        except (OSError, UnicodeError) as error:
            raise TransientError(f"a file's host does not resolve ({type(error).__name__})") from error
        if not found:
            raise TransientError("a file's host has no address")
        if not all(fit(one) for one in found):
            raise InvalidItem(REFUSED, "network")
        return found[0]

    def _is_local(self, host: str, hosts: Collection[str]) -> bool:
        return self._local and host in LOCAL and host in hosts
