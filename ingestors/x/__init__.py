"""X (Twitter): mentions, replies, quotes and direct messages of the city's account.

Source: the signed webhook of the X Activity API; as a second net the mentions endpoint, polled, and recent search.
Authentication: HMAC-SHA256 of the raw body with the app's consumer secret; bearer token to read, OAuth 1.0a to answer.
Owner: Diskominfotik, CRM desk.
"""

from pipeline.channel import Channel

from .decode import REASONS, decode
from .history import history
from .media import media
from .poll import ingest
from .probe import probe
from .receive import XWebhook
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
    media=media,
    history=history,
    probe=probe,
)

__all__ = ["CHANNEL", "REASONS"]
