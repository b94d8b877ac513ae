"""Instagram: what deliveries and listings become, and where answers go. Golden pairs run in tests/contract."""

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
from ingestors.instagram import CHANNEL, PAGE_FIELDS, REASONS
from ingestors.instagram.history import InstagramHistory
from ingestors.instagram.media import InstagramMedia
from ingestors.instagram.receive import InstagramWebhook
from ingestors.instagram.reply import InstagramSender
from ingestors.meta import hub_signature
from pipeline.channel import HookRequest, Outgoing, Raw
from pipeline.errors import Backpressure, InvalidItem, Rejected, TransientError
from schemas.base import encode
from schemas.item import Attachment, Author, Decoded, Item
from tests.channels import FixedClock, MemoryCursors
from tests.ingestors_meta.double import EXPIRED, TOKEN, GraphDouble, failure, iso

NAME, OBJECT, EDGE = "instagram", b"instagram", "replies"
ACCOUNT, PAGE = "17841400000000001", "100000000000002"
COMMENT, MEDIUM = "17900000000000001", "18000000000000001"
NEEDED: tuple[str, ...] = ()
WANTED = PAGE_FIELDS
SENDER = InstagramSender
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


def delivered(body: bytes) -> list[Raw]:
    headers = {
        "content-type": "application/json", "x-hub-signature-256": hub_signature(body, "demo-instagram-app-secret"),
    }  # fmt: skip
    raws, _ = InstagramWebhook(CHANNEL.settings(_env_file=None)).take(HookRequest(headers, {}, body, NOW))
    return raws


def test_a_delivery_that_names_the_page_is_taken_when_an_entry_is_ours() -> None:
    body = (FIXTURES / "message_v26_page_object.json").read_bytes()
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
    ("webhook", "listing"),
    [
        ("comment_v26", "history_v26_comments"),
        ("comment_v26_reply_to_comment", "history_v26_comments"),
        ("message_v26_text", "history_v26_messages"),
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
    configured = CHANNEL.settings(_env_file=None, access_token=TOKEN)
    double = GraphDouble(answers={ACCOUNT: {"mentioned_media": {"media_url": url, "id": MEDIUM}, "id": ACCOUNT}})
    link = await InstagramMedia(configured, double.graph()).locate(Attachment(reference=f"mention:{MEDIUM}"), ACCOUNT)
    assert link.url == url
    assert double.calls[0][2]["fields"] == f"mentioned_media.media_id({MEDIUM}){{media_url}}"


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
    configured = CHANNEL.settings(_env_file=None, access_token=TOKEN)
    source = InstagramMedia(configured, GraphDouble(answers={ACCOUNT: answer}).graph())
    with pytest.raises(kind):
        await source.locate(Attachment(reference=reference), ACCOUNT)


async def test_without_a_token_the_picture_of_a_mention_waits() -> None:
    with pytest.raises(TransientError):
        await media().locate(Attachment(reference="mention:1"), ACCOUNT)


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
    return InstagramHistory(CHANNEL.settings(_env_file=None, access_token=TOKEN), FixedClock(NOW), double.graph())


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
