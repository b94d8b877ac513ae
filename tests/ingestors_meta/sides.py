"""The two channels of a Page, and where their answers go, for the tests of what they have alike."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import ingestors
from ingestors import facebook, instagram
from ingestors.facebook.reply import FacebookSender
from ingestors.instagram.reply import InstagramSender
from pipeline.channel import Channel, Outgoing, Raw
from schemas.item import Author, Decoded
from tests.ingestors_meta.double import TOKEN, GraphDouble

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
PAGE = "100000000000002"
COMMENT = "122000000000001_700000000000001"


@dataclass(frozen=True)
class Side:
    """A channel, and where its answers go."""

    channel: Channel
    reasons: dict[str, str]
    account: str
    object: bytes
    edge: str
    sender: type
    needed: Collection[str]
    wanted: Collection[str]

    @property
    def name(self) -> str:
        return self.channel.name

    def decoded(self, body: bytes) -> list[Decoded]:
        raw = Raw(self.name, self.account, body, "application/json", NOW)
        return [part.decoded for part in self.channel.decode(raw)]

    def inputs(self) -> list[Path]:
        home = Path(ingestors.__path__[0]) / self.name / "fixtures"
        return sorted(path for path in home.glob("*.json") if not path.name.endswith(".expected.json"))


SIDES = [
    Side(
        facebook.CHANNEL, facebook.REASONS, PAGE, b"page", "comments", FacebookSender, facebook.FIELDS, facebook.FIELDS
    ),
    Side(
        instagram.CHANNEL, instagram.REASONS, "17841400000000001", b"instagram", "replies", InstagramSender, (),
        instagram.PAGE_FIELDS,
    ),
]  # fmt: skip
both = pytest.mark.parametrize("side", SIDES, ids=lambda side: side.name)


def outgoing(
    side: Side, external_id: str | None, *, to: str = "dm:24000000000000001", hours: float = 1, text: str = "Diterima."
) -> Outgoing:
    return Outgoing(
        id="r1", account=side.account, to=Author(id=to), text=text, external_id=external_id, thread=None, subject=None,
        last_inbound_at=NOW - timedelta(hours=hours), now=NOW,
    )  # fmt: skip


def sender(side: Side, double: GraphDouble, **changes: Any) -> Any:
    configured = side.channel.settings(_env_file=None, access_token=TOKEN, **changes)
    return side.sender(configured, TOKEN, double.client())
