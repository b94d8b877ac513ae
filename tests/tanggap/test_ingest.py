"""`tanggap run ingest CHANNEL`: a poller and the catch-up side by side, whichever there are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic_settings import BaseSettings

from pipeline.channel import Channel, Raw
from tanggap.house import House
from tanggap.services import ingest, ingests
from tests.channels import FixedClock, MemoryCursors, MemoryIntake


class Listing:
    """Implements ``History``: an empty one that tells when it was read."""

    every: timedelta | None = timedelta(minutes=5)
    overlap = nightly = timedelta(hours=1)

    def __init__(self) -> None:
        self.read = asyncio.Event()
        self.closed = False

    async def pages(self, since: datetime) -> AsyncIterator[Raw]:
        self.read.set()
        for page in ():
            yield page

    async def close(self) -> None:
        self.closed = True


def house() -> House:
    return cast(House, SimpleNamespace(clock=FixedClock(), intake=MemoryIntake(), cursors=MemoryCursors()))


def channel(**more: Any) -> Channel:
    return Channel(name="contoh", title="Contoh", settings=BaseSettings, decode=lambda raw: [], **more)


async def test_a_channel_with_a_listing_alone_catches_up_and_closes_it() -> None:
    listing, stop = Listing(), asyncio.Event()
    one = channel(history=lambda settings, cursors, clock: listing)
    assert ingests(one)
    running = asyncio.create_task(ingest(one, house(), stop))
    await asyncio.wait_for(listing.read.wait(), 5)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert listing.closed


async def test_poller_and_catch_up_run_side_by_side() -> None:
    listing, stop, polling = Listing(), asyncio.Event(), asyncio.Event()

    async def poll(*_: Any) -> None:
        polling.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(
        ingest(channel(ingest=poll, history=lambda settings, cursors, clock: listing), house(), stop)
    )
    await asyncio.wait_for(asyncio.gather(listing.read.wait(), polling.wait()), 5)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert listing.closed


async def test_without_credentials_it_waits_and_ends_when_asked() -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(ingest(channel(history=lambda settings, cursors, clock: None), house(), stop))
    stop.set()
    await asyncio.wait_for(running, 5)


async def test_an_error_of_the_poller_that_is_ours_ends_the_service() -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    listing = Listing()
    with pytest.raises(ExceptionGroup):
        await ingest(channel(ingest=broken, history=lambda settings, cursors, clock: listing), house(), asyncio.Event())
    assert listing.closed


def test_a_channel_with_neither_is_not_ingested() -> None:
    assert not ingests(channel())
