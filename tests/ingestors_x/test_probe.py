"""What X says of our access."""

from __future__ import annotations

from typing import Any

import pytest

from ingestors.x.probe import NEEDED, probe
from ingestors.x.settings import XSettings
from pipeline.channel import Probe
from pipeline.errors import TransientError
from tests.channels import FixedClock, MemoryCursors

from .conftest import ACCOUNT, HOOKS, NOW, Answer, XDouble, subscriptions

CREDENTIALS = {
    "bearer_token": "demo-bearer", "consumer_key": "demo-key", "access_token": "demo-token",
    "access_token_secret": "demo-token-secret",
}  # fmt: skip
US = f'{{"data":{{"id":"{ACCOUNT}","name":"Pemprov","username":"DKIJakarta"}}}}'.encode()
ALL = subscriptions(*NEEDED)


@pytest.fixture
def cursors() -> MemoryCursors:
    return MemoryCursors()


@pytest.fixture
def well(double: XDouble) -> XDouble:
    double.answers = {
        "/2/users/me": Answer(200, body=US),
        f"/2/users/{ACCOUNT}": Answer(200, body=US),
        "/2/webhooks": Answer(200, body=HOOKS),
        "/2/activity/subscriptions": Answer(200, body=ALL),
    }
    return double


async def asked(double: XDouble, cursors: MemoryCursors, **values: Any) -> Probe:
    settings = {**CREDENTIALS, "api_base": double.base, "timeout_seconds": 5, **values}
    return await probe(XSettings.model_validate(settings), cursors, FixedClock(NOW))


async def test_all_is_well(well: XDouble, cursors: MemoryCursors) -> None:
    found = await asked(well, cursors, webhook_id="55")
    assert (found.accepted, found.subscribed, found.problem) == (True, True, None)
    assert [(call[1], call[3]["authorization"][:6]) for call in well.calls] == [
        ("/2/users/me", "OAuth "),
        (f"/2/users/{ACCOUNT}", "Bearer"),
        ("/2/webhooks", "Bearer"),
        ("/2/activity/subscriptions", "Bearer"),
    ]


async def test_older_spelling_is_as_good(well: XDouble, cursors: MemoryCursors) -> None:
    old = subscriptions(*(one.replace("post.", "tweet.") for one in NEEDED))
    well.answers["/2/activity/subscriptions"] = Answer(200, body=old)
    assert (await asked(well, cursors)).subscribed is True


@pytest.mark.parametrize("path", ["/2/users/me", f"/2/users/{ACCOUNT}"])
@pytest.mark.parametrize("status", [401, 403])
async def test_credentials_that_are_not_taken(well: XDouble, cursors: MemoryCursors, path: str, status: int) -> None:
    well.answers[path] = Answer(status)
    found = await asked(well, cursors)
    assert (found.accepted, found.subscribed, found.problem) == (False, None, "x.not-accepted")


async def test_token_of_another_account(well: XDouble, cursors: MemoryCursors) -> None:
    well.answers["/2/users/me"] = Answer(200, body=b'{"data":{"id":"7"}}')
    assert (await asked(well, cursors)).problem == "x.other-account"


HOOK_CASES: dict[str, tuple[bytes, str, bool | None, str | None]] = {
    "invalid": (b'{"data":[{"id":"55","valid":false}]}', "55", False, "x.webhook-invalid"),
    "gone": (b'{"data":[{"id":"56","valid":true}]}', "55", False, "x.webhook-invalid"),
    "none, and none expected": (b'{"meta":{"result_count":0}}', "", None, None),
    "one of two is valid": (b'{"data":[{"id":"1","valid":false},{"id":"55","valid":true}]}', "", True, None),
}


@pytest.mark.parametrize("case", HOOK_CASES)
async def test_webhook(well: XDouble, cursors: MemoryCursors, case: str) -> None:
    body, webhook_id, subscribed, problem = HOOK_CASES[case]
    well.answers["/2/webhooks"] = Answer(200, body=body)
    found = await asked(well, cursors, webhook_id=webhook_id)
    assert (found.accepted, found.subscribed, found.problem) == (True, subscribed, problem)


@pytest.mark.parametrize("missing", sorted(NEEDED))
async def test_every_kind_must_be_subscribed_to(well: XDouble, cursors: MemoryCursors, missing: str) -> None:
    well.answers["/2/activity/subscriptions"] = Answer(200, body=subscriptions(*(NEEDED - {missing})))
    found = await asked(well, cursors)
    assert (found.subscribed, found.problem) == (False, "x.not-subscribed")


async def test_subscriptions_of_other_accounts_do_not_count(well: XDouble, cursors: MemoryCursors) -> None:
    well.answers["/2/activity/subscriptions"] = Answer(200, body=ALL.replace(ACCOUNT.encode(), b"7"))
    assert (await asked(well, cursors)).problem == "x.not-subscribed"


@pytest.mark.parametrize("answer", [Answer(503), Answer(429), Answer(402), Answer(200, body=b"<html>")])
@pytest.mark.parametrize("path", ["/2/users/me", "/2/webhooks", "/2/activity/subscriptions"])
async def test_no_answer_is_no_verdict(well: XDouble, cursors: MemoryCursors, path: str, answer: Answer) -> None:
    well.answers[path] = answer
    with pytest.raises(TransientError):
        await asked(well, cursors)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, (0.0, 100.0, "USD/month, reading", None)),
        ({"budget:reads": "2026-11 50000"}, (50.0, 100.0, "USD/month, reading", None)),
        ({"budget:reads": "2026-11 99976"}, (99.976, 100.0, "USD/month, reading", "x.budget-spent")),
        ({"budget:answers": "2026-11 299990"}, (299.99, 300.0, "USD/month, answers", "x.budget-spent")),
        ({"budget:reads": "2026-10 100000"}, (0.0, 100.0, "USD/month, reading", None)),
    ],
)
async def test_budget(
    well: XDouble, cursors: MemoryCursors, values: dict[str, str], expected: tuple[float, float, str, str | None]
) -> None:
    cursors.values = {("x", name): value for name, value in values.items()}
    found = await asked(well, cursors)
    assert (found.used, found.limit, found.unit, found.problem) == expected


async def test_without_credentials_nothing_is_asked(double: XDouble, cursors: MemoryCursors) -> None:
    found = await asked(double, cursors, bearer_token="", access_token="")
    assert (found.accepted, found.subscribed, found.problem) == (None, None, None)
    assert double.calls == []
