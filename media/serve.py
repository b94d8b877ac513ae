"""Gives files out, from an origin of their own: no cookie, no script, no page, only what an address is a right to."""

from __future__ import annotations

import asyncio

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.errors import InvalidItem, Unavailable
from pipeline.sealing import Broken
from vault.model import Capability

from .jobs import MediaVault
from .kinds import EXTENSIONS

log = structlog.get_logger(__name__)

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
"""Pictures are shown by the portal, which may be another site: what keeps others out is the address."""
MISSING = "Tidak ditemukan.\n"
AT_ONCE = 8
"""Files in memory."""


class Files:
    """The answers. Whatever is wrong with an address, the answer is the same 404."""

    def __init__(self, vault: MediaVault) -> None:
        self._vault = vault
        self._room = asyncio.Semaphore(AT_ONCE)

    async def give(self, request: Request) -> Response:
        """The file behind an address."""
        right = self._vault.media_right(request.scope["path"])
        if right is None:
            return missing()
        try:
            async with self._room:
                return await self._file(right)
        except (InvalidItem, Broken):
            log.warning("media.file-lost", ticket_id=right.ticket_id)
            return missing()
        except Unavailable:
            return Response("Coba lagi sebentar.\n", 503, {**HEADERS, "Retry-After": "5"}, "text/plain")

    async def _file(self, right: Capability) -> Response:
        content = await asyncio.to_thread(self._vault.get_blob, right.blob)
        if content is None:
            return missing()
        if right.variant == "gambar":
            # Only pictures that this room made are shown inside pages, and all of them are JPEG.
            is_picture = await asyncio.to_thread(self._vault.blob_type, right.blob) == "image/jpeg"
            return Response(content, 200, HEADERS, "image/jpeg") if is_picture else missing()
        kind = await asyncio.to_thread(self._vault.blob_type, right.blob) or ""
        ending = EXTENSIONS.get(kind, "bin")
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="lampiran-{right.blob[:8]}.{ending}"'}
        return Response(content, 200, headers, kind if kind in EXTENSIONS else "application/octet-stream")


def missing() -> Response:
    """The one answer to all that is no right to a file."""
    return Response(MISSING, 404, HEADERS, "text/plain; charset=utf-8")


def application(vault: MediaVault) -> Starlette:
    """The ASGI application of the media origin."""

    async def nothing(request: Request, error: Exception) -> Response:
        return missing()

    async def healthy(request: Request) -> Response:
        return Response("ok\n", 200, HEADERS, "text/plain")

    routes = [
        Route("/healthz", healthy, methods=["GET"]),
        Route("/berkas/{rest:path}", Files(vault).give, methods=["GET"]),
    ]
    app = Starlette(routes=routes, exception_handlers={404: nothing, 405: nothing, 500: nothing})
    app.router.redirect_slashes = False
    return app
