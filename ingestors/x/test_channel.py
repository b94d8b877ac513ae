"""X: what a delivery becomes, and which deliveries are let in."""

from __future__ import annotations

import base64
import hashlib
import hmac
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
from ingestors.x.receive import SIGNATURE, XWebhook
from ingestors.x.settings import XSettings
from pipeline.channel import HookRequest, Raw
from pipeline.errors import Rejected
from schemas.item import Decoded

FIXTURES = Path(__file__).parent / "fixtures"
INPUTS = sorted(path for path in FIXTURES.glob("*.json") if not path.name.endswith(".expected.json"))
ACCOUNT = "1000000001"
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SECRET = "demo-x-consumer-secret-00000000"
PREVIOUS = "previous-x-consumer-secret-0000"
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


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def request(body: bytes, signature: str | None, content_type: str | None = "application/json") -> HookRequest:
    headers = {} if content_type is None else {"content-type": content_type}
    if signature is not None:
        headers[SIGNATURE] = signature
    return HookRequest(headers, {}, body, NOW)


def settings(**values: Any) -> XSettings:
    return XSettings.model_validate({"consumer_secret": SECRET, **values})


@pytest.fixture
def webhook() -> XWebhook:
    return XWebhook(settings(consumer_secret_previous=PREVIOUS))


HEX = hmac.new(SECRET.encode(), MENTION, hashlib.sha256).hexdigest()
REFORMATTED = json.dumps(json.loads(MENTION)).encode()
REFUSED: dict[str, tuple[HookRequest, int]] = {
    "no signature": (request(MENTION, None), 401),
    "empty signature": (request(MENTION, ""), 401),
    "only the prefix": (request(MENTION, "sha256="), 401),
    "no prefix": (request(MENTION, sign(MENTION).removeprefix("sha256=")), 401),
    "other algorithm": (request(MENTION, sign(MENTION).replace("sha256", "sha1")), 401),
    "hex like Meta's": (request(MENTION, f"sha256={HEX}"), 401),
    "one letter off": (request(MENTION, sign(MENTION)[:-2] + "A="), 401),
    "lower case": (request(MENTION, sign(MENTION).lower()), 401),
    "trailing blank": (request(MENTION, sign(MENTION) + " "), 401),
    "not ASCII": (request(MENTION, "sha256=é\ud800"), 401),
    "unknown secret": (request(MENTION, sign(MENTION, "another-secret-0000000")), 401),
    "empty secret": (request(MENTION, sign(MENTION, "")), 401),
    "signature of another body": (request(MENTION, sign(b"{}")), 401),
    "body formatted again": (request(REFORMATTED, sign(MENTION)), 401),
    "wrong signature before wrong type": (request(b"x", "sha256=x", "text/plain"), 401),
    "no content type": (request(MENTION, sign(MENTION), None), 415),
    "form": (request(MENTION, sign(MENTION), "application/x-www-form-urlencoded"), 415),
    "utf-7": (request(MENTION, sign(MENTION), "application/json; charset=utf-7"), 415),
    "wrong type before not JSON": (request(b"x", sign(b"x"), "text/json"), 415),
    "empty body": (request(b"", sign(b"")), 400),
    "list": (request(b"[]", sign(b"[]")), 400),
    "cut off": (request(MENTION[:-5], sign(MENTION[:-5])), 400),
    "other vendor": (request(b'{"object":"page","entry":[]}', sign(b'{"object":"page","entry":[]}')), 400),
    "page of mentions": (request(b'{"data":[],"meta":{}}', sign(b'{"data":[],"meta":{}}')), 400),
    "deep": (request(b'{"data":' * 100_000, sign(b'{"data":' * 100_000)), 400),
}


@pytest.mark.parametrize("case", REFUSED)
def test_delivery_is_refused(webhook: XWebhook, case: str) -> None:
    delivery, status = REFUSED[case]
    with pytest.raises(Rejected) as refused:
        webhook.take(delivery)
    assert refused.value.status == status


@pytest.mark.parametrize("secret", [SECRET, PREVIOUS], ids=["current", "previous"])
@pytest.mark.parametrize(
    "name", ["xaa_mention_create", "aaa_edit_and_delete_and_like", "aaa_access_revoked", "xaa_like_note"]
)
def test_delivery_is_taken_as_it_came(webhook: XWebhook, name: str, secret: str) -> None:
    body = (FIXTURES / f"{name}.json").read_bytes()
    raws, answer = webhook.take(request(body, sign(body, secret), "Application/JSON; charset=UTF-8"))
    assert [(raw.channel, raw.account, raw.body, raw.received_at) for raw in raws] == [("x", ACCOUNT, body, NOW)]
    assert answer.body == b""


def test_previous_secret_is_refused_once_it_is_taken_out() -> None:
    with pytest.raises(Rejected, match="401"):
        XWebhook(settings()).take(request(MENTION, sign(MENTION, PREVIOUS)))


def test_challenge_is_answered_with_the_current_secret(webhook: XWebhook) -> None:
    answer = webhook.challenge({"crc_token": "MTIzNDU2Nzg5MA=="})
    assert answer.content_type == "application/json"
    assert json.loads(answer.body) == {"response_token": sign(b"MTIzNDU2Nzg5MA==")}


@pytest.mark.parametrize("token", ["", MENTION.decode(), "{}", "a" * 513, "<script>", "a b", "é"])
def test_challenge_never_signs_what_could_be_a_delivery(webhook: XWebhook, token: str) -> None:
    with pytest.raises(Rejected) as refused:
        webhook.challenge({"crc_token": token})
    assert refused.value.status == 400


def test_challenge_without_a_token_is_refused(webhook: XWebhook) -> None:
    with pytest.raises(Rejected, match="400"):
        webhook.challenge({})


@pytest.mark.parametrize("secret", ["short", "demo-x-consumer-secret-00000000"])
def test_production_refuses_weak_secrets(secret: str) -> None:
    with pytest.raises(ValueError, match=r"consumer_secret|CONSUMER_SECRET"):
        settings(TANGGAP_ENV="production", consumer_secret=secret)


def test_an_empty_variable_does_not_switch_verification_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TANGGAP_X_CONSUMER_SECRET", "")
    with pytest.raises(Rejected, match="401"):
        XWebhook(XSettings()).take(request(MENTION, sign(MENTION, "")))


def test_settings_do_not_print_their_secrets() -> None:
    assert SECRET not in repr(settings())
