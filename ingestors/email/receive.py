"""How mail comes in: the built-in SMTP/LMTP receiver, the IMAP poller, or both. I/O only, no mapping."""

from __future__ import annotations

import asyncio

import structlog

from pipeline.channel import Cursors, Intake
from pipeline.clock import Clock, SystemClock

from .imap import Poller
from .settings import EmailSettings
from .smtp import Receiver

log = structlog.get_logger(__name__)


async def ingest(settings: EmailSettings, intake: Intake, cursors: Cursors, clock: Clock | None = None) -> None:
    """Runs until it is cancelled. Raises ``OSError`` when the receiver's address is taken."""
    clock = clock or SystemClock()
    receiver = Receiver(settings, intake, clock) if settings.listen_protocol != "off" else None
    if receiver is not None:
        await receiver.start()
    try:
        if settings.imap_host:
            await Poller(settings, intake, cursors, clock).run()
        if receiver is None:
            log.warning("email.no_entrance", hint="set TANGGAP_EMAIL_IMAP_HOST or TANGGAP_EMAIL_LISTEN_PROTOCOL")
        await asyncio.Event().wait()
    finally:
        if receiver is not None:
            await receiver.close()
