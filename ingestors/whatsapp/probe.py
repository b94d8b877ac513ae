"""What Meta says of our access: the token, the number, the subscription."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from pydantic import SecretStr

from pipeline.channel import Cursors, Probe
from pipeline.clock import Clock
from pipeline.errors import TransientError

from .graph import Graph, Named, Refused, TokenRefused
from .payload import Id
from .settings import WhatsAppSettings

T = TypeVar("T")

STOPPED = frozenset({"BANNED", "RESTRICTED", "DISCONNECTED", "FLAGGED", "RATE_LIMITED"})
"""Values of a number's ``status`` with which it sends little or nothing."""
LAST_INSTANT = 253_402_300_799
"""The last second that a calendar holds."""


class _Token(msgspec.Struct):
    """``expires_at``: seconds since 1970; 0 never. System users' tokens last 60 days or for good."""

    app_id: Id | None = None
    is_valid: bool = True
    expires_at: int = 0
    data_access_expires_at: int = 0


class _Debugged(msgspec.Struct):
    data: _Token


class _Health(msgspec.Struct):
    can_send_message: str | None = None


class _Number(msgspec.Struct):
    status: str | None = None
    quality_rating: str | None = None
    health_status: _Health | None = None


class _Subscriber(msgspec.Struct):
    whatsapp_business_api_data: Named | None = None


class _Subscribers(msgspec.Struct):
    data: list[_Subscriber]


async def probe(settings: WhatsAppSettings, cursors: Cursors, clock: Clock, graph: Graph | None = None) -> Probe:
    """See ``pipeline.channel.Channel``. The subscription is asked for only where ``waba_id`` is set."""
    if settings.access_token is None:
        return Probe()
    graph = graph or Graph(settings.graph_url, settings.access_token)
    try:
        return await _probe(settings, settings.access_token, graph)
    except TokenRefused:
        return Probe(accepted=False, problem="whatsapp.token-refused")
    except Refused as error:
        # The token is taken, and the id of the number or the account is not one that it may see.
        return Probe(accepted=True, problem="whatsapp.number-unknown" if error.code == 100 else "whatsapp.refused")
    finally:
        await graph.close()


async def _probe(settings: WhatsAppSettings, token: SecretStr, graph: Graph) -> Probe:
    fields = "status,quality_rating,health_status"
    number = _read(await graph.get(settings.phone_number_id, fields=fields), _Number)
    told = await _token(token, graph)
    if not told.is_valid:
        return Probe(accepted=False, problem="whatsapp.token-refused")
    subscribed = await _subscribed(settings.waba_id, told.app_id, graph)
    ends = [one for one in (told.expires_at, told.data_access_expires_at) if 0 < one <= LAST_INSTANT]
    problem = _problem(number)
    return Probe(
        accepted=True,
        token_expires_at=datetime.fromtimestamp(min(ends), UTC) if ends else None,
        subscribed=subscribed,
        used=graph.used,
        limit=100.0 if graph.used is not None else None,
        unit="%" if graph.used is not None else "",
        problem="whatsapp.not-subscribed" if subscribed is False else problem,
    )


async def _token(token: SecretStr, graph: Graph) -> _Token:
    """Meta tells some tokens nothing of themselves; that they work is known already."""
    try:
        return _read(await graph.get("debug_token", input_token=token.get_secret_value()), _Debugged).data
    except Refused:
        return _Token()


async def _subscribed(waba_id: str | None, app_id: Id | None, graph: Graph) -> bool | None:
    if not waba_id:
        return None
    apps = _read(await graph.get(f"{waba_id}/subscribed_apps"), _Subscribers).data
    ids = {str(one.whatsapp_business_api_data.id) for one in apps if one.whatsapp_business_api_data is not None}
    return str(app_id) in ids if app_id is not None else bool(ids)


def _problem(number: _Number) -> str | None:
    blocked = number.health_status is not None and number.health_status.can_send_message == "BLOCKED"
    if blocked or number.status in STOPPED:
        return "whatsapp.number-stopped"
    return "whatsapp.quality-low" if number.quality_rating == "RED" else None


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError):
        raise TransientError("Graph API answered something unreadable") from None
