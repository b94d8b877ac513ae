"""What Meta says of our access: the token, the number, the subscription."""

from __future__ import annotations

import msgspec
from pydantic import SecretStr

from ingestors.graph import Graph, Refused, TokenRefused
from ingestors.graph_access import Token, accepted, debug_token, understood
from ingestors.items import Id, Named
from pipeline.channel import Cursors, Probe
from pipeline.clock import Clock

from .graph import connect
from .settings import WhatsAppSettings

STOPPED = frozenset({"BANNED", "RESTRICTED", "DISCONNECTED", "FLAGGED", "RATE_LIMITED"})
"""Values of a number's ``status`` with which it sends little or nothing."""


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
    graph = graph or connect(settings)
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
    number = understood(await graph.get(settings.phone_number_id, fields=fields), _Number)
    told = await _token(token, graph)
    if not told.is_valid:
        return Probe(accepted=False, problem="whatsapp.token-refused")
    subscribed = await _subscribed(settings.waba_id, told.app_id, graph)
    problem = "whatsapp.not-subscribed" if subscribed is False else _problem(number)
    return accepted(graph, told, subscribed, problem)


async def _token(token: SecretStr, graph: Graph) -> Token:
    """Meta tells some tokens nothing of themselves; that they work is known already."""
    try:
        return await debug_token(graph, token)
    except Refused:
        return Token()


async def _subscribed(waba_id: str | None, app_id: Id | None, graph: Graph) -> bool | None:
    if not waba_id:
        return None
    apps = understood(await graph.get(f"{waba_id}/subscribed_apps"), _Subscribers).data
    ids = {str(one.whatsapp_business_api_data.id) for one in apps if one.whatsapp_business_api_data is not None}
    return str(app_id) in ids if app_id is not None else bool(ids)


def _problem(number: _Number) -> str | None:
    blocked = number.health_status is not None and number.health_status.can_send_message == "BLOCKED"
    if blocked or number.status in STOPPED:
        return "whatsapp.number-stopped"
    return "whatsapp.quality-low" if number.quality_rating == "RED" else None
