"""Templates, static files and the headers every answer of the portal carries."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from . import waktu
from .words import words

HERE = Path(__file__).parent

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""A tracking address is a capability: it must not leak by referrer, cache or search engine (reliability, 4.3)."""

MEDIA = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@cache
def assets() -> dict[str, bytes]:
    """The files under ``/static``, by name: nothing else can be asked for."""
    return {path.name: path.read_bytes() for path in (HERE / "static").iterdir() if path.suffix in MEDIA}


@cache
def asset(name: str) -> str:
    """Address of a static file; it changes with the content, so that browsers may keep it for good."""
    return f"/static/{hashlib.sha256(assets()[name]).hexdigest()[:12]}/{name}"


@cache
def environment() -> Environment:
    """The templates: everything escaped, an unknown name is an error."""
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(asset=asset, words=words())
    env.filters.update(penuh=waktu.full, ringkas=waktu.brief, jam=waktu.hour, lalu=waktu.ago)
    return env


def harden(response: Response) -> Response:
    """Adds the headers of every answer."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def page(
    request: Request, template: str, status: int = 200, headers: dict[str, str] | None = None, **values: Any
) -> Response:
    """A page. Every template knows ``visitor`` (None: nobody is logged in) and ``path``."""
    visitor = getattr(request.state, "visitor", None)
    body = environment().get_template(template).render(visitor=visitor, path=request.url.path, **values)
    return harden(HTMLResponse(body, status, headers))


def see_other(target: str) -> Response:
    """A redirect after a form."""
    return harden(Response(status_code=303, headers={"Location": target}))


def static_file(name: str) -> Response | None:
    """The file, or None where there is none of that name."""
    body = assets().get(name)
    if body is None:
        return None
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return harden(Response(body, headers=headers, media_type=MEDIA[Path(name).suffix]))
