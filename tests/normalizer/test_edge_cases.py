"""Vendors' own bytes through decoder and unify: what must be one ticket, two, or none (docs/edge-cases.md)."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import ingestors
from ingestors.registry import CHANNELS
from ingestors.vendor import Person, vendor_of
from pipeline.channel import Raw
from schemas.item import Decoded
from schemas.ticket import TicketEvent
from tests.normalizer.desk import COMPLAINT, NOON, Desk

HOME = Path(ingestors.__path__[0])
HOOKS = [name for name, channel in CHANNELS.items() if channel.webhook is not None]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def decoded(name: str, body: bytes) -> list[Decoded]:
    vendor = vendor_of(name)
    raw = Raw(name, vendor.account(CHANNELS[name].settings(_env_file=None)), body, vendor.content_type, NOON)
    return [part.decoded for part in CHANNELS[name].decode(raw)]


async def take(desk: Desk, name: str, *bodies: bytes, after: timedelta = timedelta(0)) -> list[TicketEvent]:
    """What becomes of deliveries, each in a batch of its own."""
    events: list[TicketEvent] = []
    for body in bodies:
        for one in decoded(name, body):
            if one.item is not None and one.outcome not in {"ignored", "note", "dead"}:
                events += (await desk.process([desk.message(one, NOON + after)])).tickets
    return events


def numbers(events: list[TicketEvent]) -> set[str]:
    return {event.ticket_id for event in events}


def kinds(events: list[TicketEvent]) -> list[str]:
    return [event.kind for event in events]


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("after", [timedelta(0), timedelta(days=8)])
async def test_a_replayed_delivery_is_one_ticket(desk: Desk, name: str, after: timedelta) -> None:
    body = vendor_of(name).message(CHANNELS[name].settings(_env_file=None), Person("Siti Contoh"), COMPLAINT)
    first = await take(desk, name, body)
    again = await take(desk, name, body, after=after)
    assert kinds(first) == ["opened"]
    assert [(event.id, event.ticket_id, event.number) for event in again] == [
        (event.id, event.ticket_id, event.number) for event in first
    ]


def post(number: int, text: str, *, author: str = "1544000000000000201", **more: Any) -> dict[str, Any]:
    fields = {"id": str(1988200000000000000 + number), "text": text, "author_id": author}
    return fields | {"created_at": (NOON + timedelta(minutes=number)).isoformat()} | more


def page(*posts: dict[str, Any]) -> bytes:
    return json.dumps({"data": list(posts), "meta": {"result_count": len(posts)}}).encode()


async def test_a_retweet_and_a_bare_quote_are_no_ticket_and_a_quote_with_words_is_its_own(desk: Desk) -> None:
    original = post(1, COMPLAINT)
    retweet = post(2, f"RT {COMPLAINT}", author="2", referenced_tweets=[{"type": "retweeted", "id": original["id"]}])
    quoted = [{"type": "quoted", "id": original["id"]}]
    bare = post(3, "https://t.co/abc @DKIJakarta", author="3", referenced_tweets=quoted)
    words = post(4, "Jalan saya juga berlubang sejak kemarin", author="4", referenced_tweets=quoted)
    events = await take(desk, "x", page(words, bare, retweet, original))
    assert kinds(events) == ["opened", "opened"]
    assert len(numbers(events)) == 2


@pytest.mark.parametrize("deleted", [0, 1], ids=["first version named", "last version named"])
async def test_an_edited_post_is_one_ticket_and_deletion_withdraws_it(desk: Desk, deleted: int) -> None:
    first = post(1, COMPLAINT)
    chain = [first["id"], str(1988200000000000002)]
    second = post(2, f"{COMPLAINT}, depan pasar", edit_history_tweet_ids=chain)
    events = await take(desk, "x", page(first), page(second))
    gone = {"data": {"event_type": "post.delete", "payload": {"id": chain[deleted], "author_id": first["author_id"]}}}
    events += await take(desk, "x", json.dumps(gone).encode())
    assert len(numbers(events)) == 1
    assert [event.version for event in events[:2]] == [1, 2]
    assert events[2].kind == "withdrawn"
    assert COMPLAINT not in events[2].text


def comment(name: str, text: str, *, by: str, parent: str | None = None) -> bytes:
    news = "100000000000002_122000000000001"
    value = {"item": "comment", "verb": "add", "post_id": news, "comment_id": f"122000000000001_{name}",
             "parent_id": parent or news, "from": {"id": by, "name": "Warga Contoh"}, "message": text,
             "created_time": int(NOON.timestamp())}  # fmt: skip
    entry = {"id": "100000000000002", "time": int(NOON.timestamp()), "changes": [{"field": "feed", "value": value}]}
    return json.dumps({"object": "page", "entry": [entry]}).encode()


async def test_a_nested_comment_joins_its_parents_ticket_and_comments_side_by_side_are_apart(desk: Desk) -> None:
    siti = comment("1", COMPLAINT, by="201")
    budi = comment("2", "Di sini juga pak, lampu jalan mati", by="202")
    under = comment("3", "Masih mati sampai malam ini", by="203", parent="122000000000001_1")
    events = await take(desk, "facebook", siti, budi, under)
    assert kinds(events) == ["opened", "opened", "followup"]
    assert events[2].ticket_id == events[0].ticket_id != events[1].ticket_id


def direct(mid: str, text: str, after: int) -> bytes:
    event = {"sender": {"id": "301"}, "recipient": {"id": "17841400000000001"},
             "timestamp": int((NOON + timedelta(seconds=after)).timestamp() * 1000),
             "message": {"mid": mid, "text": text}}  # fmt: skip
    entry = {"id": "17841400000000001", "time": event["timestamp"], "messaging": [event]}
    return json.dumps({"object": "instagram", "entry": [entry]}).encode()


async def test_direct_messages_of_one_person_that_overtake_each_other_are_one_ticket(desk: Desk) -> None:
    """One person's items are one partition; in whichever order they come there, they are one complaint."""
    events = await take(desk, "instagram", direct("m2", "di depan SDN 01 Cikini", 20), direct("m1", COMPLAINT, 0))
    assert len(numbers(events)) == 1


def group(chat: int, number: int, text: str, **more: Any) -> bytes:
    message = {"message_id": number, "date": int(NOON.timestamp()) + number, "chat": {"id": chat, "type": "supergroup"},
               "from": {"id": 401, "is_bot": False, "first_name": "Siti"}, "text": text} | more  # fmt: skip
    return json.dumps({"update_id": number, "message": message}).encode()


async def test_a_group_that_became_a_supergroup_goes_on_with_the_persons_ticket(desk: Desk) -> None:
    moved = group(-100600, 2, "", migrate_from_chat_id=-600)
    more = group(-100600, 3, "di depan SDN 01 Cikini")
    events = await take(desk, "telegram", group(-600, 1, COMPLAINT), moved, more)
    assert (kinds(events), len(numbers(events))) == (["opened", "followup"], 1)
