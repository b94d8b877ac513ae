"""The city's Instagram account: comments, mentions, direct messages.

Source: Meta webhooks, object ``instagram``, and Graph API listings to catch up. Auth: X-Hub-Signature-256; access token
of the Page that the account is linked to. Owner: Diskominfotik, CRM desk.
"""

from __future__ import annotations

from ingestors import graph_access
from pipeline.channel import Channel, Cursors, Probe
from pipeline.clock import Clock

from .decode import NAME, REASONS, decode
from .history import make_history
from .media import InstagramMedia
from .receive import InstagramWebhook
from .reply import make_sender
from .settings import InstagramSettings

PAGE_FIELDS = frozenset({"feed"})
"""Instagram delivers once the linked Page has the app, with any field (Meta, "Instagram Platform > Webhooks")."""


async def probe(settings: InstagramSettings, cursors: Cursors, clock: Clock) -> Probe:
    """See ``pipeline.channel.Channel.probe``."""
    return await graph_access.probe(NAME, settings, (), PAGE_FIELDS)


CHANNEL = Channel(
    name=NAME,
    title="Instagram",
    settings=InstagramSettings,
    decode=decode,
    webhook=InstagramWebhook,
    sender=make_sender,
    public_replies=True,
    media=InstagramMedia,
    history=make_history,
    probe=probe,
)

__all__ = ["CHANNEL", "REASONS"]
