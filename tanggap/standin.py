"""The embedded broker and search engine: noida-db on loopback, for development only.

It loses what the last second brought when it is killed (docs/decisions/0004-embedded-default.md), so it is stopped
last and politely, and one that a killed supervisor left behind is taken over instead of started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import signal
from pathlib import Path

import structlog

from pipeline.settings import CoreSettings

from .child import open_log

QUIET_SECONDS = 2.0
START_SECONDS = 30.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.05

log = structlog.get_logger(__name__)


class StandInError(Exception):
    """The stand-in cannot be used; the message says what to do."""


def executable() -> str:
    """Path of the binary itself: the package's own command is a wrapper that does not pass signals on.

    Raises ``StandInError``.
    """
    package = importlib.util.find_spec("noida_db")
    if package is None or package.origin is None:
        raise StandInError("noida-db is not installed here: run `make run`, or give --kafka and --elasticsearch")
    return str(Path(package.origin).with_name("noida-db.exe" if os.name == "nt" else "noida-db"))


def port_of(address: str) -> int:
    """The port of ``host:port`` or a URL."""
    return int(address.rstrip("/").rsplit(":", 1)[1])


class StandIn:
    """noida-db's life under the supervisor."""

    def __init__(self, settings: CoreSettings) -> None:
        self._ports = {"kafka": port_of(settings.kafka), "elasticsearch": port_of(settings.elasticsearch)}
        self._data = settings.data_dir.absolute() / "noida"
        self._pid_file = settings.data_dir.absolute() / "noida.pid"
        self._log_file = settings.data_dir.absolute() / "logs" / "noida.log"
        self._process: asyncio.subprocess.Process | None = None
        self._pid: int | None = None

    async def start(self) -> None:
        """Starts it, or takes over the one that runs on our data. Raises ``StandInError`` when a port is taken."""
        left = self._left_behind()
        if left is not None:
            self._pid = left
            log.info("standin.taken-over", state=str(left))
            return
        for name, port in self._ports.items():
            if await answers(port):
                raise StandInError(
                    f"port {port} is taken: free it, or set TANGGAP_{name.upper()} to another port of 127.0.0.1"
                )
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open_log(self._log_file) as output:
            self._process = await asyncio.create_subprocess_exec(
                executable(),
                "start",
                "--data-dir",
                str(self._data),
                "--only",
                ",".join(self._ports),
                *(word for name, port in self._ports.items() for word in (f"--{name}-port", str(port))),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._pid = self._process.pid
        self._pid_file.write_text(str(self._pid), encoding="ascii")
        await self._wait()

    async def _wait(self) -> None:
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        for port in self._ports.values():
            while not await answers(port):
                ended = self._process is not None and self._process.returncode is not None
                if ended or asyncio.get_running_loop().time() > deadline:
                    raise StandInError(f"the stand-in does not answer on port {port}: read {self._log_file}")
                await asyncio.sleep(0.05)

    def alive(self) -> bool:
        """Whether its process is there."""
        if self._process is not None:
            return self._process.returncode is None
        return self._pid is not None and _exists(self._pid)

    async def stop(self) -> None:
        """After two quiet seconds, in which it writes what it still holds."""
        if self._pid is None or not self.alive():
            return
        await asyncio.sleep(QUIET_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGTERM)
        for _ in range(int(STOP_SECONDS / POLL_SECONDS)):
            if not self.alive():
                break
            await asyncio.sleep(POLL_SECONDS)
        self._pid_file.unlink(missing_ok=True)

    def _left_behind(self) -> int | None:
        """Process id of a stand-in on our data that outlived its supervisor."""
        try:
            pid = int(self._pid_file.read_text(encoding="ascii"))
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except (OSError, ValueError):
            return None
        return pid if str(self._data) in command else None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def answers(port: int) -> bool:
    """Whether something listens on the loopback port."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 1)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
