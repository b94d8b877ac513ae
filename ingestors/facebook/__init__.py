"""The city's Facebook Page: its feed (posts of visitors, comments, mentions) and Messenger.

Source: Meta webhooks, object ``page``, and Graph API listings to catch up. Auth: X-Hub-Signature-256; Page access
token. Owner: Diskominfotik, CRM desk.
"""

from __future__ import annotations

from datetime import timedelta

from ingestors import graph_access
from pipeline.channel import Channel, Cursors, Probe
from pipeline.clock import Clock

from .decode import NAME, REASONS, decode
from .history import make_history
from .receive import FacebookWebhook
from .reply import make_sender
from .settings import FacebookSettings

FIELDS = frozenset({"feed", "mention", "messages", "message_edits", "messaging_postbacks"})
"""Subscription fields of the Page without which something is missed."""
LIFETIME = timedelta(days=7)
"""Meta names no figure for its signed addresses; later than this they are not worth trying."""


async def probe(settings: FacebookSettings, cursors: Cursors, clock: Clock) -> Probe:
    """See ``pipeline.channel.Channel.probe``."""
    return await graph_access.probe(NAME, settings, FIELDS, FIELDS)


def media(settings: FacebookSettings) -> graph_access.UrlMedia:
    """The addresses in the messages need no token."""
    return graph_access.UrlMedia(NAME, settings, LIFETIME)


CHANNEL = Channel(
    name=NAME,
    title="Facebook",
    settings=FacebookSettings,
    decode=decode,
    webhook=FacebookWebhook,
    sender=make_sender,
    public_replies=True,
    media=media,
    history=make_history,
    probe=probe,
)

__all__ = ["CHANNEL", "REASONS"]
