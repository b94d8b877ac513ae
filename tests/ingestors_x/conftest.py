"""A local double of X's API: pages of mentions newest first, posts and messages taken, faults on request."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

ACCOUNT = "1000000001"
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657000, UTC)
HOOKS = b'{"data":[{"id":"55","url":"https://kota.contoh.id/webhooks/x","valid":true}],"meta":{"result_count":1}}'


def post_id(at: datetime, number: int = 0) -> int:
    """A snowflake id given out then."""
    return (int((at - EPOCH).total_seconds() * 1000) << 22) + number


def subscriptions(*kinds: str) -> bytes:
    """What ``GET /2/activity/subscriptions`` answers."""
    listed = [{"subscription_id": "1", "event_type": one, "filter": {"user_id": ACCOUNT}} for one in kinds]
    return json.dumps({"data": listed, "meta": {"total_subscriptions": len(listed)}}).encode()


@dataclass
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


@dataclass
class XDouble:
    """``ids`` are the mentions X knows; ``faults`` are answered first, one a request (None: no fault this time).

    Like X it lists ``window`` mentions and no more, and searches seven days back only.
    """

    base: str = ""
    page_size: int = 2
    window: int = 800
    answers: dict[str, Answer] = field(default_factory=dict)
    """By path; before the double's own."""
    ids: list[int] = field(default_factory=list)
    faults: list[Answer | None] = field(default_factory=list)
    billed: int = 0
    """Posts given out so far."""
    calls: list[tuple[str, str, dict[str, str], dict[str, str], Any]] = field(default_factory=list)

    def respond(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.calls.append((method, parts.path, query, headers, json.loads(body) if body else None))
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            return fault
        if parts.path in self.answers:
            return self.answers[parts.path]
        if parts.path == f"/2/users/{ACCOUNT}/mentions":
            known = [one for one in sorted(self.ids, reverse=True)[: self.window] if self._within(one, query)]
            return Answer(200, body=self._page(query, known, "pagination_token"))
        if parts.path == "/2/tweets/search/recent":
            return self._search(query)
        return self._written(parts.path)

    @staticmethod
    def _written(path: str) -> Answer:
        if path == "/2/tweets":
            return Answer(201, body=b'{"data":{"id":"777","text":"x"}}')
        if path.startswith("/2/dm_conversations/with/"):
            return Answer(201, body=b'{"data":{"dm_conversation_id":"1-2","dm_event_id":"888"}}')
        return Answer(404, body=b'{"title":"Not Found"}')

    def _search(self, query: dict[str, str]) -> Answer:
        floor = NOW - timedelta(days=7)
        started = datetime.fromisoformat(query["start_time"]) if "start_time" in query else NOW
        if started < floor or int(query.get("since_id", "9" * 20)) < post_id(floor) or int(query["max_results"]) < 10:
            return Answer(400, body=b'{"title":"Invalid Request"}')
        known = [
            one
            for one in sorted(self.ids, reverse=True)
            if self._within(one, query) and one < int(query.get("until_id", "9" * 19))
        ]
        return Answer(200, body=self._page(query, known, "next_token"))

    @staticmethod
    def _within(one: int, query: dict[str, str]) -> bool:
        start = datetime.fromisoformat(query["start_time"]) if "start_time" in query else EPOCH
        return one > int(query.get("since_id", 0)) and (one < 10**6 or one >= post_id(start))

    def _page(self, query: dict[str, str], known: list[int], token: str) -> bytes:
        start = int(query.get(token, "0"))
        shown = known[start : start + min(self.page_size, int(query.get("max_results", "100")))]
        self.billed += len(shown)
        meta: dict[str, Any] = {"result_count": len(shown)}
        if shown:
            meta |= {"newest_id": str(shown[0]), "oldest_id": str(shown[-1])}
        if start + len(shown) < len(known):
            meta["next_token"] = str(start + len(shown))
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
