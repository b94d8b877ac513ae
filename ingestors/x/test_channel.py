"""X: what a delivery becomes; ``test_receive.py`` tells which are let in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestors.surrogates import whole_surrogates
from ingestors.x import CHANNEL, REASONS
from ingestors.x.dialects import snowflake_time
from pipeline.channel import Raw
from schemas.item import Decoded

FIXTURES = Path(__file__).parent / "fixtures"
INPUTS = sorted(path for path in FIXTURES.glob("*.json") if not path.name.endswith(".expected.json"))
ACCOUNT = "1000000001"
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
MENTION = (FIXTURES / "xaa_mention_create.json").read_bytes()


def decoded(body: bytes, account: str = ACCOUNT) -> list[Decoded]:
    raw = Raw("x", account, body, "application/json", NOW)
    return [part.decoded for part in CHANNEL.decode(raw)]


def event(kind: str, payload: Any) -> bytes:
    return json.dumps({"data": {"event_uuid": "1", "event_type": kind, "payload": payload}}).encode()


def post(**fields: Any) -> dict[str, Any]:
    return {"id": "2123585868395450369", "author_id": "1544000000000000101", "text": "Banjir @DKIJakarta", **fields}


def only(lines: Iterable[Decoded]) -> Decoded:
    (line,) = lines
    return line


def test_mention_and_page_give_the_same_post_the_same_key() -> None:
    payload = json.loads(MENTION)["data"]["payload"]
    page = json.dumps({"data": [payload], "meta": {"result_count": 1}}).encode()
    assert only(decoded(page)).key == only(decoded(MENTION)).key


def test_every_edit_shares_the_root_and_counts_up() -> None:
    chain = ["2123585868395450369", "2123586623370723329", "2123587504174010377"]
    page = {"data": [post(id=one, edit_history_tweet_ids=chain) for one in reversed(chain)], "meta": {}}
    lines = decoded(json.dumps(page).encode())
    assert [line.outcome for line in lines] == ["edit", "edit", "complaint"]
    assert [line.item.version for line in lines if line.item] == [3, 2, 1]
    assert {line.item.root for line in lines if line.item} == {chain[0]}


def test_edit_of_a_reply_is_an_edit_that_still_names_what_it_answers() -> None:
    chain = ["2123585868395450369", "2123586623370723329"]
    body = post(id=chain[1], edit_history_post_ids=chain, referenced_posts=[{"type": "replied_to", "id": "21"}])
    line = only(decoded(event("post.reply.create", body)))
    assert (line.outcome, line.item and line.item.reply_to) == ("edit", "21")


@pytest.mark.parametrize("spelling", ["referenced_tweets", "referenced_posts"])
def test_a_quote_that_also_answers_is_a_reply(spelling: str) -> None:
    references = [{"type": "quoted", "id": "22"}, {"type": "replied_to", "id": "21"}]
    line = only(decoded(event("post.quote.create", post(**{spelling: references}))))
    assert (line.outcome, line.reason) == ("reply", "x.in-thread")


def test_direct_messages_are_private_and_apart_from_posts() -> None:
    line = only(decoded((FIXTURES / "xaa_dm_received.json").read_bytes()))
    assert line.item is not None
    assert line.item.public is False
    assert line.item.external_id.startswith("dm:")


def test_time_of_a_post_without_one_comes_from_its_id() -> None:
    line = only(decoded(event("post.mention.create", post())))
    assert line.item is not None
    assert line.item.sent_at == datetime(2026, 11, 20, 1, 15, tzinfo=UTC) == snowflake_time(line.item.external_id)


@pytest.mark.parametrize(
    ("created_at", "expected"),
    [
        ("2026-11-20T08:15:00.000+07:00", datetime(2026, 11, 20, 1, 15, tzinfo=UTC)),
        ("2026-11-20T08:15:00", datetime(2026, 11, 20, 1, 15, tzinfo=UTC)),
        ("9999-12-31T23:59:59-14:00", datetime(2026, 11, 20, 1, 15, tzinfo=UTC)),
    ],
)
def test_times_that_cannot_be_trusted_fall_back_to_the_id(created_at: str, expected: datetime) -> None:
    line = only(decoded(event("post.create", post(created_at=created_at))))
    assert line.item is not None
    assert line.item.sent_at == expected


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (r'"\ud83d rusak"', "\ufffd rusak"),
        (r'"\udc00\ud83d"', "\ufffd\ufffd"),
        (r'"\ud83d\ude4f utuh"', "\U0001f64f utuh"),
        (r'"C:\\ud83d"', "C:\\ud83d"),
    ],
)
def test_half_surrogates_are_mended_and_whole_ones_kept(typed: str, shown: str) -> None:
    assert json.loads(whole_surrogates(typed.encode())) == shown


def test_control_characters_do_not_travel() -> None:
    line = only(decoded(event("post.create", post(text="a\x00b\x1b[31mc\nd"))))
    assert line.item is not None
    assert line.item.text == "ab[31mc\nd"


@pytest.mark.parametrize("prefix", ["post", "tweet"])
@pytest.mark.parametrize("kind", ["create", "mention.create", "reply.create", "quote.create"])
def test_every_kind_of_post_in_both_spellings(prefix: str, kind: str) -> None:
    line = only(decoded(event(f"{prefix}.{kind}", post())))
    assert (line.outcome, line.key) == ("complaint", f"x:{ACCOUNT}:{post()['id']}")


@pytest.mark.parametrize("prefix", ["post", "tweet"])
def test_deletion_in_both_spellings(prefix: str) -> None:
    line = only(decoded(event(f"{prefix}.delete", {"id": "21", "author_id": "7"})))
    assert (line.outcome, line.reason) == ("delete", "x.deleted")


@pytest.mark.parametrize(
    "kind",
    [
        "like.create", "follow.follow", "follow.unfollow", "mute.mute", "block.block", "dm.indicate_typing",
        "profile.update.bio", "spaces.start", "news.new", "something.new",
    ],
)  # fmt: skip
def test_what_is_not_a_message_is_a_note(kind: str) -> None:
    line = only(decoded(event(kind, {"before": "a", "after": "b"})))
    assert (line.outcome, line.reason) == ("note", "x.activity")


@pytest.mark.parametrize(
    "name", ["favorite", "follow", "unfollow", "block", "unblock", "mute", "unmute", "direct_message_indicate_typing"]
)
def test_what_is_not_a_message_is_a_note_in_the_older_api_too(name: str) -> None:
    body = json.dumps({"for_user_id": ACCOUNT, f"{name}_events": [{"created_timestamp": "1795402800000"}]})
    line = only(decoded(body.encode()))
    assert (line.outcome, line.reason) == ("note", "x.activity")


@pytest.mark.parametrize("note", ["note_tweet", "note_post"])
def test_the_whole_text_of_a_long_post_counts(note: str) -> None:
    text = "Banjir di RW 05 " * 40 + "@DKIJakarta"
    line = only(decoded(event("post.create", post(text=text[:275] + "…", **{note: {"text": text}}))))
    assert line.item is not None
    assert line.item.text == text


@pytest.mark.parametrize("wrong", [2123585868395450369, 2.1235858683954504e18, -5, None, "2.1e18", "", ["1"]])
def test_an_id_that_is_not_a_string_of_digits_is_dead_and_never_rounded(wrong: Any) -> None:
    page = {"data": [post(id=wrong), post()], "meta": {"result_count": 2}}
    first, second = decoded(json.dumps(page).encode())
    assert (first.outcome, first.item) == ("dead", None)
    assert second.outcome == "complaint"


def test_two_posts_of_one_delivery_share_nothing() -> None:
    place = {"id": "a1", "full_name": "Menteng, Indonesia"}
    rich = post(
        geo={"place_id": "a1"}, attachments={"media_keys": ["3_1"]}, edit_history_tweet_ids=["20", post()["id"]]
    )
    page = {"data": [rich, post(id="22", author_id="8", text="Pohon tumbang")], "includes": {"places": [place]}}
    first, second = decoded(json.dumps(page).encode())
    assert first.item is not None
    assert second.item is not None
    assert (first.item.location.text, len(first.item.attachments), first.item.root) == ("Menteng, Indonesia", 1, "20")
    assert (second.item.location.text, second.item.attachments, second.item.root) == (None, (), "22")
    assert second.item.author.id == "8"


def test_a_mention_that_x_put_into_a_reply_is_a_reply_whose_root_may_be_unknown() -> None:
    body = post(conversation_id="11", referenced_tweets=[{"type": "replied_to", "id": "15"}], text="sama, min")
    line = only(decoded(event("post.reply.create", body)))
    assert line.item is not None
    assert (line.outcome, line.item.reply_to, line.item.thread) == ("reply", "15", "11")
    assert line.item.root == line.item.external_id


def test_direct_message_has_one_key_in_either_shape() -> None:
    legacy = only(decoded((FIXTURES / "xaa_dm_received.json").read_bytes()))
    assert legacy.item is not None
    same = {"id": legacy.item.external_id.removeprefix("dm:"), "sender_id": legacy.item.author.id, "text": "x"}
    assert only(decoded(event("dm.received", same))).key == legacy.key


def test_own_direct_message_and_joining_are_no_complaints() -> None:
    own = only(decoded(event("dm.sent", {"id": "31", "sender_id": ACCOUNT, "text": "Terima kasih"})))
    assert (own.outcome, own.reason) == ("ignored", "x.own")
    joined = only(decoded(event("dm.received", {"id": "32", "sender_id": "7", "event_type": "ParticipantsJoin"})))
    assert (joined.outcome, joined.reason, joined.item) == ("note", "x.activity", None)


@pytest.mark.parametrize("part", ["entities", "attachment"])
@pytest.mark.parametrize("wrong", [7, "x", [], {"urls": 7, "media": {"url": 7}}])
def test_a_broken_decoration_loses_no_direct_message(part: str, wrong: Any) -> None:
    document = json.loads((FIXTURES / "xaa_dm_received.json").read_bytes())
    create = document["data"]["payload"]["direct_message_events"][0]["message_create"]
    create["message_data"][part] = wrong
    line = only(decoded(json.dumps(document).encode()))
    assert line.outcome == "complaint"
    assert line.item is not None
    assert "pungli" in line.item.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"data":' * 100_000,
        b"\xef\xbb\xbf{}",
        b"\xff\xfe",
        b'{"data":NaN}',
    ],
    ids=["empty", "null", "list", "object", "deep-list", "deep-object", "bom", "utf16", "nan"],
)
def test_what_x_never_sends_is_one_dead_line(body: bytes) -> None:
    line = only(decoded(body))
    assert (line.outcome, line.reason, line.item) == ("dead", "x.unreadable", None)


@given(st.binary(max_size=300))
def test_no_bytes_make_decode_raise(body: bytes) -> None:
    decoded(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(INPUTS), st.data())
def test_no_single_wrong_value_makes_decode_raise(path: Path, data: st.DataObject) -> None:
    """Any value anywhere in a real delivery may be replaced by any JSON."""
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        return
    spots: list[tuple[Any, Any]] = []
    todo = [document]
    while todo:
        node = todo.pop()
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            spots.append((node, key))
            if isinstance(node[key], dict | list):
                todo.append(node[key])
    node, key = data.draw(st.sampled_from(spots))
    node[key] = data.draw(JSON)
    lines = decoded(json.dumps(document).encode())
    assert all(line.outcome == "dead" or line.reason in REASONS or line.reason is None for line in lines)
