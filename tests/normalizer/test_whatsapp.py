"""What Meta delivers becomes the right tickets: its decoder and the unify stage together."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestors.whatsapp import CHANNEL
from pipeline.channel import Raw
from schemas.item import Decoded
from schemas.ticket import TicketEvent
from tests.normalizer.desk import COMPLAINT, Desk

ACCOUNT = "100000000000001"
START = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def message(name: str, kind: str, content: Any, after: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": f"wamid.{name}", "from": "6281200000001", "from_user_id": "ID.1",
        "timestamp": str(int(START.timestamp()) + after), "type": kind, kind: content, **more,
    }  # fmt: skip


def delivered(*messages: dict[str, Any]) -> list[Decoded]:
    value = {"metadata": {"phone_number_id": ACCOUNT}, "messages": messages}
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    return [part.decoded for part in CHANNEL.decode(Raw("whatsapp", ACCOUNT, body, "application/json", START))]


def image(name: str, after: int, caption: str | None = None) -> dict[str, Any]:
    content = {"id": f"9{after}", "mime_type": "image/jpeg"} | ({"caption": caption} if caption else {})
    return message(name, "image", content, after)


async def take(desk: Desk, *messages: dict[str, Any]) -> list[TicketEvent]:
    """Each in a delivery of its own, as Meta sends an album."""
    return [ticket for one in messages for ticket in await desk.take(*delivered(one))]


async def test_album_is_one_ticket_wherever_its_caption_comes(desk: Desk) -> None:
    tickets = await take(desk, image("a", 0), image("b", 1, COMPLAINT), image("c", 1), image("d", 2))
    assert [one.kind for one in tickets] == ["opened", "followup", "followup", "followup"]
    assert len({one.ticket_id for one in tickets}) == 1
    assert sum(len(one.attachments) for one in tickets) == 4


async def test_album_in_one_delivery_is_one_ticket(desk: Desk) -> None:
    tickets = await desk.take(*delivered(*(image(f"a{n}", n, COMPLAINT if n == 0 else None) for n in range(10))))
    assert len({one.ticket_id for one in tickets}) == 1
    assert len(tickets) == 10


async def test_album_out_of_order_is_one_ticket(desk: Desk) -> None:
    tickets = await take(desk, image("c", 3), image("a", 0, COMPLAINT), image("b", 1))
    assert len({one.ticket_id for one in tickets}) == 1


async def test_place_sent_after_the_text_joins_it(desk: Desk) -> None:
    spot = {"latitude": -6.2369, "longitude": 106.8081}
    text = message("t", "text", {"body": COMPLAINT})
    first, second = await take(desk, text, message("l", "location", spot, 25 * 60))
    assert (second.kind, second.ticket_id) == ("followup", first.ticket_id)
    assert second.reading is not None
    assert (second.reading.place.lat, second.reading.place.lon) == (-6.2369, 106.8081)


async def test_edit_and_revoke_reach_the_ticket(desk: Desk) -> None:
    content = {"type": "text", "text": {"body": COMPLAINT + " dan kabelnya menjuntai"}}
    (opened,) = await take(desk, message("t", "text", {"body": COMPLAINT}))
    edit = message("e", "edit", {"original_message_id": "wamid.t", "message": content}, 300)
    revoke = message("r", "revoke", {"original_message_id": "wamid.t"}, 4000)
    edited, gone = await take(desk, edit, revoke)
    assert (edited.kind, edited.ticket_id, gone.kind, gone.ticket_id) == (
        "amended", opened.ticket_id, "withdrawn", opened.ticket_id,
    )  # fmt: skip


async def test_redelivery_after_the_vendor_s_seven_days_opens_nothing(desk: Desk) -> None:
    """The register remembers for good; no cache has to live as long as Meta repeats."""
    found = delivered(message("t", "text", {"body": COMPLAINT}))
    (first,) = await desk.take(*found)
    desk.rows.clear()
    (again,) = await desk.take(*found, received=START + timedelta(days=8))
    assert (again.kind, again.id, again.number) == ("opened", first.id, first.number)
    (new,) = await desk.take(*delivered(message("u", "text", {"body": COMPLAINT}, 86_400 * 9)))
    assert new.number.endswith("0001")
    assert new.number != first.number


async def test_person_who_hides_the_number_later_stays_the_same(desk: Desk) -> None:
    """The user id comes first wherever it is given, so the number may come or go."""
    with_number = message("t", "text", {"body": COMPLAINT})
    without = {key: value for key, value in image("p", 60).items() if key != "from"}
    first, second = await take(desk, with_number, without)
    assert second.ticket_id == first.ticket_id
