"""The Graph API as the Cloud API speaks through it (Meta, "Cloud API > Error Codes", "Cloud API > Rate Limits")."""

from __future__ import annotations

import httpx

from ingestors.graph import Graph, Product

from .settings import WhatsAppSettings

PAIR_LIMIT = 131056
"""Too many messages to one person; Meta asks to try again after 4^X seconds, X from 0."""
CLOUD_API = Product(
    throttled=frozenset({4, 80007, 130429, 131048, PAIR_LIMIT, 131064}),
    expired=frozenset({190}),
    away=frozenset({1, 2, 131000, 131016, 131057, 133004}),
    mend=dict.fromkeys(
        (0, 3, 10, 368, 131005, 131031, 131042, *range(200, 300)), "mend the token's permissions or the account"
    )
    | dict.fromkeys(
        (132000, 132001, 132005, 132007, 132012, 132015, 132016), "mend the template at Meta, or its name here"
    ),
    guarded=True,
    timeout=10.0,
    slow_from=float("inf"),
)


def connect(settings: WhatsAppSettings, client: httpx.AsyncClient | None = None) -> Graph:
    """Without an access token only a development API on loopback answers."""
    return Graph(settings.graph_url, settings.access_token, client, sleep=None, product=CLOUD_API)
