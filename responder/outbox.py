"""Sends what is queued on ``crm.replies``: once, in order for one ticket, with patience for a vendor that is away.

The vault remembers what was claimed and settled, so that a restart repeats nothing that was sent. A message that was
claimed by a process killed in the middle of sending is sent again: one too many is better than one too few. What a
vendor's outage holds up waits in the vault, so that a restart does not forget it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

import msgspec
import structlog

from pipeline.channel import Outgoing, Sender
from pipeline.clock import Clock
from pipeline.errors import InvalidItem, TransientError
from pipeline.headers import record_headers
from pipeline.metrics import REPLIES
from pipeline.publisher import Outbound, Publisher
from schemas.base import decode, encode
from schemas.events import Reply, ReplyState
from schemas.topics import REPLIES as REPLIES_TOPIC
from vault.model import Contact, Scope

from .wording import LINK

log = structlog.get_logger(__name__)

RETRY_SECONDS = (5, 30, 120, 600, 1800, 3600)
GIVE_UP_AFTER = timedelta(days=2)
SENDING_AT_ONCE = 20


class ResponderVault(Protocol):
    """Part of ``vault.store.Vault``; every method may raise ``Unavailable``."""

    def contact(self, ticket_id: str) -> Contact | None: ...

    def token(self, ticket_id: str, scope: Scope) -> str: ...

    def hash_of(self, *parts: str) -> str: ...

    def claim_reply(self, reply_id: str, *, retake_after: timedelta | None = None) -> bool: ...

    def record_replies(self, reply_ids: Collection[str]) -> set[str]: ...

    def hold_reply(self, reply_id: str, payload: bytes, due_at: datetime) -> None: ...

    def due_replies(self, now: datetime, limit: int = ...) -> list[bytes]: ...

    def settle_reply(
        self,
        reply_id: str,
        state: Literal["sent", "recorded", "failed"],
        provider_id: str | None = None,
        *,
        joins: tuple[str, str] | None = None,
    ) -> None: ...


class ReplyOutbox:
    """Delivers replies and reports each one's end on ``crm.replies``."""

    def __init__(
        self,
        senders: Mapping[str, Sender | None],
        vault: ResponderVault,
        publisher: Publisher,
        base_url: str,
        clock: Clock,
    ) -> None:
        self._senders = senders
        self._vault = vault
        self._publisher = publisher
        self._base_url = base_url.rstrip("/")
        self._clock = clock

    async def deliver(self, replies: Sequence[Reply]) -> None:
        """Tries each once; one that must wait is held in the vault and tried again by ``retry_due``.

        Raises ``TransientError`` when the vault or Kafka is away: the batch then comes again.
        """
        await self._record([reply for reply in replies if self._senders.get(reply.channel) is None])
        by_ticket: dict[str, list[Reply]] = {}
        for reply in replies:
            if self._senders.get(reply.channel) is not None:
                by_ticket.setdefault(reply.ticket_id, []).append(reply)
        limit = asyncio.Semaphore(SENDING_AT_ONCE)

        async def in_order(ones: list[Reply]) -> None:
            async with limit:
                for reply in ones:
                    await self._deliver(reply)

        results = await asyncio.gather(*(in_order(ones) for ones in by_ticket.values()), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _record(self, replies: Sequence[Reply]) -> None:
        """Without credentials a message is shown on the operations page instead of sent."""
        if not replies:
            return
        recorded = await asyncio.to_thread(self._vault.record_replies, [reply.id for reply in replies])
        ended = [
            msgspec.structs.replace(reply, state="recorded", attempt=reply.attempt + 1)
            for reply in replies
            if reply.id in recorded
        ]
        await self._publisher.publish([outbound(reply) for reply in ended])
        for reply in ended:
            REPLIES.labels(reply.channel, "recorded").inc()

    async def retry_due(self) -> None:
        """Tries again what is due. Raises ``TransientError`` like ``deliver``; nothing is lost by it."""
        for payload in await asyncio.to_thread(self._vault.due_replies, self._clock.now()):
            await self._deliver(decode(payload, Reply))

    async def _deliver(self, reply: Reply) -> None:
        if not await asyncio.to_thread(self._vault.claim_reply, reply.id, retake_after=timedelta(0)):
            return
        contact = await asyncio.to_thread(self._vault.contact, reply.ticket_id)
        sender = self._senders.get(reply.channel)
        if sender is None:
            await self._record([reply])
        elif contact is None:
            await self._end(reply, "given_up", error="responder.no-contact")
        else:
            await self._send(reply, contact, sender)

    async def _send(self, reply: Reply, contact: Contact, sender: Sender) -> None:
        token = await asyncio.to_thread(self._vault.token, reply.ticket_id, reply.scope)
        link = f"{self._base_url}/lacak/{token}"
        message = Outgoing(
            id=reply.id,
            account=contact.account,
            to=contact.identity,
            text=reply.text.replace(LINK, link),
            external_id=contact.external_id,
            thread=contact.thread,
            subject=contact.subject,
            last_inbound_at=contact.last_inbound_at,
            number=reply.number,
            template=reply.template,
            link=link,
            private=reply.scope == "pelapor",
            now=self._clock.now(),
        )
        try:
            provider_id = await sender.send(message)
        except InvalidItem as error:
            await self._end(reply, "failed", error=error.reason)
        except TransientError as error:
            await self._later(reply, error)
        else:
            await self._end(reply, "sent", provider_id=provider_id)

    async def _later(self, reply: Reply, error: TransientError) -> None:
        now = self._clock.now()
        if now - reply.at > GIVE_UP_AFTER:
            await self._end(reply, "given_up", error="responder.too-late")
            return
        asked: float | None = getattr(error, "retry_after", None)
        seconds = asked if asked is not None else RETRY_SECONDS[min(reply.attempt, len(RETRY_SECONDS) - 1)]
        again = msgspec.structs.replace(reply, attempt=reply.attempt + 1)
        await asyncio.to_thread(self._vault.hold_reply, reply.id, encode(again), now + timedelta(seconds=seconds))
        REPLIES.labels(reply.channel, "waiting").inc()
        log.warning("reply.waiting", channel=reply.channel, attempt=again.attempt, error=type(error).__name__)

    async def _end(
        self, reply: Reply, state: ReplyState, *, error: str | None = None, provider_id: str | None = None
    ) -> None:
        """Vault first: what was sent must never be sent again; the report can be repeated."""
        joins = None
        if provider_id is not None:
            joins = (self._vault.hash_of("message", reply.channel, reply.account, provider_id), reply.ticket_id)
        settled: Literal["sent", "recorded", "failed"] = state if state in {"sent", "recorded"} else "failed"
        await asyncio.to_thread(self._vault.settle_reply, reply.id, settled, provider_id, joins=joins)
        ended = msgspec.structs.replace(reply, state=state, attempt=reply.attempt + 1, error=error)
        await self._publisher.publish([outbound(ended)])
        REPLIES.labels(reply.channel, state).inc()


def outbound(reply: Reply) -> Outbound:
    """The record of ``crm.replies``."""
    meta = record_headers(REPLIES_TOPIC, reply, "responder", subject=reply.ticket_id)
    return Outbound(REPLIES_TOPIC.name, reply.ticket_id, encode(reply), meta)
