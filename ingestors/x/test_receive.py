"""X: which deliveries and challenges are let in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingestors.x.receive import SIGNATURE, SIGNATURE_2, XWebhook
from ingestors.x.settings import XSettings
from pipeline.channel import HookRequest
from pipeline.errors import Rejected

FIXTURES = Path(__file__).parent / "fixtures"
ACCOUNT = "1000000001"
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SECRET = "demo-x-consumer-secret-00000000"
PREVIOUS = "previous-x-consumer-secret-0000"
MENTION = (FIXTURES / "xaa_mention_create.json").read_bytes()


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


CLIENT = "client-secret-of-the-app-0000"


def signed_twice(legacy: str | None, newer: str | None) -> HookRequest:
    headers = {"content-type": "application/json"}
    for name, secret in ((SIGNATURE, legacy), (SIGNATURE_2, newer)):
        if secret is not None:
            headers[name] = sign(MENTION, secret)
    return HookRequest(headers, {}, MENTION, NOW)


@pytest.mark.parametrize(("legacy", "newer"), [(None, CLIENT), (SECRET, CLIENT), (SECRET, None), (None, PREVIOUS)])
def test_signature_with_the_client_secret_is_taken_too(legacy: str | None, newer: str | None) -> None:
    hook = XWebhook(settings(client_secret=CLIENT, client_secret_previous=PREVIOUS))
    assert len(hook.take(signed_twice(legacy, newer))[0]) == 1


@pytest.mark.parametrize(
    ("legacy", "newer"), [(CLIENT, None), (None, SECRET), (CLIENT, SECRET), (None, ""), (None, None)]
)
def test_a_secret_counts_in_its_own_header_only(legacy: str | None, newer: str | None) -> None:
    with pytest.raises(Rejected, match="401"):
        XWebhook(settings(client_secret=CLIENT)).take(signed_twice(legacy, newer))


def test_without_a_client_secret_its_header_opens_nothing() -> None:
    for secret in ("", SECRET, CLIENT):
        with pytest.raises(Rejected, match="401"):
            XWebhook(settings()).take(signed_twice(None, secret))


def test_challenge_is_answered_with_the_client_secret_where_there_is_one() -> None:
    answer = XWebhook(settings(client_secret=CLIENT)).challenge({"crc_token": "abc"})
    assert json.loads(answer.body) == {"response_token": sign(b"abc", CLIENT)}


def test_a_delivery_of_several_events_is_taken(webhook: XWebhook) -> None:
    body = (FIXTURES / "xaa_batch_mention_broken_delete.json").read_bytes()
    assert webhook.take(request(body, sign(body)))[0][0].body == body


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
