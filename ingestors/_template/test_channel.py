"""What is peculiar to this vendor. Layout, golden pairs, signatures and fuzzing run in tests/contract."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from pipeline.channel import Outgoing, Raw
from pipeline.errors import Backpressure, InvalidItem, TransientError
from schemas.item import Author

from . import CHANNEL
from .reply import TemplateSender
from .settings import NAME, TemplateSettings

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def test_time_without_an_offset_is_unreadable() -> None:
    body = b'{"message":{"id":"1","sender":{"id":"2"},"sent_at":"2026-11-23T10:00:00","text":"Lampu mati"}}'
    (part,) = CHANNEL.decode(Raw(NAME, "kota-contoh", body, "application/json", NOW))
    assert (part.decoded.outcome, part.decoded.reason) == ("dead", f"{NAME}.unreadable")


@pytest.mark.parametrize(
    ("status", "kind"), [(429, Backpressure), (401, TransientError), (503, TransientError), (400, InvalidItem)]
)
async def test_answer_of_the_vendor_decides_the_fate(status: int, kind: type[Exception]) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, headers={"Retry-After": "soon"}))
    sender = TemplateSender(TemplateSettings(_env_file=None), "token-of-the-test", transport)
    message = Outgoing("r1", "kota-contoh", Author(id="2"), "Terima kasih", "1", None, None, NOW)
    with pytest.raises(kind):
        await sender.send(message)
    await sender.close()
