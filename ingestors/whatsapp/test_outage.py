"""Meta's sender at our entrance: batches, redelivery until 2xx, duplicates, disorder, escapes under the signature."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ingestors import webhooks
from ingestors.meta import hub_signature
from ingestors.whatsapp import CHANNEL
from ingestors.whatsapp.receive import WhatsAppWebhook
from ingestors.whatsapp.settings import WhatsAppSettings
from schemas.item import Decoded
from tests.channels import FixedClock, MemoryIntake

FIXTURES = Path(__file__).parent / "fixtures"
SETTINGS = WhatsAppSettings(_env_file=None)


class Meta:
    """Keeps what was not answered with 2xx and delivers it again, as Meta does for up to seven days."""

    def __init__(self, intake: MemoryIntake) -> None:
        app = FastAPI()
        app.include_router(webhooks.routes({"whatsapp": WhatsAppWebhook(SETTINGS)}, intake, FixedClock()))
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://city")
        self.waiting: list[bytes] = []
        self.answers: list[int] = []

    async def deliver(self, *bodies: bytes) -> None:
        """All that waits, and these."""
        todo, self.waiting = [*self.waiting, *bodies], []
        for body in todo:
            signature = hub_signature(body, SETTINGS.app_secret.get_secret_value())
            headers = {"content-type": "application/json", "x-hub-signature-256": signature}
            response = await self._client.post("/webhooks/whatsapp", content=body, headers=headers)
            self.answers.append(response.status_code)
            if not response.is_success:
                self.waiting.append(body)


@pytest.fixture
def intake() -> MemoryIntake:
    return MemoryIntake()


@pytest.fixture
def meta(intake: MemoryIntake) -> Meta:
    return Meta(intake)


def fixture(name: str) -> bytes:
    return (FIXTURES / f"{name}.json").read_bytes()


def decoded(intake: MemoryIntake) -> Iterator[Decoded]:
    for raw in intake.raws:
        yield from (part.decoded for part in CHANNEL.decode(raw))


def batch(size: int) -> bytes:
    """One delivery of ``size`` updates: messages of many people and receipts, over several entries and changes."""
    document: Any = json.loads(fixture("text_v23"))
    value = document["entry"][0]["changes"][0]["value"]
    sender = value["messages"][0]
    value["messages"] = [sender | {"id": f"wamid.{n}", "from": f"62812{n:08d}"} for n in range(size // 2)]
    value["contacts"] = [{"wa_id": f"62812{n:08d}", "user_id": f"ID.{n}"} for n in range(size // 2)]
    statuses = [{"id": f"wamid.ours{n}", "status": "read", "timestamp": "1795402860"} for n in range(size // 2)]
    document["entry"].append({"id": "2", "changes": [{"field": "messages", "value": value | {
        "messages": [], "contacts": [], "statuses": statuses,
    }}]})  # fmt: skip
    return json.dumps(document).encode()


async def test_delivery_is_repeated_until_it_could_be_kept(meta: Meta, intake: MemoryIntake) -> None:
    intake.away = True
    await meta.deliver(fixture("text_v23"), fixture("image_v23_caption"))
    await meta.deliver()
    intake.away = False
    await meta.deliver()
    assert meta.answers == [503, 503, 503, 503, 200, 200]
    assert [one.outcome for one in decoded(intake)] == ["complaint", "complaint"]


async def test_duplicates_and_disorder_keep_their_keys(meta: Meta, intake: MemoryIntake) -> None:
    names = ("revoke_v23", "edit_v23_text", "text_v23", "statuses_v23_delivered_read_failed", "text_v23", "revoke_v23")
    await meta.deliver(*map(fixture, names))
    found = list(decoded(intake))
    assert meta.answers == [200] * len(names)
    assert [one.key for one in found if one.outcome == "complaint"] == [found[2].key] * 2
    assert len({one.key for one in found}) == 6


async def test_thousand_updates_in_one_delivery(meta: Meta, intake: MemoryIntake) -> None:
    await meta.deliver(batch(1000))
    found = list(decoded(intake))
    assert [one.outcome for one in found] == ["complaint"] * 500 + ["receipt"] * 500
    assert len({one.key for one in found}) == 1000
    assert [one.item.author.id for one in found if one.item][499] == "ID.499"


async def test_escapes_are_signed_as_they_stand(meta: Meta, intake: MemoryIntake) -> None:
    """Meta escapes what is not ASCII, slashes too; the same document written otherwise has another signature."""
    body = fixture("text_v23_escaped_emoji_and_half_surrogate").replace(b"Terima kasih", rb"Terima kasih \/ \u003c")
    assert b"\\u" in body
    await meta.deliver(body)
    assert meta.answers == [200]
    assert intake.raws[0].body == body
    (one,) = decoded(intake)
    assert one.item is not None
    assert one.item.text.startswith("Terima kasih / <")


async def test_what_nobody_can_read_is_taken_and_not_repeated_for_days(meta: Meta, intake: MemoryIntake) -> None:
    kinds = ("unsupported_v23_poll", "unknown_v23_kind_of_the_future", "reaction_v23_and_removed", "order_v23",
             "sticker_v23", "contacts_v23", "errors_v23_of_the_vendor", "request_welcome_v23")  # fmt: skip
    await meta.deliver(*map(fixture, kinds))
    assert meta.answers == [200] * len(kinds)
    assert {one.outcome for one in decoded(intake)} == {"note"}
