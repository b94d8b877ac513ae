"""A whole Tanggap of its own: `tanggap up` on free ports and an empty data folder.

On the embedded default, or on the clusters that ``make test-real`` names.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

READY_SECONDS = 90
STOP_SECONDS = 60


def free_ports(count: int, *, row: int = 1) -> list[int]:
    """Starts of ``count`` rows of ``row`` free ports, below the range from which the system takes outgoing ones.

    A port of that range may be free now and taken by any connection a moment later.
    """
    found: list[int] = []
    while len(found) < count:
        start = random.randrange(12_000, 30_000 - row)
        if all(abs(start - other) >= row for other in found) and all(_free(port) for port in range(start, start + row)):
            found.append(start)
    return found


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass
class City:
    """A running Tanggap."""

    data: Path
    env: dict[str, str]
    base_url: str
    kafka: str
    elasticsearch: str
    process: subprocess.Popen[str] | None = field(default=None)

    def start(self) -> None:
        """`tanggap up`, until it says that it is ready."""
        words = [sys.executable, "-m", "tanggap", "up"]
        if os.environ.get("TANGGAP_TEST_KAFKA"):
            words += ["--kafka", self.kafka, "--elasticsearch", self.elasticsearch]
        output = (self.data / "up.log").open("w")
        self.process = subprocess.Popen(words, env=self.env, stdout=output, stderr=output, text=True)
        deadline = time.monotonic() + READY_SECONDS
        while "Tanggap siap" not in (self.data / "up.log").read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"tanggap up is not ready:\n{(self.data / 'up.log').read_text()}{self.logs()}")
            time.sleep(0.1)

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(STOP_SECONDS)
        self.process = None
        return code

    def logs(self) -> str:
        """The last lines of every service."""
        tails = [f"--- {one.name}\n{one.read_text()[-3000:]}" for one in sorted((self.data / "d/logs").glob("*.log"))]
        return "\n".join(tails)

    def tanggap(self, *words: str, timeout: float = 180) -> str:
        """Output of a command against this city."""
        done = subprocess.run(
            [sys.executable, "-m", "tanggap", *words],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"tanggap {' '.join(words)}: {done.stderr}{self.logs()}"
        return done.stdout

    def demo(self) -> dict[str, Any]:
        """`tanggap demo --json`."""
        found: dict[str, Any] = json.loads(self.tanggap("demo", "--json"))
        return found

    def children(self) -> dict[str, int]:
        """Process ids of our services, by the first service of each process."""
        assert self.process is not None
        found: dict[str, int] = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                words = (entry / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if parent == self.process.pid and "run" in words:
                found[words[words.index("run") + 1]] = int(entry.name)
        return found


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Started once for all tests of the session."""
    data = tmp_path_factory.mktemp("city")
    http, mail, metrics, kafka, search, demo = free_ports(6, row=10)
    where = {
        "kafka": os.environ.get("TANGGAP_TEST_KAFKA") or f"127.0.0.1:{kafka}",
        "elasticsearch": os.environ.get("TANGGAP_TEST_ELASTICSEARCH") or f"http://127.0.0.1:{search}",
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TANGGAP_")}
    env = clean | {
        "TANGGAP_DATA_DIR": str(data / "d"),
        "TANGGAP_PORT": str(http),
        "TANGGAP_BASE_URL": f"http://127.0.0.1:{http}",
        "TANGGAP_METRICS_BASE_PORT": str(metrics),
        "TANGGAP_EMAIL_LISTEN_PORT": str(mail),
        "TANGGAP_DEMO_PORT": str(demo),
        "TANGGAP_MEDIA_PORT": str(http + 1),
        "TANGGAP_MEDIA_URL": f"http://127.0.0.1:{http + 1}",
        "TANGGAP_KAFKA": where["kafka"],
        "TANGGAP_ELASTICSEARCH": where["elasticsearch"],
        "TANGGAP_DATABASE": os.environ.get("TANGGAP_TEST_DATABASE", ""),
    }
    running = City(data, env, env["TANGGAP_BASE_URL"], where["kafka"], where["elasticsearch"])
    running.start()
    yield running
    if running.process is not None:
        running.stop()
