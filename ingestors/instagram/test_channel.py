"""Instagram: what deliveries and listings become, and where answers go. Golden pairs run in tests/contract."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from ingestors.instagram import CHANNEL
from ingestors.instagram.history import InstagramHistory
from ingestors.instagram.media import InstagramMedia
from ingestors.instagram.receive import make_webhook
from ingestors.instagram.settings import InstagramSettings
from ingestors.meta import hub_signature
from pipeline.channel import HookRequest, Raw
from pipeline.errors import Backpressure, InvalidItem, Rejected, TransientError
from schemas.item import Attachment, Decoded
from tests.channels import FixedClock
from tests.ingestors_meta import sides
from tests.ingestors_meta.double import EXPIRED, TOKEN, GraphDouble, failure, iso
from tests.ingestors_meta.sides import NOW

NAME = "instagram"
ACCOUNT, PAGE = "17841400000000001", "100000000000002"
COMMENT, MEDIUM = "17900000000000001", "18000000000000001"
SIDE = sides.INSTAGRAM
decoded, fixture, only = SIDE.decoded, SIDE.fixture, SIDE.only
outgoing, sender = partial(sides.outgoing, SIDE), partial(sides.sender, SIDE)


def configured(**changes: Any) -> InstagramSettings:
    return InstagramSettings(_env_file=None, **changes)


def delivered(body: bytes) -> list[Raw]:
    headers = {
        "content-type": "application/json", "x-hub-signature-256": hub_signature(body, "demo-instagram-app-secret"),
    }  # fmt: skip
    raws, _ = make_webhook(configured()).take(HookRequest(headers, {}, body, NOW))
    return raws


def test_a_delivery_that_names_the_page_is_taken_when_an_entry_is_ours() -> None:
    body = (SIDE.fixtures / "message_v26_page_object.json").read_bytes()
    assert [raw.account for raw in delivered(body)] == [ACCOUNT]
    with pytest.raises(Rejected) as caught:
        delivered(body.replace(ACCOUNT.encode(), b"100000000000009"))
    assert (caught.value.status, caught.value.reason) == (400, "webhook.wrong-shape")


def test_unsend_takes_back_the_message_it_names() -> None:
    original, gone = only("message_v26_text"), only("message_v26_unsend")
    assert gone.root == original.external_id
    assert fixture("message_v26_unsend")[0].key != fixture("message_v26_text")[0].key


def test_both_shapes_and_the_consoles_test_event_are_read() -> None:
    assert only("comment_v26").public
    assert not only("message_v26_text").public
    assert only("message_v26_as_change_of_the_console").text == "random_text"


@pytest.mark.parametrize(
    "name", ["message_v26_story_mention", "message_v26_reply_to_story", "message_v26_image", "mention_v26_in_caption"]
)
def test_pictures_are_kept_by_reference(name: str) -> None:
    (found,) = only(name).attachments
    assert found.reference
    assert found.blob is None


def test_a_share_without_words_is_kept_with_what_it_shows() -> None:
    for line in fixture("message_v26_share_and_reel_without_text"):
        assert line.item is not None
        assert (line.outcome, line.item.text, len(line.item.attachments)) == ("complaint", "", 1)


def test_all_messages_of_a_person_have_one_author_and_comments_another() -> None:
    """Order is kept by author; a comment never joins a private ticket, whose answers hold the citizen's own link."""
    authors = {only(f"message_v26_{name}").author.id for name in ("text", "image", "reply_to", "unsend", "edit")}
    assert len(authors) == 1
    assert only("comment_v26").author.id not in authors


def test_a_mention_and_its_listing_are_one_ticket() -> None:
    """Meta delivers a mention without its words; the listing brings them as a newer version of the same root."""
    bare, read = only("mention_v26_in_caption"), only("history_v26_tags")
    assert read.root == bare.external_id
    assert read.version > bare.version
    assert read.text


@pytest.mark.parametrize(
    ("place", "path", "body"),
    [
        (COMMENT, f"{COMMENT}/replies", {}),
        (f"mention:{MEDIUM}", f"{ACCOUNT}/mentions", {"media_id": MEDIUM}),
        (f"mention:{MEDIUM}:{COMMENT}", f"{ACCOUNT}/mentions", {"media_id": MEDIUM, "comment_id": COMMENT}),
    ],
)
@pytest.mark.parametrize("private", [False, True])
async def test_public_answers_stand_where_the_city_was_called(
    place: str, path: str, body: dict[str, str], private: bool
) -> None:
    double = GraphDouble(fails={1: failure(10900)} if private and place == COMMENT else {})
    assert await sender(double, private_replies=private).send(outgoing(place, to="unknown:1")) == "jawaban_1"
    assert double.posted == [(path, {"message": "Diterima."} | body)]


async def test_the_picture_of_a_mention_is_found_through_graph() -> None:
    url = "https://scontent.cdninstagram.com/a.jpg"
    ours = configured(access_token=TOKEN)
    double = GraphDouble(answers={ACCOUNT: {"mentioned_media": {"media_url": url, "id": MEDIUM}, "id": ACCOUNT}})
    link = await InstagramMedia(ours, double.graph()).locate(Attachment(reference=f"mention:{MEDIUM}"), ACCOUNT)
    assert (link.url, link.words) == (url, None)
    assert double.calls[0][2]["fields"].startswith(f"mentioned_media.media_id({MEDIUM}){{")


async def test_the_words_of_a_mention_in_somebodys_comment_join_its_ticket() -> None:
    said = {
        "text": "Di sini juga banjir @dkijakarta",
        "timestamp": "2026-11-23T01:00:00+0000",
        "username": "rina_umpama",
    }
    double = GraphDouble(answers={ACCOUNT: {"mentioned_comment": said, "id": ACCOUNT}})
    bare = only("mention_v26_in_comment")
    source = InstagramMedia(configured(access_token=TOKEN), double.graph())
    link = await source.locate(bare.attachments[0], ACCOUNT)
    assert link.words is not None
    (read,) = [part.decoded for part in CHANNEL.decode(link.words)]
    assert (read.outcome, read.reason) == ("edit", "instagram.mention-read")
    assert read.item is not None
    assert (read.item.root, read.item.text, read.item.author.handle) == (bare.external_id, said["text"], "rina_umpama")
    assert read.item.version > bare.version
    assert read.item.thread == bare.thread


async def test_the_caption_of_a_mention_comes_with_its_picture() -> None:
    url = "https://scontent.cdninstagram.com/a.jpg"
    told = {"media_url": url, "caption": "Trotoar rusak @dkijakarta", "timestamp": "2026-11-23T01:00:00+0000"}
    source = InstagramMedia(
        configured(access_token=TOKEN), GraphDouble(answers={ACCOUNT: {"mentioned_media": told}}).graph()
    )
    link = await source.locate(Attachment(reference=f"mention:{MEDIUM}"), ACCOUNT)
    assert link.url == url
    assert link.words is not None
    assert [one.decoded.key for one in CHANNEL.decode(link.words)] == [f"instagram:{ACCOUNT}:mention:{MEDIUM}:read"]


@pytest.mark.parametrize(
    ("reference", "answer", "kind"),
    [
        ("mention:1){id}", {}, InvalidItem),
        ("mention:1", {"id": "1"}, InvalidItem),
        ("mention:1", failure(100, 400, 33), InvalidItem),
        ("mention:1", EXPIRED, TransientError),
        ("mention:1", httpx.Response(200, text="<html>"), TransientError),
    ],
)
async def test_a_mention_whose_picture_cannot_be_found(reference: str, answer: Any, kind: type[Exception]) -> None:
    ours = configured(access_token=TOKEN)
    source = InstagramMedia(ours, GraphDouble(answers={ACCOUNT: answer}).graph())
    with pytest.raises(kind):
        await source.locate(Attachment(reference=reference), ACCOUNT)


async def test_without_a_token_the_picture_of_a_mention_waits() -> None:
    with pytest.raises(TransientError):
        await InstagramMedia(configured()).locate(Attachment(reference="mention:1"), ACCOUNT)


class City:
    """Thirty hours of an account: what citizens wrote, as Graph lists it."""

    def __init__(self) -> None:
        def comment(n: int, hours: float, *replies: dict[str, Any], who: str = "15") -> dict[str, Any]:
            return {
                "id": f"c{n}", "text": "Lampu mati", "timestamp": iso(NOW - timedelta(hours=hours)),
                "from": {"id": who, "username": "contoh"},
                **({"replies": {"data": list(replies)}} if replies else {}),
            }  # fmt: skip

        def message(n: int, hours: float) -> dict[str, Any]:
            at = iso(NOW - timedelta(hours=hours))
            return {"id": f"m{n}", "message": "Banjir", "from": {"id": "26"}, "created_time": at}

        def medium(n: int, hours: float, count: int) -> dict[str, Any]:
            return {"id": f"p{n}", "timestamp": iso(NOW - timedelta(hours=hours)), "comments_count": count}

        crowded = comment(30, 50, comment(31, 2))
        crowded["replies"]["paging"] = {"next": "https://graph.facebook.com/v26.0/c30/replies?after=1"}
        self.edges: dict[str, list[dict[str, Any]]] = {
            f"{ACCOUNT}/media": [medium(1, 10, 4), medium(2, 200, 4), medium(3, 300, 3), medium(4, 5000, 9)],
            "p1/comments": [comment(1, 1), comment(2, 2), comment(3, 3), comment(4, 4, who=ACCOUNT)],
            "p2/comments": [comment(10, 5, comment(11, 4)), comment(12, 100, comment(13, 6), comment(14, 90))],
            "p3/comments": [crowded],
            "c30/replies": [comment(31, 2), comment(32, 3), comment(33, 49)],
            f"{ACCOUNT}/tags": [
                {"id": f"t{n}", "caption": "Banjir", "timestamp": iso(NOW - timedelta(hours=n))} for n in (1, 2, 3, 99)
            ],
            f"{PAGE}/conversations": [{"id": "k1", "updated_time": iso(NOW - timedelta(hours=1))}],
            "k1/messages": [message(1, 1), message(2, 2), message(3, 3), message(4, 60)],
        }
        self.missed = {
            "c1", "c2", "c3", "c10", "c11", "c13", "c31", "c32", "mention:t1", "mention:t2", "mention:t3", "dm:m1",
            "dm:m2", "dm:m3",
        }  # fmt: skip

    def double(self, **more: Any) -> GraphDouble:
        return GraphDouble(self.edges, bare_cursors=frozenset({f"{ACCOUNT}/tags"}), **more)


def history_on(double: GraphDouble) -> InstagramHistory:
    return InstagramHistory(configured(access_token=TOKEN), FixedClock(NOW), double.graph())


async def looked_back(history: InstagramHistory, since: datetime = NOW - timedelta(hours=30)) -> list[Decoded]:
    return [part.decoded async for raw in history.pages(since) for part in CHANNEL.decode(raw)]


def named(found: list[Decoded]) -> set[str]:
    return {line.item.external_id for line in found if line.item}


async def test_thirty_hours_down_miss_nothing() -> None:
    city = City()
    found = await looked_back(history_on(city.double()))
    assert named(found) == city.missed
    assert len({line.key for line in found if line.item}) == len(city.missed)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (EXPIRED, TransientError),
        (failure(80002, 400), Backpressure),
        (httpx.Response(429, headers={"retry-after": "5"}), Backpressure),
        (failure(100, 400), TransientError),
        (httpx.ReadTimeout("slow"), TransientError),
        (httpx.Response(200, json={"data": [7]}), TransientError),
    ],
)
async def test_wherever_a_look_breaks_off_it_says_so_and_the_next_one_is_whole(
    answer: httpx.Response | Exception, kind: type[Exception]
) -> None:
    city = City()
    whole = city.double()
    await looked_back(history_on(whole))
    for call, (_, path, _) in enumerate(whole.calls, 1):
        if isinstance(answer, httpx.Response) and answer.is_success and not path.endswith(("/media", "/comments")):
            continue
        history = history_on(city.double(fails={call: answer}))
        with pytest.raises(kind):
            await looked_back(history)
        assert named(await looked_back(history)) == city.missed


async def test_posts_whose_comments_did_not_change_are_not_read_again_in_short_looks() -> None:
    double = City().double()
    history, short = history_on(double), NOW - timedelta(minutes=20)
    await looked_back(history, short)
    before = len(double.calls)
    await looked_back(history, short)
    assert not [path for _, path, _ in double.calls[before:] if path.endswith("/comments")]
    double.edges["p2/comments"][1]["replies"]["data"].append({"id": "c15", "text": "Lagi", "timestamp": iso(NOW)})
    double.edges[f"{ACCOUNT}/media"][1]["comments_count"] += 1
    assert "c15" in named(await looked_back(history, short))
    assert named(await looked_back(history, NOW - timedelta(hours=48))) >= {"c13", "c15"}


async def test_a_short_look_that_broke_off_reads_the_same_posts_again() -> None:
    city, short = City(), NOW - timedelta(hours=5, minutes=30)
    whole = city.double()
    expected = named(await looked_back(history_on(whole), short))
    assert {"c1", "c10", "c31"} <= expected
    history = history_on(city.double(fails={len(whole.calls): EXPIRED}))
    with pytest.raises(TransientError):
        await looked_back(history, short)
    assert named(await looked_back(history, short)) == expected
