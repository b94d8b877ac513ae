"""Fresh record keys in memory, so that no database stands on the acknowledgement path (DESIGN, promise 2)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import Collection, Mapping
from typing import Final, Protocol

import structlog

from pipeline.errors import Unavailable
from pipeline.sealing import RecordKey

log = structlog.get_logger(__name__)

REMEMBER: Final = 60.0
"""Seconds that a found key may be served from memory: the longest that an erased one outlives its erasure here."""
RETRY: Final = (0.2, 5.0)
"""Shortest and longest pause in seconds while the vault is away."""


class KeySource(Protocol):
    """What the pool needs of the vault; called in threads."""

    def lease_keys(self, count: int) -> list[RecordKey]: ...

    def return_keys(self, ids: Collection[str]) -> None: ...

    def find_keys(self, ids: Collection[str]) -> dict[str, bytes]: ...


class KeyPool:
    """``pipeline.sealing.Keys`` over a vault. Used from the event loop that started it.

    Holds up to ``size`` keys, refilled by ``chunk`` in the background as soon as it is half empty.
    """

    def __init__(self, vault: KeySource, size: int = 2000, chunk: int = 500, memory: int = 4096) -> None:
        self._vault = vault
        self._size = size
        self._chunk = chunk
        self._memory = memory
        self._fresh: deque[RecordKey] = deque()
        self._found: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._low = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many keys can be taken now."""
        return len(self._fresh)

    async def start(self) -> None:
        """Starts filling and waits for the first keys; does not fail while the vault is away, it goes on trying."""
        if self._task is not None:
            return
        with contextlib.suppress(Unavailable):
            await self._lease()
        self._low.set()
        self._task = asyncio.create_task(self._refill(), name="key-pool")

    async def stop(self) -> None:
        """Stops filling and gives unused keys back."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        unused = [key.id for key in self._fresh]
        self._fresh.clear()
        self._found.clear()
        try:
            await asyncio.to_thread(self._vault.return_keys, unused)
        except Unavailable:
            log.warning("vault.keys.not_returned", count=len(unused))

    def take(self) -> RecordKey:
        """A fresh key; never waits. Raises ``Unavailable`` when none is left."""
        if len(self._fresh) <= self._size // 2:
            self._low.set()
        if not self._fresh:
            raise Unavailable("no record key is left: the vault is away or too slow")
        return self._fresh.popleft()

    async def find(self, ids: Collection[str]) -> Mapping[str, bytes]:
        """Secrets by id; an erased or unknown key is missing. Raises ``Unavailable``."""
        now = asyncio.get_running_loop().time()
        found = {key_id: secret for key_id in ids if (secret := self._remembered(key_id, now)) is not None}
        missing = [key_id for key_id in ids if key_id not in found]
        if missing:
            read = await asyncio.to_thread(self._vault.find_keys, missing)
            for key_id in missing:
                if key_id in read:
                    self._found[key_id] = (now, read[key_id])
            while len(self._found) > self._memory:
                self._found.popitem(last=False)
            found.update(read)
        return found

    def _remembered(self, key_id: str, now: float) -> bytes | None:
        entry = self._found.get(key_id)
        if entry is None:
            return None
        since, secret = entry
        if now - since > REMEMBER:
            del self._found[key_id]
            return None
        self._found.move_to_end(key_id)
        return secret

    async def _lease(self) -> None:
        self._fresh.extend(await asyncio.to_thread(self._vault.lease_keys, self._chunk))

    async def _refill(self) -> None:
        pause = RETRY[0]
        while True:
            await self._low.wait()
            self._low.clear()
            while len(self._fresh) <= self._size - self._chunk:
                try:
                    await self._lease()
                    pause = RETRY[0]
                except Exception as error:
                    # Whatever it is: a refill that stops would close every entrance for good.
                    log.warning("vault.keys.unavailable", left=len(self._fresh), error=type(error).__name__)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, RETRY[1])
