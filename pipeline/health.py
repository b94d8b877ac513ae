"""/healthz, /readyz and /metrics of a process, on their own port, loopback unless told otherwise."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from schemas.base import encode

Checks = Callable[[], Mapping[str, bool]]
"""What the process needs, by name, and whether it is there."""


class AdminServer:
    """Answers from a thread, so that it also tells when the event loop hangs (the checks must not touch the loop)."""

    def __init__(self, host: str, port: int, checks: Checks) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, content_type, body = _answer(self.path.split("?")[0], checks)
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Scrapes are not logged."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="admin", daemon=True)

    def start(self) -> None:
        """Starts answering."""
        self._thread.start()

    def stop(self) -> None:
        """Stops answering and frees the port."""
        self._server.shutdown()
        self._server.server_close()


def _answer(path: str, checks: Checks) -> tuple[int, str, bytes]:
    if path == "/metrics":
        return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest()
    if path == "/healthz":
        return HTTPStatus.OK, "application/json", encode({"status": "ok"})
    if path == "/readyz":
        found = dict(checks())
        status = HTTPStatus.OK if all(found.values()) else HTTPStatus.SERVICE_UNAVAILABLE
        return status, "application/json", encode({"ready": all(found.values()), "checks": found})
    return HTTPStatus.NOT_FOUND, "application/json", encode({"status": "not found"})
