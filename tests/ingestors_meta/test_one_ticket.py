"""What comes by webhook and by listing, through the normalizer: one ticket, and no citizen's link in public."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

import ingestors
from ingestors import facebook, instagram
from ingestors.facebook import vendor as page
from ingestors.instagram import vendor as account
from ingestors.items import listing
from ingestors.vendor import Person
from pipeline.channel import Channel, Raw
from schemas.item import Decoded
from tests.normalizer.desk import COMPLAINT, NOON, Desk

HOME = Path(ingestors.__path__[0])
SITI = Person("Siti Contoh", id="24000000000000001")


def decoded(channel: Channel, body: bytes) -> list[Decoded]:
    raw = Raw(channel.name, "100000000000002", body, "application/json", NOON)
    return [part.decoded for part in channel.decode(raw) if part.decoded.item is not None]


def pair(channel: Channel) -> tuple[bytes, bytes]:
    """The same message as Meta delivers it and as it lists it."""
    ours: Any = channel.settings(_env_file=None)
    if channel.name == "facebook":
        pushed = page.message(ours, SITI, COMPLAINT)
        (item,) = [one.item for one in decoded(channel, pushed)]
        assert item is not None
        listed = {"id": item.external_id, "message": COMPLAINT, "from": {"id": SITI.id, "name": SITI.name}}
        return pushed, listing("posts", ours.page_id, [raw_of(listed | {"created_time": item.sent_at.isoformat()})])
    pushed = account.message(ours, SITI, COMPLAINT)
    (item,) = [one.item for one in decoded(channel, pushed)]
    assert item is not None
    listed = {"id": item.external_id.removeprefix("dm:"), "message": COMPLAINT, "from": {"id": SITI.id}}
    return pushed, listing("messages", ours.user_id, [raw_of(listed | {"created_time": item.sent_at.isoformat()})])


def raw_of(document: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(document))


@pytest.mark.parametrize("channel", [facebook.CHANNEL, instagram.CHANNEL], ids=lambda one: one.name)
@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 1, 0, 0)])
async def test_delivered_and_listed_is_one_ticket(tmp_path: Path, channel: Channel, order: tuple[int, ...]) -> None:
    desk, bodies = Desk(tmp_path), pair(channel)
    events = []
    for which in order:
        for one in decoded(channel, bodies[which]):
            events += (await desk.process([desk.message(one, NOON)])).tickets
    assert {event.kind for event in events} == {"opened"}
    assert len({event.ticket_id for event in events}) == 1
    assert len({event.number for event in events}) == 1


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_a_mention_and_its_words_are_one_ticket(tmp_path: Path, order: tuple[int, ...]) -> None:
    desk = Desk(tmp_path)
    files = [
        HOME / "instagram" / "fixtures" / f"{name}.json" for name in ("mention_v26_in_caption", "history_v26_tags")
    ]
    events = []
    for which in order:
        for one in decoded(instagram.CHANNEL, files[which].read_bytes()):
            events += (await desk.process([desk.message(one, NOON)])).tickets
    assert len({event.ticket_id for event in events}) == 1
    assert "Pohon tumbang" in max(events, key=lambda event: event.version).text


async def test_a_comment_that_quotes_a_private_tickets_number_opens_its_own(tmp_path: Path) -> None:
    """Joined, the next answer would stand under the comment, with the link that lets anybody speak for the citizen."""
    desk, ours = Desk(tmp_path), facebook.CHANNEL.settings(_env_file=None)
    (private,) = decoded(facebook.CHANNEL, page.direct(ours, SITI, {"text": COMPLAINT}))
    (opened,) = (await desk.process([desk.message(private, NOON)])).tickets
    again = f"Bagaimana {opened.number}? {COMPLAINT}"
    (public,) = decoded(facebook.CHANNEL, page.message(ours, SITI, again))
    later = NOON + timedelta(seconds=20)
    (second,) = (await desk.process([desk.message(public, later)])).tickets
    assert (opened.public, second.public) == (False, True)
    assert second.ticket_id != opened.ticket_id
