"""``/webhooks/{channel}``: one route for all vendors that push. 2xx only after Kafka has the bytes."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from pipeline.channel import HookRequest, Intake, Webhook
from pipeline.clock import Clock
from pipeline.errors import Rejected, Unavailable
from pipeline.metrics import RECEIVED
from pipeline.problem import problem

MAX_BODY = 3 * 1024 * 1024
"""Bytes; Meta documents 3 MB as the largest payload, the others stay far below."""
RETRY_AFTER_SECONDS = 5


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The whole body. Raises ``Rejected`` 413 as soon as it grows past ``limit``, whatever Content-Length said."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise Rejected(413, "webhook.too-large", f"The body is larger than {limit} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)


def routes(webhooks: Mapping[str, Webhook], intake: Intake, clock: Clock) -> APIRouter:
    """GET (the vendor's challenge) and POST (its deliveries) for every channel of ``webhooks``."""
    router = APIRouter()

    @router.get("/webhooks/{channel}")
    async def challenge(channel: str, request: Request) -> Response:
        try:
            answer = _find(webhooks, channel).challenge(request.query_params)
        except Rejected as error:
            return problem(error.status, error.reason, error.detail)
        return Response(answer.body, media_type=answer.content_type)

    @router.post("/webhooks/{channel}")
    async def deliver(channel: str, request: Request) -> Response:
        try:
            hook = _find(webhooks, channel)
            body = await read_body(request)
            headers = {name.lower(): value for name, value in request.headers.items()}
            raws, answer = hook.take(HookRequest(headers, request.query_params, body, clock.now()))
            for raw in raws:
                await intake.accept(raw)
        except Rejected as error:
            RECEIVED.labels(channel if channel in webhooks else "unknown", error.reason).inc()
            return problem(error.status, error.reason, error.detail)
        except Unavailable:
            RECEIVED.labels(channel, "unavailable").inc()
            return problem(
                503,
                "webhook.unavailable",
                "The delivery could not be stored; send it again.",
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        return Response(answer.body, media_type=answer.content_type)

    return router


def _find(webhooks: Mapping[str, Webhook], channel: str) -> Webhook:
    hook = webhooks.get(channel)
    if hook is None:
        raise Rejected(404, "webhook.unknown-channel", "No channel with this name has a webhook.")
    return hook
