"""/healthz, /readyz and /metrics over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from pipeline.health import AdminServer


class Probe:
    """An administration server whose checks the test sets."""

    def __init__(self) -> None:
        self.checks = {"kafka": True, "keys": True}
        self.server = AdminServer("127.0.0.1", 0, lambda: self.checks)
        self.server.start()

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.server.port}{path}", trust_env=False)


@pytest.fixture
def probe() -> Iterator[Probe]:
    made = Probe()
    yield made
    made.server.stop()


def test_ready_only_while_everything_is_there(probe: Probe) -> None:
    assert (probe.get("/readyz").status_code, probe.get("/readyz").json()["ready"]) == (200, True)
    probe.checks["kafka"] = False
    answer = probe.get("/readyz?verbose=1")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "checks": {"kafka": False, "keys": True}})


def test_alive_even_while_not_ready(probe: Probe) -> None:
    probe.checks["kafka"] = False
    assert (probe.get("/healthz").status_code, probe.get("/healthz").json()) == (200, {"status": "ok"})


def test_metrics_are_prometheus_text(probe: Probe) -> None:
    answer = probe.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "# TYPE tanggap_dead_total counter" in answer.text


def test_nothing_else_is_served(probe: Probe) -> None:
    assert probe.get("/etc/passwd").status_code == 404


def test_stopped_server_frees_its_port() -> None:
    first = AdminServer("127.0.0.1", 0, dict)
    first.start()
    first.stop()
    second = AdminServer("127.0.0.1", first.port, dict)
    second.start()
    second.stop()
