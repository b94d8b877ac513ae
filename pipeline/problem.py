"""Errors for programs: RFC 9457 problem+json."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import Response

from schemas.base import encode


def problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """``code`` is a stable reason; ``detail`` says what happened and what to do next, and never quotes the request."""
    body = {
        "type": f"urn:tanggap:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return Response(encode(body), status, dict(headers or {}), media_type="application/problem+json")
