"""A local double of X's API: pages of mentions newest first, posts and messages taken, faults on request."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

ACCOUNT = "1000000001"


@dataclass
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


@dataclass
class XDouble:
    """``ids`` are the mentions X knows; ``faults`` are answered first, one a request (None: no fault this time)."""

    base: str = ""
    page_size: int = 2
    ids: list[int] = field(default_factory=list)
    faults: list[Answer | None] = field(default_factory=list)
    calls: list[tuple[str, str, dict[str, str], dict[str, str], Any]] = field(default_factory=list)

    def respond(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.calls.append((method, parts.path, query, headers, json.loads(body) if body else None))
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            return fault
        if parts.path == f"/2/users/{ACCOUNT}/mentions":
            return Answer(200, body=self._page(query))
        if parts.path == "/2/tweets":
            return Answer(201, body=b'{"data":{"id":"777","text":"x"}}')
        if parts.path.startswith("/2/dm_conversations/with/"):
            return Answer(201, body=b'{"data":{"dm_conversation_id":"1-2","dm_event_id":"888"}}')
        return Answer(404, body=b'{"title":"Not Found"}')

    def _page(self, query: dict[str, str]) -> bytes:
        since, start = int(query.get("since_id", 0)), int(query.get("pagination_token", "0"))
        known = [one for one in sorted(self.ids, reverse=True) if one > since]
        shown = known[start : start + self.page_size]
        meta: dict[str, Any] = {"result_count": len(shown)}
        if shown:
            meta |= {"newest_id": str(shown[0]), "oldest_id": str(shown[-1])}
        if start + self.page_size < len(known):
            meta["next_token"] = str(start + self.page_size)
        data = [{"id": str(one), "author_id": "2", "text": f"laporan {one}"} for one in shown]
        return json.dumps({"meta": meta, **({"data": data} if data else {})}, indent=1).encode()


@pytest.fixture
def double() -> Iterator[XDouble]:
    double = XDouble()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = double.respond(self.command, self.path, headers, body)
            self.send_response(answer.status)
            for name, value in {"content-type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    double.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield double
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def answer() -> type[Answer]:
    return Answer
