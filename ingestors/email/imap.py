"""The mailbox poller: reads by UID, touches nothing, and moves its cursor only after a mail is durable (RFC 9051).

The cursor is ``UIDVALIDITY:UID`` of the last mail handed over. A new UIDVALIDITY means that UIDs were given out anew:
the folder is read again from 1, and the idempotency key keeps known mails from becoming second tickets.
"""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import re
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import SystemRandom
from typing import Any, Final

import structlog
from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxUnencrypted

from pipeline.channel import Cursors, Intake, Raw
from pipeline.clock import Clock
from pipeline.errors import Unavailable

from .headers import BLOCK_LIMIT
from .reasons import TOO_BIG
from .settings import EmailSettings

log = structlog.get_logger(__name__)

CHANNEL: Final = "email"
BACKOFF_FIRST: Final = 1.0
BACKOFF_MOST: Final = 60.0

_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_jitter = SystemRandom()


class MailboxAway(Exception):
    """The server refused or answered nonsense; ``args`` name the command, never its data."""


@dataclass(frozen=True)
class Listed:
    """A message in the folder. ``arrived_at`` is the server's own clock (INTERNALDATE)."""

    uid: int
    size: int
    arrived_at: datetime | None


class MailboxSession:
    """One logged-in connection. All methods block: call them in a thread.

    imap-tools logs in and selects; messages are fetched through its imaplib client as bytes, because its own fetch
    parses them with the stdlib parser, which hostile mails stall.
    """

    def __init__(self, settings: EmailSettings) -> None:
        self._box = _connect(settings)
        try:
            self._box.login(settings.imap_user, settings.imap_password.get_secret_value(), initial_folder=None)
            self._box.folder.set(settings.imap_folder, readonly=True)
            self.validity = self._number("UIDVALIDITY")
        except BaseException:
            self.close()
            raise

    def _number(self, name: str) -> int:
        _, values = self._box.client.response(name)
        value = values[0] if values else None
        if not isinstance(value, bytes) or not value.isdigit():
            raise MailboxAway(name)
        return int(value)

    def after(self, uid: int) -> list[Listed]:
        """The messages with a higher UID, lowest first."""
        answer = self._fetch(f"{uid + 1}:*", "(UID RFC822.SIZE INTERNALDATE)")
        # "n:*" names the last message even when its UID is below n.
        found = [each for each in map(_listed, _heads(answer)) if each is not None and each.uid > uid]
        return sorted(found, key=lambda each: each.uid)

    def message(self, uid: int) -> bytes | None:
        """The bytes of a message, left unseen; None if it is gone."""
        return self._literal(uid, "(UID BODY.PEEK[])")

    def head(self, uid: int) -> bytes | None:
        """At most 64 KB of a message's headers; None if it is gone."""
        return self._literal(uid, f"(UID BODY.PEEK[HEADER]<0.{BLOCK_LIMIT}>)")

    def _literal(self, uid: int, what: str) -> bytes | None:
        for part in self._fetch(str(uid), what):
            # Flag changes may be announced in between; only this message's body was asked for.
            if isinstance(part, tuple) and isinstance(part[1], bytes) and b"BODY[" in part[0]:
                return part[1]
        return None

    def _fetch(self, uids: str, what: str) -> list[Any]:
        status, answer = self._box.client.uid("FETCH", uids, what)
        if status != "OK":
            raise MailboxAway("FETCH")
        return answer

    def refresh(self) -> None:
        """Lets the server tell of new messages."""
        status, _ = self._box.client.noop()
        if status != "OK":
            raise MailboxAway("NOOP")

    def close(self) -> None:
        """Ends the connection; an already broken one is no error."""
        with contextlib.suppress(ImapToolsError, imaplib.IMAP4.error, OSError):
            self._box.logout()


def _connect(settings: EmailSettings) -> BaseMailBox:
    host, port, timeout = settings.imap_host, settings.imap_port, settings.imap_timeout
    if settings.imap_ssl:
        return MailBox(host, port, timeout, ssl_context=ssl.create_default_context())
    return MailBoxUnencrypted(host, port, timeout)


def _heads(answer: Iterable[Any]) -> list[bytes]:
    return [part if isinstance(part, bytes) else part[0] for part in answer if part]


def _listed(line: bytes) -> Listed | None:
    uid, size = _UID.search(line), _SIZE.search(line)
    if uid is None or size is None:
        return None
    moment = imaplib.Internaldate2tuple(line)
    arrived = datetime.fromtimestamp(time.mktime(moment), UTC) if moment else None
    return Listed(int(uid[1]), int(size[1]), arrived)


class Poller:
    """Brings the mailbox into the intake, for ever."""

    def __init__(self, settings: EmailSettings, intake: Intake, cursors: Cursors, clock: Clock) -> None:
        self._settings = settings
        self._intake = intake
        self._cursors = cursors
        self._clock = clock
        self._account = settings.own[0]

    async def run(self) -> None:
        """Polls until cancelled; connects again with growing, jittered pauses when server or intake are away."""
        pause = BACKOFF_FIRST
        while True:
            session: MailboxSession | None = None
            try:
                session = await asyncio.to_thread(MailboxSession, self._settings)
                while True:
                    await self.drain(session)
                    pause = BACKOFF_FIRST
                    await asyncio.sleep(self._settings.imap_poll_seconds)
                    await asyncio.to_thread(session.refresh)
            except (Unavailable, MailboxAway, ImapToolsError, imaplib.IMAP4.error, OSError) as error:
                log.warning("email.mailbox_retry", error=type(error).__name__, seconds=pause)
            finally:
                if session is not None:
                    await asyncio.to_thread(session.close)
            await asyncio.sleep(pause * _jitter.uniform(0.5, 1.0))
            pause = min(pause * 2, BACKOFF_MOST)

    async def drain(self, session: MailboxSession) -> int:
        """Hands over all that is new; returns how many messages. Raises ``Unavailable`` with the cursor before the one
        that could not be made durable."""
        stored = await self._cursors.get(CHANNEL, self._account)
        validity, _, last = (stored or "").partition(":")
        uid = int(last) if validity == str(session.validity) and last.isdigit() else 0
        if stored and uid == 0:
            log.warning("email.uidvalidity_changed", uidvalidity=session.validity)
        listed = await asyncio.to_thread(session.after, uid)
        for message in listed:
            await self._take(session, message)
            await self._cursors.set(CHANNEL, self._account, f"{session.validity}:{message.uid}")
        return len(listed)

    async def _take(self, session: MailboxSession, message: Listed) -> None:
        too_big = message.size > self._settings.max_message_bytes
        body = await asyncio.to_thread(session.head if too_big else session.message, message.uid)
        if body is None:
            log.info("email.message_gone", uid=message.uid)
            return
        raw = Raw(CHANNEL, self._account, body, "message/rfc822", self._received_at(message), self._meta(message))
        if too_big:
            log.warning("email.message_too_big", uid=message.uid, size=message.size)
            await self._intake.dead(raw, TOO_BIG)
        else:
            await self._intake.accept(raw)

    def _received_at(self, message: Listed) -> datetime:
        """When the mail reached the city's mailbox, however long the poller was down."""
        now = self._clock.now()
        return min(message.arrived_at, now) if message.arrived_at else now

    def _meta(self, message: Listed) -> dict[str, str]:
        return {"own": ",".join(self._settings.own), "uid": str(message.uid)}
