"""E-mail to the city's address.

Source: the city's MTA by SMTP or LMTP, or a mailbox by IMAP. Authentication: none is possible for the sender of a mail,
so From proves nothing; the receiver is reached only from inside. Owner: the CRM desk (Biro Pemerintahan).
"""

from __future__ import annotations

from pipeline.channel import Channel

from .decode import decode
from .reasons import REASONS
from .receive import ingest
from .reply import sender
from .settings import EmailSettings

CHANNEL = Channel(
    name="email",
    title="Surel",
    settings=EmailSettings,
    decode=decode,
    ingest=ingest,
    sender=sender,
)

__all__ = ["CHANNEL", "REASONS", "EmailSettings"]
