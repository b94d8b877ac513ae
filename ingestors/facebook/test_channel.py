"""Facebook: what the Page's deliveries and listings become, and where answers go. Golden pairs run in tests/contract."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestors import graph_access
from ingestors.facebook import CHANNEL, FIELDS, REASONS
from ingestors.facebook.history import FacebookHistory
from ingestors.facebook.reply import FacebookSender
from pipeline.channel import Outgoing, Raw
from pipeline.errors import Backpressure, InvalidItem, TransientError
from schemas.base import encode
from schemas.item import Attachment, Author, Decoded, Item
from tests.channels import FixedClock, MemoryCursors
from tests.ingestors_meta.double import EXPIRED, TOKEN, GraphDouble, failure, iso

NAME, OBJECT, EDGE = "facebook", b"page", "comments"
ACCOUNT = PAGE = "100000000000002"
POST, COMMENT = f"{ACCOUNT}_122000000000001", "122000000000001_700000000000001"
NEEDED = WANTED = FIELDS
SENDER = FacebookSender
FIXTURES = Path(__file__).parent / "fixtures"
INPUTS = sorted(path for path in FIXTURES.glob("*.json") if not path.name.endswith(".expected.json"))
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)

ANYTHING: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from(["\0", "\ud83d", "", " ", "A" * 70_000, 10**30]) | st.just([]) | st.just({}) | st.just([{}])
)  # fmt: skip


def decoded(body: bytes) -> list[Decoded]:
    return [part.decoded for part in CHANNEL.decode(Raw(NAME, ACCOUNT, body, "application/json", NOW))]


def fixture(name: str) -> list[Decoded]:
    return decoded((FIXTURES / f"{name}.json").read_bytes())


def only(name: str) -> Item:
    (line,) = fixture(name)
    assert line.item is not None
    return line.item


def paths(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [at, *(found for key, one in inside for found in paths(one, (*at, key)))] if at or inside else [at]


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_retyped_and_nulled_members_make_an_item_or_a_dead_letter(data: st.DataObject) -> None:
    document = json.loads(data.draw(st.sampled_from(INPUTS)).read_bytes())
    *way, last = data.draw(st.sampled_from([found for found in paths(document) if found]))
    node = document
    for key in way:
        node = node[key]
    node[last] = data.draw(ANYTHING)
    for line in decoded(json.dumps(document).encode()):
        assert line.outcome == "complaint" or line.reason in REASONS
        assert "\0" not in encode(line).decode()


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deep_nesting_is_a_dead_letter(depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    for body in (
        deep,
        b'{"object":"%s","entry":%s}' % (OBJECT, deep),
        b'{"history":"x","account":"1","data":%s}' % deep,
    ):
        assert {line.outcome for line in decoded(body)} == {"dead"}


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_redelivery_keeps_every_key(path: Path) -> None:
    assert decoded(path.read_bytes()) == decoded(path.read_bytes())


def outgoing(
    external_id: str | None, *, to: str = "dm:24000000000000001", hours: float = 1, text: str = "Diterima."
) -> Outgoing:
    return Outgoing(
        id="r1", account=ACCOUNT, to=Author(id=to), text=text, external_id=external_id, thread=None, subject=None,
        last_inbound_at=NOW - timedelta(hours=hours), now=NOW,
    )  # fmt: skip


def sender(double: GraphDouble, **changes: Any) -> Any:
    configured = CHANNEL.settings(_env_file=None, access_token=TOKEN, **changes)
    return SENDER(configured, TOKEN, double.client())


def test_without_a_token_answers_are_recorded_and_nothing_is_looked_up() -> None:
    bare = CHANNEL.settings(_env_file=None)
    assert CHANNEL.sender is not None
    assert CHANNEL.sender(bare, MemoryCursors(), FixedClock(NOW)) is None
    assert CHANNEL.history is not None
    assert CHANNEL.history(bare, FixedClock(NOW)) is None
    assert CHANNEL.public_replies is True


async def test_a_direct_message_is_answered_in_private_and_named_as_its_echo() -> None:
    double = GraphDouble(answers={f"{PAGE}/messages": {"recipient_id": "24", "message_id": "m_1"}})
    assert await sender(double).send(outgoing("dm:m_0")) == "dm:m_1"
    ((path, body),) = double.posted
    assert path == f"{PAGE}/messages"
    assert body == {
        "recipient": {"id": "24000000000000001"}, "messaging_type": "RESPONSE", "message": {"text": "Diterima."},
    }  # fmt: skip


@pytest.mark.parametrize(("hours", "tag"), [(23.9, None), (24.1, "HUMAN_AGENT"), (167.9, "HUMAN_AGENT")])
async def test_after_a_day_the_tag_is_needed(hours: float, tag: str | None) -> None:
    double = GraphDouble()
    await sender(double).send(outgoing("dm:m_0", hours=hours))
    assert double.posted[0][1].get("tag") == tag


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (outgoing("dm:m_0", hours=169), "window-closed"),
        (outgoing("dm:m_0", text="A" * 2001), "reply-too-long"),
        (outgoing("dm:m_0", to="unknown:dm:m_0"), "no-recipient"),
        (outgoing("1_2", text="A" * 9000), "reply-too-long"),
        (outgoing(None), "refused"),
    ],
)
async def test_what_can_never_be_sent_is_not_tried(message: Outgoing, code: str) -> None:
    double = GraphDouble()
    with pytest.raises(InvalidItem) as caught:
        await sender(double).send(message)
    assert (caught.value.reason, double.calls) == (f"{NAME}.{code}", [])
    assert caught.value.reason in REASONS


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failure(190, 401), TransientError),
        (failure(613, 400, retry_after="9"), Backpressure),
        (failure(10, 400, 2018278), InvalidItem),
        (failure(551, 400), InvalidItem),
        (httpx.ReadTimeout("slow"), TransientError),
    ],
)
@pytest.mark.parametrize("place", ["dm:m_0", "1_2"])
async def test_what_becomes_of_an_answer_that_fails(
    answer: httpx.Response | Exception, kind: type[Exception], place: str
) -> None:
    with pytest.raises(kind) as caught:
        await sender(GraphDouble(fails={1: answer})).send(outgoing(place))
    assert isinstance(caught.value, TransientError) or caught.value.args[0] in REASONS


@pytest.mark.parametrize("body", [b"", b"null", b"[" * 100_000, b'{"id":{}}'])
async def test_an_answer_taken_but_not_understood_is_not_sent_again(body: bytes) -> None:
    double = GraphDouble(fails={1: httpx.Response(200, content=body)})
    assert await sender(double).send(outgoing("1_2")) is None


@pytest.mark.parametrize(
    ("refusal", "posted"), [({}, 1), ({1: failure(10900, 400)}, 1)], ids=["private", "already replied: in public"]
)
async def test_private_replies_fall_back_to_public_ones(refusal: dict[int, httpx.Response], posted: int) -> None:
    double = GraphDouble(fails=dict(refusal))
    await sender(double, private_replies=True).send(outgoing(COMMENT))
    assert len(double.posted) == posted
    paths_called = [path for _, path, _ in double.calls]
    assert paths_called == ([f"{PAGE}/messages"] if not refusal else [f"{PAGE}/messages", f"{COMMENT}/{EDGE}"])
    if not refusal:
        assert double.posted[0][1]["recipient"] == {"comment_id": COMMENT}


async def test_a_private_reply_is_not_tried_after_a_week() -> None:
    double = GraphDouble()
    await sender(double, private_replies=True).send(outgoing(COMMENT, hours=200))
    assert [path for path, _ in double.posted] == [f"{COMMENT}/{EDGE}"]


def token_of(expires: datetime | None = None, *, valid: bool = True) -> dict[str, Any]:
    ends = int(expires.timestamp()) if expires else 0
    return {"data": {"app_id": "77", "is_valid": valid, "expires_at": 0, "data_access_expires_at": ends}}


async def probed(double: GraphDouble) -> Any:
    configured = CHANNEL.settings(_env_file=None, access_token=TOKEN)
    return await graph_access.probe(NAME, configured, NEEDED, WANTED, double.graph(waits=False))


async def test_probe_tells_expiry_subscription_and_budget() -> None:
    apps = [{"id": "77", "subscribed_fields": [*WANTED, "leadgen"]}]
    double = GraphDouble(
        answers={"debug_token": token_of(NOW + timedelta(days=9))}, edges={f"{PAGE}/subscribed_apps": apps},
        headers={"X-App-Usage": '{"call_count":28}'},
    )  # fmt: skip
    found = await probed(double)
    assert (found.accepted, found.subscribed, found.problem) == (True, True, None)
    assert found.token_expires_at == NOW + timedelta(days=9)
    assert (found.used, found.limit, found.unit) == (28, 100, "%")
    assert double.posted == []


@pytest.mark.parametrize(("success", "problem"), [(True, "unsubscribed"), (False, "not-subscribed")])
async def test_probe_subscribes_again_what_meta_had_unsubscribed(success: bool, problem: str) -> None:
    double = GraphDouble(answers={"debug_token": token_of()}, edges={f"{PAGE}/subscribed_apps": [{"id": "88"}]})
    subscribe = {"success": success}
    double.fails[3] = httpx.Response(200, json=subscribe)
    found = await probed(double)
    assert (found.subscribed, found.problem) == (success, f"{NAME}.{problem}")
    assert found.problem in REASONS
    assert [(method, path) for method, path, _ in double.calls][-1] == ("POST", f"{PAGE}/subscribed_apps")


@pytest.mark.parametrize("answer", [failure(190, 401), httpx.Response(200, json=token_of(valid=False))])
async def test_probe_tells_a_refused_token(answer: httpx.Response) -> None:
    found = await probed(GraphDouble(fails={1: answer}))
    assert (found.accepted, found.problem) == (False, f"{NAME}.token-refused")
    assert found.problem in REASONS


@pytest.mark.parametrize("answer", [failure(1, 500), httpx.ReadTimeout("slow"), httpx.Response(200, text="<html>")])
async def test_probe_of_a_vendor_that_does_not_answer_is_transient(answer: httpx.Response | Exception) -> None:
    with pytest.raises(TransientError):
        await probed(GraphDouble(fails={1: answer}))


def media() -> Any:
    assert CHANNEL.media is not None
    return CHANNEL.media(CHANNEL.settings(_env_file=None))


@pytest.mark.parametrize("host", ["scontent.xx.fbcdn.net", "cdn.fbsbx.com", "scontent.cdninstagram.com"])
async def test_files_at_metas_hosts_are_found(host: str) -> None:
    link = await media().locate(Attachment(reference=f"https://{host}/a.jpg?oe=1"), ACCOUNT)
    assert (link.url, dict(link.headers)) == (f"https://{host}/a.jpg?oe=1", {})


@pytest.mark.parametrize(
    "url",
    ["http://scontent.xx.fbcdn.net/a", "https://fbcdn.net.example/a", "https://xfbcdn.net/a", "http://127.0.0.1/a", "", "//",
     "https://[", "file:///etc/passwd", "https://fbcdn.net@elsewhere.example/a"],
)  # fmt: skip
async def test_files_elsewhere_are_refused(url: str) -> None:
    with pytest.raises(InvalidItem) as caught:
        await media().locate(Attachment(reference=url), ACCOUNT)
    assert caught.value.reason in REASONS


async def test_the_development_api_serves_files_too() -> None:
    assert CHANNEL.media is not None
    source = CHANNEL.media(CHANNEL.settings(_env_file=None, graph_url="http://127.0.0.1:8098/v26.0"))
    assert source is not None
    assert "127.0.0.1" in source.hosts
    assert (await source.locate(Attachment(reference="http://127.0.0.1:8098/foto.png"), ACCOUNT)).url
    assert "127.0.0.1" not in media().hosts


def test_edit_and_removal_lead_to_the_comment_they_change_and_the_later_edit_is_the_higher_version() -> None:
    original, edited, removed = (only(f"comment_v26_{name}") for name in ("on_news_post", "edited", "remove"))
    assert {edited.root, removed.root, original.external_id} == {COMMENT}
    assert edited.external_id == original.external_id
    document = json.loads((FIXTURES / "comment_v26_edited.json").read_bytes())
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


@pytest.mark.parametrize(
    ("webhook", "listing"),
    [
        ("post_v26_visitor", "history_v26_posts"),
        ("comment_v26_on_news_post", "history_v26_comments"),
        ("comment_v26_nested", "history_v26_comments"),
        ("comment_v26_photo_only", "history_v26_comments"),
        ("comment_v26_from_missing", "history_v26_comments"),
        ("messenger_v26_text", "history_v26_messages"),
    ],
)
def test_the_same_thing_captured_both_ways_is_one(webhook: str, listing: str) -> None:
    (pushed,) = fixture(webhook)
    listed = {line.key: line for line in fixture(listing)}[pushed.key]
    assert pushed.item is not None
    assert listed.item is not None
    assert listed.outcome == pushed.outcome
    for field in ("external_id", "thread", "root", "reply_to", "text", "public"):
        assert getattr(listed.item, field) == getattr(pushed.item, field)
    assert listed.item.author.id == pushed.item.author.id


async def test_a_post_of_a_visitor_is_answered_in_private_by_its_own_name() -> None:
    double = GraphDouble()
    await sender(double, private_replies=True).send(outgoing(POST))
    assert double.posted[0][1]["recipient"] == {"post_id": POST}


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
    configured = CHANNEL.settings(_env_file=None, access_token=TOKEN)
    history = FacebookHistory(configured, FixedClock(NOW), double.graph())
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
