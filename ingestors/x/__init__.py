"""X (Twitter): mentions, replies, quotes and direct messages of the city's account.

Source: the signed webhook of the X Activity API, and the mentions endpoint polled as a second net.
Authentication: HMAC-SHA256 of the raw body with the app's consumer secret; bearer token to read, OAuth 1.0a to answer.
Owner: Diskominfotik, CRM desk.
"""

from pipeline.channel import Channel

from .decode import REASONS, decode
from .receive import XWebhook, ingest
from .reply import sender
from .settings import XSettings

CHANNEL = Channel(
    name="x",
    title="X (Twitter)",
    settings=XSettings,
    decode=decode,
    webhook=XWebhook,
    ingest=ingest,
    sender=sender,
    public_replies=True,
)

__all__ = ["CHANNEL", "REASONS"]
