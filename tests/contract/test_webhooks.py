"""Every webhook through the real routes: what is not signed by the vendor, or cannot be kept, is never accepted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError

import ingestors
from ingestors import webhooks
from ingestors.registry import CHANNELS
from ingestors.vendor import Person, Signing, vendor_of
from tests.channels import FixedClock, MemoryIntake

HOME = Path(ingestors.__path__[0])
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
NEW, OLD = "new-secret-of-the-tests-000000000", "old-secret-of-the-tests-000000000"
HOOKS = [name for name, channel in CHANNELS.items() if channel.webhook is not None]


@dataclass(frozen=True)
class Signer:
    """A channel's vendor, and one delivery of it."""

    signing: Signing
    body: bytes
    content_type: str

    def sign(self, body: bytes, secret: str) -> str:
        return self.signing.sign(body, secret)


def signer(name: str) -> Signer:
    vendor = vendor_of(name)
    assert vendor.signing is not None, f"{name} takes deliveries that nobody signs"
    settings = CHANNELS[name].settings(_env_file=None)
    body = vendor.message(settings, Person("Siti Contoh"), "Lampu jalan mati \u2764 di Jl. Gunawarman")
    return Signer(vendor.signing, body, vendor.content_type)


VENDORS = {name: signer(name) for name in HOOKS}


@pytest.fixture
def intake() -> MemoryIntake:
    return MemoryIntake()


def application(intake: MemoryIntake, *, previous: bool) -> FastAPI:
    hooks = {}
    for name in HOOKS:
        vendor, channel = VENDORS[name], CHANNELS[name]
        secrets = {vendor.signing.setting: NEW, **({vendor.signing.previous_setting: OLD} if previous else {})}
        assert channel.webhook is not None
        hooks[name] = channel.webhook(channel.settings(_env_file=None, **secrets))
    app = FastAPI()
    app.include_router(webhooks.routes(hooks, intake, FixedClock(NOW)))
    return app


@pytest.fixture
async def client(intake: MemoryIntake) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application(intake, previous=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://city") as found:
        yield found


@pytest.fixture
async def rotating(intake: MemoryIntake) -> AsyncIterator[httpx.AsyncClient]:
    """The same entrances while the vendor still signs with the old secret."""
    transport = httpx.ASGITransport(application(intake, previous=True))
    async with httpx.AsyncClient(transport=transport, base_url="http://city") as found:
        yield found


async def post(
    client: httpx.AsyncClient, name: str, body: bytes, signature: str | None, **headers: str
) -> httpx.Response:
    given = {"Content-Type": "application/json"} | {key.replace("_", "-"): value for key, value in headers.items()}
    if signature is not None:
        given[VENDORS[name].signing.header] = signature
    return await client.post(f"/webhooks/{name}", content=body, headers=given)


def is_problem(answer: httpx.Response, status: int) -> bool:
    document = answer.json()
    assert (answer.status_code, document["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["type"] == f"urn:tanggap:{document['code']}"
    return bool(document["title"] and document["detail"])


@pytest.mark.parametrize("name", HOOKS)
async def test_signed_delivery_is_accepted_as_it_came(
    client: httpx.AsyncClient, intake: MemoryIntake, name: str
) -> None:
    vendor = VENDORS[name]
    answer = await post(client, name, vendor.body, vendor.sign(vendor.body, NEW))
    assert answer.status_code == 200
    assert [(raw.channel, raw.body, raw.received_at) for raw in intake.raws] == [(name, vendor.body, NOW)]


def reserialised(body: bytes) -> bytes:
    """The same JSON in other bytes, as a middleman would write it."""
    return json.dumps(json.loads(body), ensure_ascii=True, indent=2).encode()


def flipped(body: bytes) -> bytes:
    return body[:-3] + bytes([body[-3] ^ 1]) + body[-2:]


def other_encoding(vendor: Signer) -> str:
    """The right proof, in base64 where the vendor writes it in hexadecimal, or as the vendor says."""
    if vendor.signing.other_encoding is not None:
        return vendor.signing.other_encoding(vendor.body, NEW)
    return "sha256=" + base64.b64encode(hmac.digest(NEW.encode(), vendor.body, "sha256")).decode()


FORGERIES: dict[str, Callable[[Signer], tuple[bytes, str | None]]] = {
    "missing": lambda v: (v.body, None),
    "empty": lambda v: (v.body, ""),
    "prefix only": lambda v: (v.body, "sha256="),
    "blanks around": lambda v: (v.body, f"{v.sign(v.body, NEW)} x"),
    "wrong secret": lambda v: (v.body, v.sign(v.body, "another-secret-000000000000000000")),
    "empty secret": lambda v: (v.body, v.sign(v.body, "")),
    "truncated": lambda v: (v.body, v.sign(v.body, NEW)[:-1]),
    "half": lambda v: (v.body, v.sign(v.body, NEW)[: len(v.sign(v.body, NEW)) // 2]),
    "longer": lambda v: (v.body, v.sign(v.body, NEW) + "0"),
    "twice": lambda v: (v.body, f"{v.sign(v.body, NEW)},{v.sign(v.body, NEW)}"),
    "sha1": lambda v: (v.body, "sha1=" + hmac.new(NEW.encode(), v.body, hashlib.sha1).hexdigest()),
    "not hex": lambda v: (v.body, "sha256=" + "z" * 64),
    "previous secret that is not set": lambda v: (v.body, v.sign(v.body, OLD)),
}
OF_THE_BODY: dict[str, Callable[[Signer], tuple[bytes, str | None]]] = {
    "re-serialised body": lambda v: (reserialised(v.body), v.sign(v.body, NEW)),
    "bit flipped in the body": lambda v: (flipped(v.body), v.sign(v.body, NEW)),
    "body longer by a blank": lambda v: (v.body + b" ", v.sign(v.body, NEW)),
    "signature of nothing": lambda v: (v.body, v.sign(b"", NEW)),
    "other encoding": lambda v: (v.body, other_encoding(v)),
}
"""What only a signature over the body can tell."""
PREFIX = "sha256="
OF_THE_PREFIX: dict[str, Callable[[Signer], tuple[bytes, str | None]]] = {
    "no prefix": lambda v: (v.body, v.sign(v.body, NEW).removeprefix("sha256=")),
    "wrong prefix": lambda v: (v.body, v.sign(v.body, NEW).replace("sha256=", "sha1=")),
    "upper prefix": lambda v: (v.body, v.sign(v.body, NEW).replace("sha256=", "SHA256=")),
}
"""Of vendors that name the algorithm before the signature."""


def forgeries(vendor: Signer) -> list[str]:
    """Those that are forgeries with this vendor."""
    covers = vendor.signing.covers_body
    named = covers and vendor.sign(vendor.body, NEW).startswith(PREFIX)
    return [*FORGERIES, *(OF_THE_BODY if covers else ()), *(OF_THE_PREFIX if named else ())]


FORGED = [(name, forgery) for name, vendor in VENDORS.items() for forgery in forgeries(vendor)]


@pytest.mark.parametrize(("name", "forgery"), FORGED)
async def test_forgery_is_refused(client: httpx.AsyncClient, intake: MemoryIntake, name: str, forgery: str) -> None:
    body, signature = (FORGERIES | OF_THE_BODY | OF_THE_PREFIX)[forgery](VENDORS[name])
    answer = await post(client, name, body, signature)
    assert is_problem(answer, 401)
    assert answer.json()["code"] == "webhook.wrong-signature"
    assert intake.raws == []


@pytest.mark.parametrize("name", HOOKS)
async def test_an_empty_previous_secret_opens_nothing(
    intake: MemoryIntake, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = VENDORS[name]
    monkeypatch.setenv(f"TANGGAP_{name}_{vendor.signing.previous_setting}".upper(), "")
    transport = httpx.ASGITransport(application(intake, previous=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://city") as client:
        answer = await post(client, name, vendor.body, vendor.sign(vendor.body, ""))
    assert is_problem(answer, 401)
    assert intake.raws == []


@pytest.mark.parametrize("name", HOOKS)
async def test_signature_in_another_header_is_none(client: httpx.AsyncClient, intake: MemoryIntake, name: str) -> None:
    vendor = VENDORS[name]
    signature = vendor.sign(vendor.body, NEW)
    answer = await post(client, name, vendor.body, None, X_Hub_Signature=signature, Authorization=signature)
    assert is_problem(answer, 401)
    assert intake.raws == []


@pytest.mark.parametrize("name", HOOKS)
async def test_forwarding_headers_open_nothing(client: httpx.AsyncClient, intake: MemoryIntake, name: str) -> None:
    spoof = {"X_Forwarded_For": "127.0.0.1", "X_Forwarded_Host": "graph.facebook.com", "Forwarded": "for=127.0.0.1"}
    assert is_problem(await post(client, name, VENDORS[name].body, None, **spoof), 401)
    assert intake.raws == []


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("secret", [NEW, OLD])
async def test_both_secrets_hold_during_a_rotation(
    rotating: httpx.AsyncClient, intake: MemoryIntake, name: str, secret: str
) -> None:
    vendor = VENDORS[name]
    assert (await post(rotating, name, vendor.body, vendor.sign(vendor.body, secret))).status_code == 200
    assert len(intake.raws) == 1


@pytest.mark.parametrize("name", HOOKS)
async def test_rotation_lets_no_third_secret_in(rotating: httpx.AsyncClient, intake: MemoryIntake, name: str) -> None:
    vendor = VENDORS[name]
    assert is_problem(await post(rotating, name, vendor.body, vendor.sign(vendor.body, NEW + OLD)), 401)
    assert intake.raws == []


@pytest.mark.parametrize("name", HOOKS)
async def test_a_retired_secret_opens_nothing(
    client: httpx.AsyncClient, rotating: httpx.AsyncClient, intake: MemoryIntake, name: str
) -> None:
    """What was taken while the secrets rotated is refused once the previous one is unset."""
    vendor = VENDORS[name]
    signature = vendor.sign(vendor.body, OLD)
    assert (await post(rotating, name, vendor.body, signature)).status_code == 200
    intake.raws.clear()
    assert is_problem(await post(client, name, vendor.body, signature), 401)
    assert intake.raws == []


@pytest.mark.parametrize("name", HOOKS)
async def test_replayed_delivery_is_taken_again_and_keeps_its_keys(
    client: httpx.AsyncClient, intake: MemoryIntake, name: str
) -> None:
    """No vendor signs a time, and all repeat: what comes twice must be known by its keys (tests/normalizer)."""
    vendor = VENDORS[name]
    for _ in range(2):
        assert (await post(client, name, vendor.body, vendor.sign(vendor.body, NEW))).status_code == 200
    once, again = ([part.decoded.key for part in CHANNELS[name].decode(raw)] for raw in intake.raws)
    assert once
    assert once == again


def in_production(name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every demo secret of the channel replaced; gives the variable of the one that signs."""
    monkeypatch.setenv("TANGGAP_ENV", "production")
    for field, info in CHANNELS[name].settings.model_fields.items():
        if isinstance(info.default, SecretStr) and info.default.get_secret_value().startswith("demo-"):
            monkeypatch.setenv(f"TANGGAP_{name}_{field}".upper(), NEW)
    return f"TANGGAP_{name}_{VENDORS[name].signing.setting}".upper()


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("given", [None, "", "   ", "short", "demo-secret-of-somebody-else"])
def test_production_starts_with_no_secret_that_others_know(
    name: str, given: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = in_production(name, monkeypatch)
    CHANNELS[name].settings(_env_file=None)
    if given is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, given)
    with pytest.raises(ValidationError, match=f"{variable}|{VENDORS[name].signing.setting}"):
        CHANNELS[name].settings(_env_file=None)


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("given", ["short", "demo-secret-of-somebody-else"])
def test_production_keeps_no_weak_previous_secret(name: str, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    in_production(name, monkeypatch)
    monkeypatch.setenv(f"TANGGAP_{name}_{VENDORS[name].signing.previous_setting}".upper(), given)
    with pytest.raises(ValidationError):
        CHANNELS[name].settings(_env_file=None)


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
async def test_wrong_content_type(
    client: httpx.AsyncClient, intake: MemoryIntake, name: str, content_type: str
) -> None:
    vendor = VENDORS[name]
    answer = await post(client, name, vendor.body, vendor.sign(vendor.body, NEW), Content_Type=content_type)
    assert is_problem(answer, 415)
    assert intake.raws == []


@pytest.mark.parametrize("name", HOOKS)
async def test_wrong_content_type_without_signature_is_first_of_all_unsigned(
    client: httpx.AsyncClient, intake: MemoryIntake, name: str
) -> None:
    assert is_problem(await post(client, name, b"<xml/>", None, Content_Type="text/xml"), 401)


@pytest.mark.parametrize("name", HOOKS)
async def test_too_big(client: httpx.AsyncClient, intake: MemoryIntake, name: str) -> None:
    body = b'{"a":"' + b"A" * webhooks.MAX_BODY + b'"}'
    assert is_problem(await post(client, name, body, VENDORS[name].sign(body, NEW)), 413)
    assert intake.raws == []


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"7", b"{", b"not json", b"\xff\xfe{}", b'{"a":"\xff"}', b"[" * 100_000, b'{"object":NaN}'],
    ids=lambda body: repr(body[:12]),
)
async def test_not_json(client: httpx.AsyncClient, intake: MemoryIntake, name: str, body: bytes) -> None:
    assert is_problem(await post(client, name, body, VENDORS[name].sign(body, NEW)), 400)
    assert intake.raws == []


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize(
    "body", [b"{}", b'{"object":"page","entry":[]}', b'{"object":7,"entry":{}}', b'{"data":[]}', b'{"hello":"world"}']
)
async def test_json_that_the_vendor_never_sends(
    client: httpx.AsyncClient, intake: MemoryIntake, name: str, body: bytes
) -> None:
    answer = await post(client, name, body, VENDORS[name].sign(body, NEW))
    assert is_problem(answer, 400)
    assert answer.json()["code"] == "webhook.wrong-shape"
    assert intake.raws == []


@pytest.mark.parametrize("name", HOOKS)
async def test_broker_away_is_told_with_a_time_to_come_back(
    client: httpx.AsyncClient, intake: MemoryIntake, name: str
) -> None:
    intake.away = True
    vendor = VENDORS[name]
    answer = await post(client, name, vendor.body, vendor.sign(vendor.body, NEW))
    assert is_problem(answer, 503)
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("name", ["fax", "WhatsApp", "counter", "email", "x%00", "..%2Fx"])
async def test_unknown_channel(client: httpx.AsyncClient, intake: MemoryIntake, name: str) -> None:
    for answer in (
        await client.post(f"/webhooks/{name}", content=b"{}"),
        await client.get(f"/webhooks/{name}"),
    ):
        assert answer.status_code == 404
    assert intake.raws == []


@pytest.mark.parametrize("name", HOOKS)
async def test_challenge_of_a_stranger_is_refused(client: httpx.AsyncClient, name: str) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1", "crc_token": ""}
    answer = await client.get(f"/webhooks/{name}", params=query)
    assert is_problem(answer, answer.status_code)
    assert 400 <= answer.status_code < 500
    assert NEW not in answer.text


async def test_challenge_of_meta_is_echoed_as_plain_text(client: httpx.AsyncClient) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "demo-whatsapp-verify-token", "hub.challenge": "115"}
    answer = await client.get("/webhooks/whatsapp", params=query)
    assert (answer.status_code, answer.text) == (200, "115")
    assert answer.headers["content-type"].startswith("text/plain")
    wrong = await client.get("/webhooks/whatsapp", params=query | {"hub.challenge": "<script>"})
    assert is_problem(wrong, 400)
