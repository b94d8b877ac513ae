"""What holds for the channels of a Page alike: bent input, and answers."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Backpressure, InvalidItem, TransientError
from schemas.base import encode
from tests.channels import FixedClock, MemoryCursors
from tests.ingestors_meta import sides
from tests.ingestors_meta.double import EXPIRED, GraphDouble, failure
from tests.ingestors_meta.sides import COMMENT, NOW, PAGE, Side, both, outgoing, sender

ANYTHING: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from(["\0", "\ud83d", "", " ", "A" * 70_000, 10**30]) | st.just([]) | st.just({}) | st.just([{}])
)  # fmt: skip


def paths(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [at, *(found for key, one in inside for found in paths(one, (*at, key)))] if at or inside else [at]


@both
@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_retyped_and_nulled_members_make_an_item_or_a_dead_letter(side: Side, data: st.DataObject) -> None:
    document = json.loads(data.draw(st.sampled_from(side.inputs())).read_bytes())
    *way, last = data.draw(st.sampled_from([found for found in paths(document) if found]))
    node = document
    for key in way:
        node = node[key]
    node[last] = data.draw(ANYTHING)
    for line in side.decoded(json.dumps(document).encode()):
        assert line.outcome == "complaint" or line.reason in side.reasons
        assert "\0" not in encode(line).decode()


@both
@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deep_nesting_is_a_dead_letter(side: Side, depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    for body in (
        deep,
        b'{"object":"%s","entry":%s}' % (side.object, deep),
        b'{"history":"x","account":"1","data":%s}' % deep,
    ):
        assert {line.outcome for line in side.decoded(body)} == {"dead"}


@both
def test_redelivery_keeps_every_key(side: Side) -> None:
    for path in side.inputs():
        assert side.decoded(path.read_bytes()) == side.decoded(path.read_bytes())


@both
def test_without_a_token_answers_are_recorded_and_nothing_is_looked_up(side: Side) -> None:
    bare = side.channel.settings(_env_file=None)
    assert side.channel.sender is not None
    assert side.channel.sender(bare, MemoryCursors(), FixedClock(NOW)) is None
    assert side.channel.history is not None
    assert side.channel.history(bare, MemoryCursors(), FixedClock(NOW)) is None
    assert side.channel.public_replies is True


@both
async def test_a_direct_message_is_answered_in_private_and_named_as_its_echo(side: Side) -> None:
    double = GraphDouble(answers={f"{PAGE}/messages": {"recipient_id": "24", "message_id": "m_1"}})
    assert await sender(side, double).send(outgoing(side, "dm:m_0")) == "dm:m_1"
    ((path, body),) = double.posted
    assert path == f"{PAGE}/messages"
    assert body == {
        "recipient": {"id": "24000000000000001"}, "messaging_type": "RESPONSE", "message": {"text": "Diterima."},
    }  # fmt: skip


@both
@pytest.mark.parametrize(("hours", "tag"), [(23.9, None), (24.1, "HUMAN_AGENT"), (167.9, "HUMAN_AGENT")])
async def test_after_a_day_the_tag_is_needed(side: Side, hours: float, tag: str | None) -> None:
    double = GraphDouble()
    await sender(side, double).send(outgoing(side, "dm:m_0", hours=hours))
    assert double.posted[0][1].get("tag") == tag


@both
@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"external_id": "dm:m_0", "hours": 169}, "window-closed"),
        ({"external_id": "dm:m_0", "text": "A" * 2001}, "reply-too-long"),
        ({"external_id": "dm:m_0", "to": "unknown:dm:m_0"}, "no-recipient"),
        ({"external_id": "1_2", "text": "A" * 9000}, "reply-too-long"),
        ({"external_id": None}, "refused"),
    ],
)
async def test_what_can_never_be_sent_is_not_tried(side: Side, message: dict[str, Any], code: str) -> None:
    double = GraphDouble()
    with pytest.raises(InvalidItem) as caught:
        await sender(side, double).send(outgoing(side, **message))
    assert (caught.value.reason, double.calls) == (f"{side.name}.{code}", [])
    assert caught.value.reason in side.reasons


@both
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
    side: Side, answer: httpx.Response | Exception, kind: type[Exception], place: str
) -> None:
    with pytest.raises(kind) as caught:
        await sender(side, GraphDouble(fails={1: answer})).send(outgoing(side, place))
    assert isinstance(caught.value, TransientError) or caught.value.args[0] in side.reasons


@both
@pytest.mark.parametrize("body", [b"", b"null", b"[" * 100_000, b'{"id":{}}'])
async def test_an_answer_taken_but_not_understood_is_not_sent_again(side: Side, body: bytes) -> None:
    double = GraphDouble(fails={1: httpx.Response(200, content=body)})
    assert await sender(side, double).send(outgoing(side, "1_2")) is None


@both
@pytest.mark.parametrize(
    ("refusal", "posted"), [({}, 1), ({1: failure(10900, 400)}, 1)], ids=["private", "already replied: in public"]
)
async def test_private_replies_fall_back_to_public_ones(
    side: Side, refusal: dict[int, httpx.Response], posted: int
) -> None:
    double = GraphDouble(fails=dict(refusal))
    await sender(side, double, private_replies=True).send(outgoing(side, COMMENT))
    assert len(double.posted) == posted
    paths_called = [path for _, path, _ in double.calls]
    assert paths_called == ([f"{PAGE}/messages"] if not refusal else [f"{PAGE}/messages", f"{COMMENT}/{side.edge}"])
    if not refusal:
        assert double.posted[0][1]["recipient"] == {"comment_id": COMMENT}


@both
async def test_a_private_reply_without_an_id_is_not_sent_again_and_names_nothing(side: Side) -> None:
    double = GraphDouble(fails={1: httpx.Response(200, content=b"{}")})
    assert await sender(side, double, private_replies=True).send(outgoing(side, COMMENT)) is None
    assert len(double.calls) == 1


@both
@pytest.mark.parametrize("answer", [EXPIRED, failure(1, 500), httpx.ReadTimeout("slow")])
async def test_a_private_reply_that_may_have_arrived_is_not_repeated_in_public(
    side: Side, answer: httpx.Response | Exception
) -> None:
    double = GraphDouble(fails={1: answer})
    with pytest.raises(TransientError):
        await sender(side, double, private_replies=True).send(outgoing(side, COMMENT))
    assert len(double.calls) == 1


@both
async def test_a_private_reply_is_not_tried_after_a_week(side: Side) -> None:
    double = GraphDouble()
    await sender(side, double, private_replies=True).send(outgoing(side, COMMENT, hours=200))
    assert [path for path, _ in double.posted] == [f"{COMMENT}/{side.edge}"]


@pytest.mark.parametrize(
    ("side", "webhook", "listing"),
    [
        (sides.FACEBOOK, "post_v26_visitor", "history_v26_posts"),
        (sides.FACEBOOK, "comment_v26_on_news_post", "history_v26_comments"),
        (sides.FACEBOOK, "comment_v26_nested", "history_v26_comments"),
        (sides.FACEBOOK, "comment_v26_photo_only", "history_v26_comments"),
        (sides.FACEBOOK, "comment_v26_from_missing", "history_v26_comments"),
        (sides.FACEBOOK, "messenger_v26_text", "history_v26_messages"),
        (sides.INSTAGRAM, "comment_v26", "history_v26_comments"),
        (sides.INSTAGRAM, "comment_v26_reply_to_comment", "history_v26_comments"),
        (sides.INSTAGRAM, "message_v26_text", "history_v26_messages"),
    ],
    ids=lambda one: one.name if isinstance(one, Side) else one,
)
def test_the_same_thing_captured_both_ways_is_one(side: Side, webhook: str, listing: str) -> None:
    (pushed,) = side.fixture(webhook)
    listed = {line.key: line for line in side.fixture(listing)}[pushed.key]
    assert pushed.item is not None
    assert listed.item is not None
    assert listed.outcome == pushed.outcome
    for field in ("external_id", "thread", "root", "reply_to", "text", "public"):
        assert getattr(listed.item, field) == getattr(pushed.item, field)
    assert listed.item.author.id == pushed.item.author.id
