"""What the channels of a Page share around the Graph API: probe, subscribing again, looking back, files, answers."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
import msgspec
import structlog
from pydantic import SecretStr

from pipeline.channel import MediaLink, Outgoing, Probe
from pipeline.errors import InvalidItem, TransientError
from schemas.item import Attachment

from . import graph
from .graph import OUTSIDE_WINDOW, Graph, Refused, TokenRefused
from .items import EPOCH, UNKNOWN, Id, ident, instant, read_all
from .messaging import DIRECT

log = structlog.get_logger(__name__)

HOSTS = ("fbcdn.net", *(f"{name}.com" for name in ("fbsbx", "cdninstagram", "facebook")))
STANDARD_WINDOW = timedelta(hours=24)
"""Meta, "Messenger Platform > Policy": messages of any kind for 24 hours after the person's last one …"""
HUMAN_WINDOW = timedelta(days=7)
"""… and for 7 days with the tag HUMAN_AGENT; private replies to a comment for 7 days too, one a comment."""
GONE = (100, 33)
"""Code and subcode of "the object does not exist": it was deleted since it was named."""


class PageSettings(Protocol):
    """What these functions read of a channel's settings."""

    @property
    def access_token(self) -> SecretStr | None: ...
    @property
    def graph_url(self) -> str: ...
    @property
    def page_id(self) -> str: ...


class _Token(msgspec.Struct):
    app_id: Id | None = None
    is_valid: bool = True
    expires_at: int = 0
    data_access_expires_at: int = 0


class _Debugged(msgspec.Struct):
    data: _Token


class _Subscribed(msgspec.Struct):
    id: Id | None = None
    subscribed_fields: list[str] | None = None


class _Success(msgspec.Struct):
    success: bool | str = False


async def probe(
    channel: str,
    settings: PageSettings,
    needed: Collection[str],
    wanted: Collection[str],
    api: Graph | None = None,
) -> Probe:
    """Asks for the token (``debug_token``) and the subscription; subscribes again where it is gone.

    ``needed``: fields without which the subscription counts as gone; ``wanted``: what is then subscribed. Raises
    ``TransientError`` when Meta does not answer.
    """
    if settings.access_token is None:
        return Probe()
    api = api or Graph(settings.graph_url, settings.access_token, sleep=None)
    try:
        told = await _token(api, settings.access_token)
        if not told.is_valid:
            return Probe(accepted=False, problem=f"{channel}.token-refused")
        problem = await _subscription(channel, settings.page_id, ident(told.app_id), set(needed), set(wanted), api)
    except TokenRefused:
        return Probe(accepted=False, problem=f"{channel}.token-refused")
    except Refused as error:
        raise TransientError(str(error)) from error
    finally:
        await api.close()
    ends = [instant(one, EPOCH) for one in (told.expires_at, told.data_access_expires_at) if one]
    return Probe(
        accepted=True,
        token_expires_at=min(ends, default=None),
        subscribed=problem != "not-subscribed",
        used=api.used,
        limit=100.0 if api.used is not None else None,
        unit="%" if api.used is not None else "",
        problem=f"{channel}.{problem}" if problem else None,
    )


async def _token(api: Graph, token: SecretStr) -> _Token:
    try:
        body = await api.get("debug_token", input_token=token.get_secret_value())
        return msgspec.json.decode(body, type=_Debugged).data
    except msgspec.DecodeError:
        raise TransientError("Graph API answered debug_token with something else") from None


async def _subscription(
    channel: str, page_id: str, app_id: str | None, needed: set[str], wanted: set[str], api: Graph
) -> str | None:
    """What was wrong with it; None when nothing was."""
    page = await api.page(f"{page_id}/subscribed_apps")
    apps = [one for one in read_all(page.data, _Subscribed) if app_id is None or ident(one.id) == app_id]
    given = {field for one in apps for field in one.subscribed_fields or ()}
    if apps and needed <= given:
        return None
    return "unsubscribed" if await subscribe_again(channel, page_id, wanted | given, api) else "not-subscribed"


async def subscribe_again(channel: str, page_id: str, fields: Collection[str], api: Graph) -> bool:
    """``POST /{page}/subscribed_apps``: Meta unsubscribes an app whose webhook failed for an hour, and stays silent."""
    try:
        body = await api.post(f"{page_id}/subscribed_apps", {"subscribed_fields": ",".join(sorted(fields))})
        done = str(msgspec.json.decode(body, type=_Success).success).lower() == "true"
    except (Refused, TransientError, msgspec.DecodeError) as error:
        log.warning("channel.not-subscribed", channel=channel, error=type(error).__name__)
        return False
    log.warning("channel.subscribed-again", channel=channel, state="done" if done else "refused")
    return done


class _Dated(msgspec.Struct):
    id: Id | None = None
    created_time: Id | None = None
    updated_time: Id | None = None
    timestamp: Id | None = None


def dated(element: msgspec.Raw) -> _Dated:
    """Id and times of a listed element; empty where it is not readable."""
    try:
        return msgspec.json.decode(element, type=_Dated)
    except (msgspec.DecodeError, RecursionError):
        return _Dated()


def since_then(elements: Iterable[msgspec.Raw], since: datetime) -> list[msgspec.Raw]:
    """Those that are not known to be older: what tells no time is kept, and the decoder judges it."""
    far = datetime.max.replace(tzinfo=UTC)
    return [one for one in elements if instant(_made(dated(one)), far) >= since]


def _made(one: _Dated) -> Id | None:
    return one.created_time if one.created_time is not None else one.timestamp


async def messages(api: Graph, page_id: str, platform: str, fields: str, since: datetime) -> AsyncIterator[list[Any]]:
    """The newer messages of every conversation that moved since then. Conversations come newest first."""
    far = datetime.max.replace(tzinfo=UTC)
    async for page in api.pages(f"{page_id}/conversations", platform=platform, fields="id,updated_time", limit="50"):
        moved = [one for one in map(dated, page.data) if instant(one.updated_time, far) >= since]
        for one in moved:
            name = ident(one.id)
            if name is None:
                raise TransientError("Graph API listed a conversation without its id")
            async for found in newest_first(
                api, f"{name}/messages", since, may_be_gone=True, fields=fields, limit="50"
            ):
                yield found
        if page.data and not moved:
            return


async def newest_first(
    api: Graph, path: str, since: datetime, /, *, by_cursor: bool = False, may_be_gone: bool = False, **query: str
) -> AsyncIterator[list[msgspec.Raw]]:
    """Elements since then of an edge that lists the newest first; ends with the first page that holds none.

    ``may_be_gone``: an object that was deleted since it was named lists nothing.
    """
    try:
        async for page in api.pages(path, by_cursor=by_cursor, **query):
            found = since_then(page.data, since)
            if found:
                yield found
            if page.data and not found:
                return
    except Refused as error:
        if not may_be_gone or (error.code, error.subcode) != GONE:
            raise


def is_loopback(host: str) -> bool:
    """Whether an address stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class UrlMedia:
    """Implements ``pipeline.channel.MediaSource`` for files whose address stands in the message.

    On a development Graph API (loopback) its host counts as the vendor's too.
    """

    def __init__(self, channel: str, settings: PageSettings, lifetime: timedelta) -> None:
        self.channel = channel
        self.lifetime = lifetime
        host = urlsplit(settings.graph_url).hostname or ""
        self._local = host if is_loopback(host) else None
        self.hosts: Collection[str] = (*HOSTS, self._local) if self._local else HOSTS

    async def locate(self, found: Attachment, account: str) -> MediaLink:
        """See ``pipeline.channel.MediaSource``."""
        return self.link(found.reference)

    async def close(self) -> None:
        """Nothing is kept open."""

    def link(self, url: str | None) -> MediaLink:
        """Raises ``InvalidItem`` for any address but Meta's."""
        try:
            parts = urlsplit(url or "")
            host = (parts.hostname or "").lower()
        except ValueError:
            host = ""
        ours = any(host == one or host.endswith(f".{one}") for one in HOSTS) and parts.scheme == "https"
        if not ours and (not host or host != self._local):
            raise InvalidItem(f"{self.channel}.media-gone", "the address is not one of Meta's")
        return MediaLink(url or "")


async def send_direct(
    channel: str, api: Graph, page_id: str, message: Outgoing, limit: int, recipient: Mapping[str, str] | None = None
) -> str | None:
    """One direct message through the Send API; the id as the webhook and the listing name it.

    ``recipient``: of a private reply. Raises as ``pipeline.channel.Sender`` says, and ``Refused``.
    """
    waited = message.now - message.last_inbound_at if message.now and message.last_inbound_at else timedelta()
    if waited > HUMAN_WINDOW:
        raise InvalidItem(f"{channel}.window-closed", "Meta takes no message after 7 days")
    if len(message.text.encode()) > limit:
        raise InvalidItem(f"{channel}.reply-too-long", f"a message may have {limit} bytes")
    if recipient is None and message.to.id.startswith(UNKNOWN):
        raise InvalidItem(f"{channel}.no-recipient", "the message came without its author")
    body: dict[str, Any] = {
        "recipient": recipient or {"id": message.to.id.removeprefix(DIRECT)},
        "messaging_type": "RESPONSE",
        "message": {"text": message.text},
    }
    if recipient is None and waited > STANDARD_WINDOW:
        body |= {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    sent = ident(graph.answer(await api.post(f"{page_id}/messages", body)).message_id)
    return DIRECT + sent if sent else None


def refused(channel: str, error: Refused) -> InvalidItem:
    """What becomes of an answer that Meta refused."""
    closed = error.subcode == OUTSIDE_WINDOW
    return InvalidItem(f"{channel}.window-closed" if closed else f"{channel}.refused", str(error))


def sender_graph(settings: PageSettings, token: SecretStr, client: httpx.AsyncClient | None) -> Graph:
    """The client of a sender: its queue waits better than it does."""
    return Graph(settings.graph_url, token, client, sleep=None)
