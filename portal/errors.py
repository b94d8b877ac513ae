"""Errors as pages for people and as RFC 9457 problem+json for programs."""

from __future__ import annotations

import json
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from pipeline.errors import Unavailable

from .render import harden, page, see_other

log = structlog.get_logger(__name__)

RETRY_AFTER = 5
"""Seconds a client is asked to wait while Kafka, the vault or the search is away."""

WORDS = {
    400: ("Permintaan tidak terbaca", "Kembali ke halaman sebelumnya, muat ulang, lalu coba sekali lagi."),
    403: (
        "Tidak diizinkan",
        "Akun Anda tidak berhak membuka halaman ini. Masuk dengan akun lain bila perlu.",
    ),
    404: ("Halaman tidak ditemukan", "Periksa kembali tautannya. Tautan yang salah satu huruf pun tidak akan terbuka."),
    405: ("Cara ini tidak dikenal", "Buka halaman lewat tautannya, lalu gunakan tombol yang tersedia."),
    413: ("Isian terlalu besar", "Persingkat isian Anda, lalu kirim lagi."),
    415: ("Bentuk isian tidak dikenal", "Gunakan formulir pada halaman ini."),
    422: ("Isian belum lengkap", "Kembali ke formulir dan lengkapi isiannya."),
    429: ("Terlalu banyak percobaan", "Tunggu sebentar, lalu coba lagi."),
    500: ("Terjadi gangguan", "Gangguan ini sudah kami catat. Coba lagi beberapa saat lagi."),
    503: ("Layanan sedang penuh", "Belum ada yang tersimpan. Tunggu beberapa detik, lalu kirim lagi."),
}


class PageError(Exception):
    """A page cannot be given: ``status``, a stable ``reason`` and, where it helps, a ``detail`` in Indonesian."""

    def __init__(self, status: int, reason: str, detail: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after


class LoginNeeded(Exception):
    """Nobody is logged in; ``target`` is where to go afterwards."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks (RFC 9110 section 12.5.1)."""
    return "text/html" in request.headers.get("accept", "") or "hx-request" in request.headers


def answer(request: Request, status: int, reason: str, detail: str = "", retry_after: int | None = None) -> Response:
    """The error as a page or as problem+json, whichever the client asked for."""
    title, advice = WORDS.get(status, (HTTPStatus(status).phrase, WORDS[400 if status < 500 else 500][1]))
    detail = detail or advice
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    if wants_page(request):
        return page(request, "galat.html", status, headers, title=title, detail=detail, status_code=status)
    problem = {"type": f"urn:tanggap:galat:{reason}", "title": title, "status": status, "detail": detail}
    response = Response(json.dumps(problem), status, headers, "application/problem+json")
    return harden(response)


def install(app: FastAPI) -> None:
    """Adds the handlers to the application that includes the portal's routes."""

    @app.exception_handler(PageError)
    async def page_error(request: Request, error: PageError) -> Response:
        return answer(request, error.status, error.reason, error.detail, error.retry_after)

    @app.exception_handler(LoginNeeded)
    async def login_needed(request: Request, error: LoginNeeded) -> Response:
        if "hx-request" in request.headers:
            return harden(Response(status_code=401, headers={"HX-Redirect": error.target}))
        return see_other(error.target)

    @app.exception_handler(Unavailable)
    async def unavailable(request: Request, error: Unavailable) -> Response:
        log.warning("portal.unavailable", error=type(error).__name__)
        return answer(request, 503, "unavailable", retry_after=RETRY_AFTER)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        response = answer(request, error.status_code, HTTPStatus(error.status_code).name.lower())
        for name, value in (error.headers or {}).items():
            response.headers[name] = value
        return response

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return answer(request, 422, "invalid")

    @app.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> Response:
        log.error("portal.fault", error=type(error).__name__)
        return answer(request, 500, "fault")
