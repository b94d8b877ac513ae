"""One process under the supervisor: started, watched, started again, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import structlog

RESTART_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
STEADY_SECONDS = 30.0
STOP_SECONDS = 20.0
LOG_BYTES = 20 * 1024 * 1024

PARENT_PIPE = "TANGGAP_PARENT_PIPE"
"""Set for children: they stop when their standard input ends, so none outlives a supervisor that was killed."""

log = structlog.get_logger(__name__)


class Child:
    """Keeps one command running until ``stop``."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], log_file: Path) -> None:
        self.name = name
        self.restarts = 0
        self._command = command
        self._env = {**os.environ, **env, PARENT_PIPE: "1"}
        self._log_file = log_file
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def start(self) -> None:
        """Begins to keep the command running."""
        self._keeper = asyncio.create_task(self._keep(), name=f"keep-{self.name}")

    async def stop(self) -> None:
        """SIGTERM, patience, then SIGKILL: everything of ours survives a kill, so nothing is lost by it."""
        self._stopping = True
        if self._process is not None and self._process.returncode is None:
            self._signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
            except TimeoutError:
                log.warning("child.killed", process=self.name)
                self._signal(signal.SIGKILL)
                await self._process.wait()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._stopping:
            began = loop.time()
            code = await self._once()
            if self._stopping:
                return
            failures = 0 if loop.time() - began > STEADY_SECONDS else failures + 1
            self.restarts += 1
            log.warning("child.restarting", process=self.name, status=code, restarts=self.restarts)
            await asyncio.sleep(RESTART_SECONDS[min(failures, len(RESTART_SECONDS) - 1)])

    async def _once(self) -> int:
        with open_log(self._log_file) as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._env,
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return await self._process.wait()


def open_log(path: Path) -> IO[bytes]:
    """For appending; a log over 20 MB is set aside as ``.1`` first. Readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    path.touch(mode=0o600)
    return path.open("ab")
