from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.media.desk import Desk, HandClock, Source, Vendor, settings_of, vendor
from vault.store import Vault

_watching: list[list[Any]] = []


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _watching:
        _watching[-1].append(args[1])


sys.addaudithook(_hook)


@pytest.fixture
def connections() -> Iterator[list[Any]]:
    """Addresses that anything in this process tries to connect to, wherever that is."""
    found: list[Any] = []
    _watching.append(found)
    yield found
    _watching.remove(found)


@pytest.fixture
async def host() -> AsyncIterator[Vendor]:
    async with vendor() as one:
        yield one


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def vault(tmp_path: Path, clock: HandClock) -> Iterator[Vault]:
    opened = Vault.open(settings_of(tmp_path), clock)
    yield opened
    opened.close()


@pytest.fixture
def desk(vault: Vault, clock: HandClock, host: Vendor, tmp_path: Path) -> Desk:
    source = Source(lambda reference, turn: host.url(f"/{reference}"))
    return Desk(vault, clock, source, host, settings_of(tmp_path))
