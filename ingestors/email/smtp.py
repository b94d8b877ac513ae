"""The built-in receiver: SMTP or LMTP from the city's own MTA (RFC 5321, RFC 2033).

It answers 250 only after ``Intake.accept`` returned, so the sending MTA keeps every mail that is not on Kafka yet.
It decodes nothing. It speaks no TLS and knows no users: bind it to an internal address.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from typing import Any, AnyStr, Final

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from pipeline.channel import Intake, Raw
from pipeline.clock import Clock
from pipeline.errors import Unavailable

from .headers import base_address
from .settings import EmailSettings

log = structlog.get_logger(__name__)

ACCEPTED: Final = "250 2.0.0 Ok"
TOO_BIG: Final = "552 5.3.4 Message is larger than this system accepts"
NOT_OURS: Final = "550 5.1.1 No such recipient here"
TRY_LATER: Final = "451 4.3.0 Cannot store the message now, try again later"
TOO_MANY_RECIPIENTS: Final = "452 4.5.3 Too many recipients"
BUSY: Final = b"421 4.7.0 Too many connections, try again later\r\n"
FULL: Final = "452 4.3.1 Too many messages in transit, try again later"
EARLY: Final = "421 4.5.0 Commands after the message must wait for its answer"
LOST: Final = "421 4.4.2 Connection lost inside the message"

LINE_LIMIT: Final = 64 * 1024
RECIPIENT_LIMIT: Final = 100
MESSAGES_HELD: Final = 4
"""Largest messages that may be in memory at once; the next block beyond is answered 452."""
LIFETIME: Final = 900.0
"""Seconds one connection may last."""

_END: Final = b"\r\n.\r\n"
_NUMBER_TAG = re.compile(r"\+(JK\d{10,14})@", re.IGNORECASE)


class Handler:
    """The hooks of aiosmtpd: which recipients are ours, and the hand-over."""

    def __init__(self, settings: EmailSettings, intake: Intake, clock: Clock) -> None:
        self._settings = settings
        self._intake = intake
        self._clock = clock
        self._own = frozenset(settings.own)

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if base_address(address) not in self._own:
            return NOT_OURS
        if len(envelope.rcpt_tos) >= RECIPIENT_LIMIT:
            return TOO_MANY_RECIPIENTS
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_exception(self, error: Exception) -> str:
        """What aiosmtpd could not handle: the peer learns nothing of it, and tries again."""
        log.warning("email.smtp_failed", error=type(error).__name__)
        return TRY_LATER

    async def hand_over(self, body: bytes, sender: str | None, recipients: Sequence[str]) -> str:
        """The answer to a message: 250 once it is durable, 451 while it cannot be. Several recipients make one Raw."""
        meta = {"own": ",".join(self._settings.own)}
        if sender in (None, "", "<>"):
            meta["null_sender"] = "1"
        numbers = [found[1].upper() for found in map(_NUMBER_TAG.search, recipients) if found]
        if numbers:
            meta["ticket_number"] = numbers[0]
        raw = Raw("email", self._settings.own[0], body, "message/rfc822", self._clock.now(), meta)
        try:
            await self._intake.accept(raw)
        except Unavailable:
            log.warning("email.intake_unavailable", size=len(body))
            return TRY_LATER
        return ACCEPTED


class _Limits:
    """What all connections of a receiver share."""

    def __init__(self, connections: int, held: int) -> None:
        self.connections = connections
        self.open: set[asyncio.BaseTransport] = set()
        self.room = held
        """Bytes of messages that may still be taken into memory."""


class _Connection(SMTP):
    """aiosmtpd's session with a cap on connections and lifetime, and DATA read in blocks.

    aiosmtpd collects DATA line by line: 25 MB of empty lines would cost it gigabytes and block the loop.
    """

    line_length_limit = LINE_LIMIT
    answers_each_recipient = False

    def __init__(self, handler: Handler, limits: _Limits, **options: Any) -> None:
        super().__init__(handler, **options)
        self._hand_over = handler.hand_over
        self._limits = limits
        self._lifetime: asyncio.TimerHandle | None = None
        self._held = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if len(self._limits.open) >= self._limits.connections and isinstance(transport, asyncio.WriteTransport):
            transport.write(BUSY)
            transport.close()
            return
        self._limits.open.add(transport)
        self._lifetime = self.loop.call_later(LIFETIME, transport.close)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self._limits.open.discard(self.transport)
        if self._lifetime is not None:
            self._lifetime.cancel()
        super().connection_lost(error)

    async def push(self, status: AnyStr) -> None:
        if isinstance(status, str) and status.startswith("552 Error"):
            # aiosmtpd refuses a declared SIZE without the enhanced code of RFC 3463.
            await super().push(TOO_BIG)
        else:
            await super().push(status)

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - the name aiosmtpd dispatches to
        envelope = self.envelope
        if arg or envelope is None or not envelope.rcpt_tos:
            await self.push("501 5.5.4 Syntax: DATA" if arg else "503 5.5.1 Need RCPT before DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        try:
            body, status = await self._message()
            recipients = list(envelope.rcpt_tos)
            if body is not None:
                status = await self._hand_over(body, envelope.mail_from, recipients)
        finally:
            self._limits.room += self._held
            self._held = 0
        self.envelope = self._create_envelope()
        for _ in recipients if self.answers_each_recipient else recipients[:1]:
            await self.push(status)
        if status.startswith("421") and self.transport is not None:
            self.transport.close()

    async def _message(self) -> tuple[bytes | None, str]:
        """The message up to the lone dot, dots unstuffed; or None and why not (what is refused is drained, not kept).

        Only CRLF.CRLF ends it: accepting other line ends there lets one message smuggle in another.
        """
        limit = self.data_size_limit or 0
        # The CRLF of the DATA command itself may begin the end mark of an empty message.
        read = bytearray(b"\r\n")
        refusal = ""
        end = -1
        while end < 0:
            block = await self._reader.read(LINE_LIMIT)
            if not block:
                return None, LOST
            searched = max(0, len(read) - len(_END) + 1)
            read += block
            end = read.find(_END, searched)
            refusal = refusal or self._hold(len(block), end if end >= 0 else len(read) - len(_END), limit)
            if refusal and end < 0:
                del read[: -len(_END) + 1]
        if end + len(_END) < len(read):
            # We do not offer PIPELINING, so these bytes were not written in good faith.
            return None, EARLY
        if refusal:
            return None, refusal
        del read[end + 2 :], read[:2]
        return bytes(read).replace(b"\r\n..", b"\r\n."), ""

    def _hold(self, more: int, size: int, limit: int) -> str:
        """Accounts for ``more`` bytes of a message that is now ``size`` long; the refusal if that is too much."""
        if size > limit:
            return TOO_BIG
        if more > self._limits.room:
            return FULL
        self._limits.room -= more
        self._held += more
        return ""


class _LmtpConnection(_Connection, LMTP):
    """LMTP answers once for each recipient it accepted (RFC 2033, 4.2)."""

    answers_each_recipient = True


class Receiver:
    """Listens while it is open. ``port`` is the bound one, also where the setting is 0."""

    def __init__(self, settings: EmailSettings, intake: Intake, clock: Clock) -> None:
        self._settings = settings
        self._handler = Handler(settings, intake, clock)
        self._limits = _Limits(settings.listen_connections, MESSAGES_HELD * settings.max_message_bytes)
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Binds. Raises ``OSError`` naming the address when it is taken."""
        # This logger writes senders and recipients at level INFO.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        loop = asyncio.get_running_loop()
        host, port = self._settings.listen_host, self._settings.listen_port
        try:
            self._server = await loop.create_server(self._factory(loop), host, port)
        except OSError as error:
            hint = "free it or set TANGGAP_EMAIL_LISTEN_PORT"
            raise OSError(error.errno, f"mail receiver cannot listen on {host}:{port}: {hint}") from error
        self.port = self._server.sockets[0].getsockname()[1]
        log.info("email.listening", port=self.port, protocol=self._settings.listen_protocol)

    def _factory(self, loop: asyncio.AbstractEventLoop) -> Callable[[], _Connection]:
        kind = _LmtpConnection if self._settings.listen_protocol == "lmtp" else _Connection
        settings = self._settings

        def connection() -> _Connection:
            return kind(
                self._handler,
                self._limits,
                data_size_limit=settings.max_message_bytes,
                enable_SMTPUTF8=True,
                hostname=settings.own[0].partition("@")[2],
                ident="Tanggap",
                timeout=settings.listen_timeout,
                loop=loop,
            )

        return connection

    async def close(self) -> None:
        """Stops listening and closes what is open; unanswered messages stay with their senders."""
        if self._server is not None:
            self._server.close()
            for transport in list(self._limits.open):
                transport.close()
            await self._server.wait_closed()
