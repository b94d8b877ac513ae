"""A Graph API that stands still: edges, pages, since, usage headers, expiry, throttling; records every call.

Behaves as Meta documents ("Graph API > Paginated Results", "> Error Handling", "> Rate Limits"): the address of the
next page holds the token and a host of its own, the last page has cursors and no ``next``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import httpx
from pydantic import SecretStr

from ingestors.graph import Graph

TOKEN = SecretStr("demo-page-token")
VERSION = "/v26.0/"


def failure(code: int, status: int = 400, subcode: int = 0, **headers: str) -> httpx.Response:
    """An error as Graph words it."""
    error = {"message": f"(#{code}) contoh", "type": "OAuthException", "code": code, "fbtrace_id": "A"}
    if subcode:
        error["error_subcode"] = subcode
    return httpx.Response(status, json={"error": error}, headers={k.replace("_", "-"): v for k, v in headers.items()})


EXPIRED = failure(190, 401, 463)


@dataclass
class GraphDouble:
    """``edges``: path to elements, the newest first. ``fails``: the number of the call (from 1) to its answer."""

    edges: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    fails: dict[int, httpx.Response | Exception] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    size: int = 2
    bare_cursors: frozenset[str] = frozenset()
    """Edges that never give an address of the next page."""
    calls: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    posted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def graph(self, *, waits: bool = True) -> Graph:
        """A client that talks to this double."""
        return Graph("https://graph.facebook.com/v26.0", TOKEN, self.client(), sleep=self._sleep if waits else None)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert request.url.host == "graph.facebook.com"
        assert request.url.path.startswith(VERSION)
        path = unquote(request.url.path.removeprefix(VERSION))
        query = dict(request.url.params)
        self.calls.append((request.method, path, query))
        assert "access_token" not in query
        planned = self.fails.get(len(self.calls))
        if isinstance(planned, Exception):
            raise planned
        if planned is not None:
            return planned
        if request.headers["authorization"] != f"Bearer {TOKEN.get_secret_value()}":
            return EXPIRED
        if request.method == "POST":
            self.posted.append((path, json.loads(request.content)))
            return self._json(self.answers.get(path, {"id": "jawaban_1"}))
        if path in self.answers:
            return self._json(self.answers[path])
        if path not in self.edges:
            return failure(100, 400, 33)
        return self._json(self._page(path, query))

    def _json(self, body: Any) -> httpx.Response:
        return body if isinstance(body, httpx.Response) else httpx.Response(200, json=body, headers=self.headers)

    def _page(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        found = [one for one in self.edges[path] if "since" not in query or _made(one) >= int(query["since"])]
        start = int(query.get("after", "0"))
        end = start + self.size
        page: dict[str, Any] = {"data": found[start:end]}
        if page["data"]:
            page["paging"] = {"cursors": {"before": str(start), "after": str(end)}}
            if end < len(found) and path not in self.bare_cursors:
                more = "&".join(f"{name}={value}" for name, value in (query | {"after": str(end)}).items())
                page["paging"]["next"] = f"https://graph.elsewhere.example/v26.0/{path}?access_token=rahasia&{more}"
        return page


def _made(one: dict[str, Any]) -> float:
    told = one.get("updated_time") or one.get("created_time") or one.get("timestamp") or "9999-01-01T00:00:00+0000"
    return datetime.fromisoformat(told).timestamp()


def iso(at: datetime) -> str:
    """As Graph writes times."""
    return at.strftime("%Y-%m-%dT%H:%M:%S+0000")
