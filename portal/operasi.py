"""``/operasi``: the live numbers."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Response

from pipeline.errors import Unavailable

from . import views
from .cases import Numbers
from .charts import share_bar, sparkline
from .deps import Health, PortalDeps
from .guard import OPERATIONS, Guard
from .render import page

log = structlog.get_logger(__name__)


class Operations:
    """The page, and the part of it that is fetched again every two seconds."""

    def __init__(self, deps: PortalDeps, guard: Guard) -> None:
        self._deps = deps
        self._guard = guard
        self._categories = dict(deps.categories)

    def add(self, router: APIRouter) -> None:
        """Adds the routes."""
        router.add_api_route("/operasi", self.full, methods=["GET"])
        router.add_api_route("/operasi/angka", self.fragment, methods=["GET"])

    async def full(self, request: Request) -> Response:
        """The whole page."""
        return await self._render(request, "operasi.html")

    async def fragment(self, request: Request) -> Response:
        """The numbers alone."""
        return await self._render(request, "operasi_angka.html")

    async def _render(self, request: Request, template: str) -> Response:
        """What cannot be reached now is said to be so; the rest of the page stays."""
        await self._guard.require(request, OPERATIONS)
        now = self._deps.clock.now()
        numbers: Numbers | None = None
        health: Health | None = None
        try:
            numbers = await self._deps.cases.numbers(now)
        except Unavailable:
            log.warning("portal.search_unavailable")
        try:
            health = await self._deps.health()
        except Unavailable:
            log.warning("portal.health_unavailable")
        latest = numbers.latest if numbers else ()
        return page(
            request,
            template,
            now=now,
            numbers=numbers,
            health=health,
            channels=_channels(numbers) if numbers else [],
            peak=max((unit.open for unit in numbers.units), default=1) if numbers else 1,
            latest=[(case, views.badge(case, now), views.category_name(case, self._categories)) for case in latest],
            share_bar=share_bar,
        )


def _channels(numbers: Numbers) -> list[tuple[str, int, object, int, object]]:
    """Per channel: name, count and columns of the last 60 minutes, count and columns of the last 24 hours."""
    rows: list[tuple[str, int, object, int, object]] = []
    for channel in sorted(numbers.hours.keys() | numbers.minutes.keys()):
        minutes, hours = numbers.minutes.get(channel, ()), numbers.hours.get(channel, ())
        rows.append(
            (
                channel,
                sum(minutes),
                sparkline(minutes, f"{sum(minutes)} laporan dalam 60 menit terakhir", "menit"),
                sum(hours),
                sparkline(hours, f"{sum(hours)} laporan dalam 24 jam terakhir", "jam"),
            )
        )
    return rows
