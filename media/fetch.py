"""Fetches one file: guarded, bounded in size and time, and never decompressed."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from pipeline.channel import MediaLink
from pipeline.errors import Backpressure, InvalidItem, TransientError

from .guard import Guard

MAX_BYTES: Final = 25 * 1024 * 1024
MAX_SECONDS: Final = 60.0
MAX_REDIRECTS: Final = 3
LONGEST_PAUSE: Final = 6 * 3600.0
"""Seconds that a vendor's Retry-After may ask for."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({429, 503})


@dataclass(frozen=True)
class Limits:
    """``size`` in bytes; ``seconds`` for the whole file, redirects included: a slow drip ends too."""

    size: int = MAX_BYTES
    seconds: float = MAX_SECONDS


class Fetcher:
    """Takes the bytes behind a ``MediaLink``."""

    def __init__(self, guard: Guard, limits: Limits | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._limits = limits or Limits()
        self._tls = tls or httpx.create_ssl_context(trust_env=False)

    async def fetch(self, link: MediaLink, hosts: Collection[str]) -> bytes:
        """The file.

        Raises ``InvalidItem`` for what must not or can never be fetched, ``TransientError`` or ``Backpressure`` for
        what may work later, with a fresh link: also for 401, 403, 404 and 410, which is how expired links answer.
        """
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._follow(link, hosts)
        except TimeoutError:
            raise TransientError("a file took too long") from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise TransientError(f"a file could not be fetched ({type(error).__name__})") from None

    async def _follow(self, link: MediaLink, hosts: Collection[str]) -> bytes:
        url = first = self._guard.check(link.url, hosts)
        for _ in range(MAX_REDIRECTS + 1):
            same = (url.scheme, url.raw_host, url.port) == (first.scheme, first.raw_host, first.port)
            found = await self._once(url, link.headers if same else {}, hosts)
            if isinstance(found, bytes):
                return found
            url = self._guard.check(found, hosts)
        raise InvalidItem("media.too-many-redirects")

    async def _once(self, url: httpx.URL, headers: Mapping[str, str], hosts: Collection[str]) -> bytes | str:
        """The bytes, or the address that the answer redirects to."""
        address = await self._guard.address(url, hosts)
        # A transport of its own each time: connections are pooled by address, which different hosts may share.
        transport = httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, retries=0)
        host = url.netloc.decode("ascii")
        sent = httpx.Headers({"Accept": "*/*"})
        sent.update(headers)
        sent.update({"Host": host, "Accept-Encoding": "identity"})
        request = httpx.Request(
            "GET",
            url.copy_with(host=address),
            headers=sent,
            extensions={
                "sni_hostname": url.raw_host.decode("ascii"),
                "timeout": httpx.Timeout(min(10.0, self._limits.seconds)).as_dict(),
            },
        )
        async with transport:
            response = await transport.handle_async_request(request)
            try:
                return await self._read(url, response)
            finally:
                await response.aclose()

    async def _read(self, url: httpx.URL, response: httpx.Response) -> bytes | str:
        status = response.status_code
        if status in _REDIRECTS:
            target = response.headers.get("location")
            if not target:
                raise TransientError("a redirect to nowhere")
            try:
                return str(url.join(target))
            except (httpx.InvalidURL, ValueError, UnicodeError):
                raise InvalidItem("media.address-refused", "redirect") from None
        if status in _BUSY:
            raise Backpressure(_pause(response.headers.get("retry-after")))
        if status != 200:
            raise TransientError(f"a file's host answered {status}")
        if response.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
            raise InvalidItem("media.encoded")
        declared = response.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and len(declared) < 16 and int(declared) > self._limits.size:
            raise InvalidItem("media.too-large")
        kept = bytearray()
        async for chunk in response.stream:  # type: ignore[union-attr] # the transport answers with an async stream
            kept += chunk
            if len(kept) > self._limits.size:
                raise InvalidItem("media.too-large")
        return bytes(kept)


def _pause(asked: str | None) -> float:
    seconds = 60.0
    if asked is not None:
        with contextlib.suppress(ValueError):
            seconds = float(asked)
    return min(max(seconds, 1.0), LONGEST_PAUSE) if seconds == seconds else 60.0  # noqa: PLR0124 - NaN
