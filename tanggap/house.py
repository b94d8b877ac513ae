"""What every service of a process shares: settings, clock, vault, keys, publisher."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pipeline.clock import Clock, SystemClock
from pipeline.intake import RawIntake
from pipeline.publisher import Publisher
from pipeline.settings import CoreSettings
from vault.pool import KeyPool
from vault.store import Vault


class VaultBlobs:
    """``pipeline.intake.BlobSink`` over the vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def put(self, plain: bytes, *, idempotency: str, media_type: str) -> str:
        """See ``pipeline.intake.BlobSink``."""
        return await asyncio.to_thread(
            self._vault.put_blob, plain, idempotency=idempotency, person=None, media_type=media_type
        )


class VaultCursors:
    """``pipeline.channel.Cursors`` over the vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def get(self, channel: str, account: str) -> str | None:
        """See ``pipeline.channel.Cursors``."""
        return await asyncio.to_thread(self._vault.get_cursor, channel, account)

    async def set(self, channel: str, account: str, value: str) -> None:
        """See ``pipeline.channel.Cursors``."""
        await asyncio.to_thread(self._vault.set_cursor, channel, account, value)


@dataclass(frozen=True)
class House:
    """Opened by ``open_house``; lives as long as the process."""

    settings: CoreSettings
    clock: Clock
    vault: Vault
    keys: KeyPool
    publisher: Publisher

    @property
    def intake(self) -> RawIntake:
        """Where channels hand over raw bytes."""
        return RawIntake(self.settings.tenant, self.keys, self.publisher, VaultBlobs(self.vault), self.clock)

    @property
    def cursors(self) -> VaultCursors:
        """Durable positions of pollers."""
        return VaultCursors(self.vault)


@asynccontextmanager
async def open_house(settings: CoreSettings, *, keys: int = 2000) -> AsyncIterator[House]:
    """Opens the vault, fills the key pool, begins connecting to Kafka; closes all three in order.

    Waits for a vault that is away: a service without keys could take nothing anyway.
    """
    clock = SystemClock()
    vault = await asyncio.to_thread(Vault.open, settings, clock)
    pool = KeyPool(vault, size=keys, chunk=min(500, keys))
    publisher = Publisher(settings.kafka)
    await pool.start()
    await publisher.start()
    try:
        yield House(settings, clock, vault, pool, publisher)
    finally:
        await publisher.stop()
        await pool.stop()
        await asyncio.to_thread(vault.close)
