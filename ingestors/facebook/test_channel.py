"""Facebook: what deliveries and listings become, and where answers go. Golden pairs run in tests/contract."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from ingestors.facebook import CHANNEL
from ingestors.facebook.history import FacebookHistory
from ingestors.facebook.settings import FacebookSettings
from pipeline.errors import Backpressure, InvalidItem, TransientError
from schemas.item import Decoded
from tests.channels import FixedClock
from tests.ingestors_meta import sides
from tests.ingestors_meta.double import EXPIRED, TOKEN, GraphDouble, failure, iso
from tests.ingestors_meta.sides import NOW

NAME = "facebook"
ACCOUNT = PAGE = "100000000000002"
POST, COMMENT = f"{ACCOUNT}_122000000000001", "122000000000001_700000000000001"
SIDE = sides.FACEBOOK
decoded, fixture, only = SIDE.decoded, SIDE.fixture, SIDE.only
outgoing, sender = partial(sides.outgoing, SIDE), partial(sides.sender, SIDE)


def configured(**changes: Any) -> FacebookSettings:
    return FacebookSettings(_env_file=None, **changes)


def test_edit_and_removal_lead_to_the_comment_they_change_and_the_later_edit_is_the_higher_version() -> None:
    original, edited, removed = (only(f"comment_v26_{name}") for name in ("on_news_post", "edited", "remove"))
    assert {edited.root, removed.root, original.external_id} == {COMMENT}
    assert edited.external_id == original.external_id
    document = json.loads((SIDE.fixtures / "comment_v26_edited.json").read_bytes())
    document["entry"][0]["time"] += 1
    (later,) = decoded(json.dumps(document).encode())
    assert later.item is not None
    assert later.item.version > edited.version > original.version
    assert (
        len({line.key for name in ("on_news_post", "edited", "remove") for line in fixture(f"comment_v26_{name}")}) == 3
    )


def test_a_nested_comment_belongs_to_its_parent_and_all_comments_to_the_thread_of_the_post() -> None:
    first, nested = only("comment_v26_on_news_post"), only("comment_v26_nested")
    assert first.reply_to == POST
    assert nested.reply_to == first.external_id
    assert first.thread == nested.thread == POST


CONTENT = dict.fromkeys(["add", None], "complaint") | {
    "edited": "edit",
    "remove": "delete",
    "hide": "note",
    "block": "note",
}
ITEMS = {
    **dict.fromkeys(("post", "status", "photo", "video", "album", "link", "note", "mention"), CONTENT),
    "comment": CONTENT | {"add": "reply", None: "reply"},
    **{item: dict.fromkeys(CONTENT, "note") for item in ("like", "reaction", "share", "event", "new_item")},
}
"""Meta, "Webhooks > Reference > Page > feed": outcome by item and verb."""


@pytest.mark.parametrize("item", ITEMS)
def test_every_item_with_every_verb_has_its_outcome(item: str) -> None:
    for verb, outcome in ITEMS[item].items():
        value = {"item": item, "verb": verb, "post_id": POST, "message": "Jalan rusak", "from": {"id": "7"}}
        value |= {"comment_id": COMMENT, "parent_id": POST} if item == "comment" else {}
        entry = {"id": PAGE, "time": 1795402800, "changes": [{"field": "feed", "value": value}]}
        (line,) = decoded(json.dumps({"object": "page", "entry": [entry]}).encode())
        assert line.outcome == outcome, verb


def test_what_stood_in_public_says_so_and_messenger_does_not() -> None:
    assert only("comment_v26_on_news_post").public
    assert only("post_v26_visitor").public
    assert only("photo_v26_only_no_message").public
    assert not only("messenger_v26_text").public


def test_without_an_author_the_complaint_is_kept_under_an_id_that_nobody_has() -> None:
    assert only("post_v26_from_missing").author.id == f"unknown:{POST}"
    assert only("post_v26_from_missing").text


def test_a_comment_never_joins_a_private_ticket_by_its_author() -> None:
    """The same person's two ids differ, so that no answer with their own link goes under a comment."""
    assert only("messenger_v26_text").author.id.startswith("dm:")
    assert not only("comment_v26_on_news_post").author.id.startswith("dm:")


async def test_a_post_of_a_visitor_is_answered_in_private_by_its_own_name() -> None:
    double = GraphDouble()
    await sender(double, private_replies=True).send(outgoing(POST))
    assert double.posted[0][1]["recipient"] == {"post_id": POST}


async def test_an_answer_with_the_citizens_own_link_never_stands_under_a_post() -> None:
    double = GraphDouble()
    await sender(double).send(dataclasses.replace(outgoing(POST), private=True))
    assert double.posted[0][1]["recipient"] == {"post_id": POST}
    late = dataclasses.replace(outgoing(COMMENT, hours=900), private=True)
    with pytest.raises(InvalidItem, match=r"facebook\.not-in-public"):
        await sender(double).send(late)
    assert len(double.posted) == 1


async def test_a_comment_is_answered_under_it() -> None:
    double = GraphDouble()
    assert await sender(double).send(outgoing(COMMENT, to="24000000000000001", hours=900)) == "jawaban_1"
    assert double.posted == [(f"{COMMENT}/comments", {"message": "Diterima."})]


class City:
    """Thirty hours of a Page: what citizens wrote, as Graph lists it."""

    def __init__(self) -> None:
        def post(n: int, hours: float, who: str, touched: float) -> dict[str, Any]:
            return {
                "id": f"{PAGE}_{n}", "message": f"Lampu mati {n}", "from": {"id": who, "name": "Contoh"},
                "created_time": iso(NOW - timedelta(hours=hours)), "updated_time": iso(NOW - timedelta(hours=touched)),
            }  # fmt: skip

        def comment(post: int, n: int, hours: float) -> dict[str, Any]:
            at = iso(NOW - timedelta(hours=hours))
            return {
                "id": f"{post}_{n}",
                "message": "Di sini juga",
                "created_time": at,
                "from": {"id": "24", "name": "A"},
            }

        def message(n: int, hours: float, who: str) -> dict[str, Any]:
            return {
                "id": f"m_{n}",
                "message": "Banjir",
                "from": {"id": who},
                "created_time": iso(NOW - timedelta(hours=hours)),
            }

        self.edges: dict[str, list[dict[str, Any]]] = {
            f"{PAGE}/feed": [
                *(post(n, n, "24", n) for n in range(1, 6)),
                post(90, 31, "24", 31),
                post(91, 200, PAGE, 2),  # an old post of the city, commented on today
            ],
            f"{PAGE}/tagged": [{**post(77, 3, "25", 3), "id": "25_77"}],
            f"{PAGE}/conversations": [
                {"id": "t_1", "updated_time": iso(NOW - timedelta(hours=1))},
                {"id": "t_2", "updated_time": iso(NOW - timedelta(hours=29))},
                {"id": "t_3", "updated_time": iso(NOW - timedelta(hours=50))},
            ],
            "t_1/messages": [*(message(n, n, "26") for n in range(1, 5)), message(9, 40, "26")],
            "t_2/messages": [message(20, 29, "27"), message(21, 29.5, PAGE)],
            "t_3/messages": [message(30, 50, "28")],
            "91/comments": [],
            **{f"{PAGE}_{n}/comments": [] for n in (1, 2, 3, 4)},
            f"{PAGE}_91/comments": [*(comment(91, n, n) for n in (2, 3, 4, 5, 6)), comment(91, 99, 190)],
        }
        self.missed = {
            *(f"{PAGE}_{n}" for n in range(1, 6)), "25_77", *(f"91_{n}" for n in (2, 3, 4, 5, 6)),
            "dm:m_1", "dm:m_2", "dm:m_3", "dm:m_4", "dm:m_20",
        }  # fmt: skip


async def looked_back(double: GraphDouble, since: datetime = NOW - timedelta(hours=30)) -> list[Decoded]:
    ours = configured(access_token=TOKEN)
    history = FacebookHistory(ours, FixedClock(NOW), double.graph())
    return [part.decoded async for raw in history.pages(since) for part in CHANNEL.decode(raw)]


async def test_thirty_hours_down_miss_nothing_and_bring_nothing_twice() -> None:
    city = City()
    found = [line for line in await looked_back(GraphDouble(city.edges)) if line.item is not None]
    assert {line.item.external_id for line in found if line.item} == city.missed
    assert len({line.key for line in found}) == len(found)


async def test_a_post_deleted_while_we_look_stops_nothing() -> None:
    """Post 5 has no comments edge any more: Graph answers that it does not exist."""
    city = City()
    assert f"{PAGE}_5/comments" not in city.edges
    double = GraphDouble(city.edges)
    await looked_back(double)
    assert f"{PAGE}_5/comments" in [path for _, path, _ in double.calls]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (EXPIRED, TransientError),
        (failure(4, 400), Backpressure),
        (failure(80001, 400, retry_after="30"), Backpressure),
        (httpx.Response(429), Backpressure),
        (failure(100, 400), TransientError),
        (httpx.ReadTimeout("slow"), TransientError),
        (httpx.Response(200, text="<html>"), TransientError),
    ],
)
async def test_wherever_a_look_breaks_off_it_says_so_and_the_next_one_is_whole(
    answer: httpx.Response | Exception, kind: type[Exception]
) -> None:
    city = City()
    whole = GraphDouble(city.edges)
    await looked_back(whole)
    for call in range(1, len(whole.calls) + 1):
        with pytest.raises(kind):
            await looked_back(GraphDouble(city.edges, fails={call: answer}))
    again = await looked_back(GraphDouble(city.edges))
    assert {line.item.external_id for line in again if line.item} == city.missed


async def test_a_quiet_page_costs_few_calls() -> None:
    double = GraphDouble(City().edges)
    await looked_back(double, NOW - timedelta(minutes=20))
    assert len(double.calls) <= 8
