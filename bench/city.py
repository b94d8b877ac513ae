"""A Tanggap of the benchmark's own: empty data, ports beside the default ones, ended with the benchmark."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY_SECONDS = 120
PORTS = {
    "TANGGAP_PORT": "18080",
    "TANGGAP_MEDIA_PORT": "18081",
    "TANGGAP_EMAIL_LISTEN_PORT": "18025",
    "TANGGAP_METRICS_BASE_PORT": "18090",
}
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@contextmanager
def city(kafka: str, elasticsearch: str) -> Iterator[subprocess.Popen[bytes]]:
    """`tanggap up`, ready; on the embedded default where both are empty. The settings of this process follow it."""
    with tempfile.TemporaryDirectory(prefix="tanggap-bench-") as folder:
        os.environ |= PORTS | {
            "TANGGAP_DATA_DIR": folder,
            "TANGGAP_BASE_URL": f"http://127.0.0.1:{PORTS['TANGGAP_PORT']}",
            "TANGGAP_KAFKA": kafka or "127.0.0.1:19192",
            "TANGGAP_ELASTICSEARCH": elasticsearch or "http://127.0.0.1:19292",
        }
        words = [sys.executable, "-m", "tanggap", "up"]
        words += ["--kafka", kafka, "--elasticsearch", elasticsearch] if kafka else []
        log = Path(folder) / "up.log"
        with log.open("wb") as output:
            process = subprocess.Popen(words, stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + READY_SECONDS
            while b"Tanggap siap" not in log.read_bytes():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"tanggap up is not ready:\n{log.read_text()}")
                time.sleep(0.1)
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def usage(parent: int) -> dict[str, tuple[float, int]]:
    """CPU seconds and resident bytes of each child process, by its first service (``/proc/PID/stat``, proc(5))."""
    found: dict[str, tuple[float, int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if int(fields[1]) == parent:
            name = words[words.index("run") + 1] if "run" in words else "noida-db"
            found[name] = ((int(fields[11]) + int(fields[12])) / TICKS, int(fields[21]) * PAGE)
    return found
