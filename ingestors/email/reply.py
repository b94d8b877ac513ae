"""Sends one answer by mail. No wording here: text and subject come in, this adds what RFC 5322 and RFC 3834 ask for."""

from __future__ import annotations

import asyncio
import contextlib
import re
import smtplib
import ssl
from datetime import datetime
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.policy import compat32
from email.utils import format_datetime, formataddr
from typing import Final

from pipeline.channel import Cursors, Outgoing, Sender
from pipeline.clock import JAKARTA, Clock
from pipeline.errors import InvalidItem, TransientError

from . import reasons
from .headers import base_address, is_address
from .loops import LOOP_HEADER
from .settings import EmailSettings

_NUMBER = re.compile(r"\bJK\d{10,14}\b")
_PREFIX = re.compile(r"(?:\s*(?:re|bls|balas|balasan)\s*:)+\s*", re.IGNORECASE)
_ID = re.compile(r"[!-;=?-~]+@[!-;=?-~]+\Z")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CRLF: Final = compat32.clone(linesep="\r\n")
_SUBJECT_LIMIT: Final = 300


class MailSender:
    """Sends through the configured server, one connection a message.

    Raises ``TransientError`` when the server is away, answers 4xx or refuses us (greeting, login, return path);
    ``InvalidItem`` when it refuses the recipient or the message for good, or when no honest mail can be made of it.
    """

    def __init__(self, settings: EmailSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def send(self, message: Outgoing) -> str | None:
        """Returns the Message-ID without angle brackets, as the citizen's answer will name it."""
        mail = compose(self._settings, message, self._clock.now())
        recipient = message.to.email or message.to.id
        await asyncio.to_thread(self._deliver, mail, recipient)
        return str(mail["Message-ID"])[1:-1]

    async def close(self) -> None:
        """Nothing is held open between messages."""

    def _deliver(self, mail: Message, recipient: str) -> None:
        try:
            server = self._connect()
            try:
                # The null return path: a bounce of an automatic answer must not come back (RFC 3834, 3.3).
                server.sendmail("", [recipient], mail.as_bytes(policy=_CRLF))
            finally:
                # Not QUIT's context manager: a failing good-bye after the 250 must not send the mail again.
                with contextlib.suppress(smtplib.SMTPException, OSError):
                    server.quit()
        except smtplib.SMTPRecipientsRefused as error:
            code, _ = next(iter(error.recipients.values()))
            raise _refused(code) from None
        except smtplib.SMTPDataError as error:
            raise _refused(error.smtp_code) from None
        except (smtplib.SMTPException, OSError) as error:
            raise TransientError(f"mail server: {type(error).__name__}") from None

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if settings.smtp_tls == "ssl":
            server = smtplib.SMTP_SSL(
                settings.smtp_host, settings.smtp_port, timeout=settings.smtp_timeout, context=context
            )
        else:
            server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=settings.smtp_timeout)
        try:
            if settings.smtp_tls == "starttls":
                server.starttls(context=context)
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
        return server


def _refused(code: int) -> Exception:
    if code >= 500:
        return InvalidItem(reasons.UNDELIVERABLE, f"mail server answered {code}")
    return TransientError(f"mail server answered {code}")


def compose(settings: EmailSettings, message: Outgoing, now: datetime) -> Message:
    """The answer as a mail. Raises ``InvalidItem`` without a usable recipient or with a line break in a header."""
    recipient = message.to.email or message.to.id
    if not is_address(recipient) or not recipient.isascii() or base_address(recipient) in settings.own:
        raise InvalidItem(reasons.NO_ADDRESS)
    sender = settings.address
    chain = [each for each in (message.thread, message.external_id) if each and _ID.match(each)]
    answered = chain[-1] if message.external_id in chain else None
    fields = {
        "From": formataddr((settings.sender_name, sender), "utf-8"),
        "To": recipient,
        "Subject": _subject(settings, message),
        "Date": format_datetime(now.astimezone(JAKARTA)),
        "Message-ID": f"<{message.id}@{sender.rpartition('@')[2]}>",
        "In-Reply-To": f"<{answered}>" if answered else "",
        "References": " ".join(f"<{each}>" for each in dict.fromkeys(chain)),
        "Auto-Submitted": "auto-replied",
        "X-Auto-Response-Suppress": "All",
        LOOP_HEADER: sender,
        "MIME-Version": "1.0",
    }
    mail = Message()
    for name, value in fields.items():
        if _BREAKS.search(value):
            raise InvalidItem(reasons.HEADER_INJECTION, name)
        if value:
            mail[name] = value if value.isascii() else Header(value, "utf-8", header_name=name).encode()
    charset = Charset("utf-8")
    charset.body_encoding = QP
    mail.set_payload(message.text, charset)
    return mail


def _subject(settings: EmailSettings, message: Outgoing) -> str:
    number = _NUMBER.search(message.text)
    plain = _PREFIX.sub("", message.subject or "", count=1).strip() or settings.sender_name
    if number and number[0] not in plain:
        plain = f"[{number[0]}] {plain}"
    return f"Re: {plain}"[:_SUBJECT_LIMIT]


def sender(settings: EmailSettings, cursors: Cursors, clock: Clock) -> Sender | None:
    """The sender, or None without a mail server: answers are then recorded, visibly, instead of sent."""
    return MailSender(settings, clock) if settings.smtp_host else None
