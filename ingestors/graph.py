"""One client of Meta's Graph API for the channels of a Page: time-outs, errors, usage, paging.

Sources: Meta, "Graph API > Error Handling", "Graph API > Rate Limits" (X-App-Usage, X-Business-Use-Case-Usage),
"Graph API > Paginated Results".
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import msgspec
from pydantic import SecretStr

from pipeline.errors import Backpressure, TransientError

from .items import Id

TIMEOUT_SECONDS = 20.0
THROTTLED = frozenset({4, 17, 32, 341, 613, 130429, *range(80000, 80015)})
EXPIRED = frozenset({102, 190, 463, 467})
AWAY = frozenset({1, 2})
PERMISSION = frozenset({3, 10, *range(200, 300)})
"""Missing permissions are the operator's to mend: what waits for them is kept."""
OUTSIDE_WINDOW = 2018278
"""Subcode of code 10: the person's last message is too long ago; that no permission mends."""
PAUSE_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 3600.0
SLOW_FROM = 80.0
"""Per cent of the budget from which we slow down."""
MOST_PAGES = 1000


class _Error(msgspec.Struct):
    code: int = 0
    error_subcode: int = 0
    is_transient: bool = False


class _Failure(msgspec.Struct):
    error: _Error | None = None


class _Cursors(msgspec.Struct):
    after: str | None = None


class _Paging(msgspec.Struct):
    next: str | None = None
    cursors: _Cursors | None = None


class Page(msgspec.Struct):
    """A page of an edge; the elements stay as the vendor wrote them."""

    data: list[msgspec.Raw]
    paging: _Paging | None = None


class _App(msgspec.Struct):
    call_count: float = 0
    total_time: float = 0
    total_cputime: float = 0


class _Business(_App):
    estimated_time_to_regain_access: float = 0


class Refused(Exception):
    """Meta will not do this, however often it is asked. ``code`` and ``subcode`` are Graph's."""

    def __init__(self, status: int, code: int, subcode: int) -> None:
        super().__init__(f"Graph API answered {status}, code {code}, subcode {subcode}")
        self.code = code
        self.subcode = subcode


class TokenRefused(TransientError):
    """The access token has expired or was withdrawn: everything waits until the operator has set a new one."""


class Graph:
    """Calls with a bearer token. ``used`` is what Meta last said of our budget, in per cent.

    Above 80 per cent each call first waits, longer the nearer the limit; without ``sleep`` (a sender, whose queue
    waits better) it raises ``Backpressure`` at 95 instead. A token in an address would stand in logs of proxies: the
    addresses of further pages, which hold it, are not called; their other parameters are.
    """

    def __init__(
        self,
        url: str,
        token: SecretStr,
        client: httpx.AsyncClient | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] | None = asyncio.sleep,
    ) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._client = client or httpx.AsyncClient(timeout=TIMEOUT_SECONDS)
        self._sleep = sleep
        self.used: float | None = None

    async def get(self, path: str, **query: str) -> bytes:
        """The body. Raises ``Refused``, ``TokenRefused``, ``Backpressure``, ``TransientError``."""
        return await self._call("GET", path, params=query)

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """As :meth:`get`, with a JSON body."""
        return await self._call("POST", path, content=msgspec.json.encode(body))

    async def page(self, path: str, **query: str) -> Page:
        """As :meth:`get`, for an edge. What is no page raises ``TransientError``: nothing may count as listed."""
        try:
            return msgspec.json.decode(await self.get(path, **query), type=Page)
        except (msgspec.DecodeError, RecursionError):
            raise TransientError("Graph API answered something that is no page") from None

    async def pages(self, path: str, *, by_cursor: bool = False, **query: str) -> AsyncIterator[Page]:
        """All pages of an edge, or an error. ``by_cursor``: the edge gives no address of the next page (IG tags)."""
        seen = set()
        for _ in range(MOST_PAGES):
            page = await self.page(path, **query)
            yield page
            further = following(page.paging, by_cursor=by_cursor and bool(page.data))
            if further is None:
                return
            query |= further
            if (at := tuple(sorted(query.items()))) in seen:
                raise TransientError("Graph API leads in a circle")
            seen.add(at)
        raise TransientError(f"Graph API lists more than {MOST_PAGES} pages")

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def _call(self, method: str, path: str, **options: Any) -> bytes:
        await self._make_room()
        headers = {"Authorization": f"Bearer {self._token.get_secret_value()}", "Content-Type": "application/json"}
        try:
            response = await self._client.request(
                method, f"{self._url}/{quote(path)}", headers=headers, follow_redirects=False, **options
            )
        except httpx.HTTPError as error:
            raise TransientError(f"Graph API could not be reached ({type(error).__name__})") from error
        self.used, regain = usage(response.headers)
        if not response.is_success:
            raise _fate(response, regain)
        return response.content

    async def _make_room(self) -> None:
        if self.used is None or self.used < SLOW_FROM:
            return
        share = min(self.used - SLOW_FROM, 20.0) / 20.0
        pause = PAUSE_SECONDS * share * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        if self._sleep is not None:
            await self._sleep(pause)
        elif self.used >= 95.0:
            self.used = None
            raise Backpressure(pause)


def following(paging: _Paging | None, *, by_cursor: bool = False) -> dict[str, str] | None:
    """Parameters of the next page; None on the last one."""
    if paging is None:
        return None
    if paging.next is not None:
        found = dict(parse_qsl(urlsplit(paging.next).query, keep_blank_values=True))
        return {name: value for name, value in found.items() if name not in {"access_token", "appsecret_proof"}}
    after = paging.cursors.after if paging.cursors else None
    return {"after": after} if by_cursor and after else None


def usage(headers: Mapping[str, str]) -> tuple[float | None, float]:
    """Per cent of the tightest budget (None: not told), and seconds until calls are taken again (0: now)."""
    shares: list[float] = []
    seconds = 0.0
    try:
        if "x-app-usage" in headers:
            shares.append(_share(msgspec.json.decode(headers["x-app-usage"], type=_App)))
        if "x-business-use-case-usage" in headers:
            cases = msgspec.json.decode(headers["x-business-use-case-usage"], type=dict[str, list[_Business]])
            for one in (one for many in cases.values() for one in many):
                shares.append(_share(one))
                seconds = max(seconds, one.estimated_time_to_regain_access * 60)
    except (msgspec.DecodeError, RecursionError):
        pass
    return max(shares, default=None), seconds


def _share(budget: _App) -> float:
    return max(budget.call_count, budget.total_time, budget.total_cputime)


def _fate(response: httpx.Response, regain: float) -> Exception:
    try:
        error = msgspec.json.decode(response.content, type=_Failure).error or _Error()
    except (msgspec.DecodeError, RecursionError):
        error = _Error()
    status, code = response.status_code, error.code
    if status == httpx.codes.TOO_MANY_REQUESTS or code in THROTTLED:
        asked = response.headers.get("retry-after", "")
        told = float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else regain
        wait = told or PAUSE_SECONDS * random.uniform(1, 2)  # noqa: S311 - jitter
        return Backpressure(min(max(wait, 1.0), LONGEST_PAUSE_SECONDS))
    if code in EXPIRED or status == httpx.codes.UNAUTHORIZED:
        return TokenRefused(f"Graph API does not take the access token (code {code}): set a new one")
    if code in AWAY or error.is_transient or response.is_server_error or response.is_redirect:
        return TransientError(f"Graph API answered {status}, code {code}")
    if code in PERMISSION and error.error_subcode != OUTSIDE_WINDOW:
        return TransientError(f"Graph API answered code {code}: give the app the permissions of the channel's README")
    return Refused(status, code, error.error_subcode)


class Answer(msgspec.Struct):
    """What Meta says of something sent: comments have ``id``, messages ``message_id``."""

    id: Id | None = None
    message_id: Id | None = None


def answer(body: bytes) -> Answer:
    """Never raises: what was sent and not understood must not be sent again."""
    try:
        return msgspec.json.decode(body, type=Answer)
    except (msgspec.DecodeError, RecursionError):
        return Answer()
