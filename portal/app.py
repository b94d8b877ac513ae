"""The portal's routes. The application that includes them also calls ``portal.errors.install``."""

from __future__ import annotations

from fastapi import APIRouter

from .deps import PortalDeps
from .guard import Guard
from .lacak import Tracking
from .loket import Counter
from .masuk import Entrance
from .opd import Agency
from .operasi import Operations


def routes(deps: PortalDeps) -> APIRouter:
    """All pages. Raises ``ValueError`` when ``data/kata.yaml`` is not sound."""
    guard = Guard(deps)
    router = APIRouter(include_in_schema=False)
    Entrance(deps, guard).add(router)
    Tracking(deps).add(router)
    Counter(deps, guard).add(router)
    Agency(deps, guard).add(router)
    Operations(deps, guard).add(router)
    return router
