"""What holds for the channels of a Page alike: the probe, subscribing again, files."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from ingestors import graph_access
from pipeline.errors import InvalidItem, TransientError
from schemas.item import Attachment
from tests.ingestors_meta.double import TOKEN, GraphDouble, failure
from tests.ingestors_meta.sides import NOW, PAGE, Side, both


def token_of(expires: datetime | None = None, *, valid: bool = True) -> dict[str, Any]:
    ends = int(expires.timestamp()) if expires else 0
    return {"data": {"app_id": "77", "is_valid": valid, "expires_at": 0, "data_access_expires_at": ends}}


async def probed(side: Side, double: GraphDouble) -> Any:
    configured = side.channel.settings(_env_file=None, access_token=TOKEN)
    return await graph_access.probe(side.name, configured, side.needed, side.wanted, double.graph(waits=False))


@both
async def test_probe_tells_expiry_subscription_and_budget(side: Side) -> None:
    apps = [{"id": "77", "subscribed_fields": [*side.wanted, "leadgen"]}]
    double = GraphDouble(
        answers={"debug_token": token_of(NOW + timedelta(days=9))}, edges={f"{PAGE}/subscribed_apps": apps},
        headers={"X-App-Usage": '{"call_count":28}'},
    )  # fmt: skip
    found = await probed(side, double)
    assert (found.accepted, found.subscribed, found.problem) == (True, True, None)
    assert found.token_expires_at == NOW + timedelta(days=9)
    assert (found.used, found.limit, found.unit) == (28, 100, "%")
    assert double.posted == []


@both
@pytest.mark.parametrize(("success", "problem"), [(True, "unsubscribed"), (False, "not-subscribed")])
async def test_probe_subscribes_again_what_meta_had_unsubscribed(side: Side, success: bool, problem: str) -> None:
    double = GraphDouble(answers={"debug_token": token_of()}, edges={f"{PAGE}/subscribed_apps": [{"id": "88"}]})
    subscribe = {"success": success}
    double.fails[3] = httpx.Response(200, json=subscribe)
    found = await probed(side, double)
    assert (found.subscribed, found.problem) == (success, f"{side.name}.{problem}")
    assert found.problem in side.reasons
    assert [(method, path) for method, path, _ in double.calls][-1] == ("POST", f"{PAGE}/subscribed_apps")


@both
@pytest.mark.parametrize("answer", [failure(190, 401), httpx.Response(200, json=token_of(valid=False))])
async def test_probe_tells_a_refused_token(side: Side, answer: httpx.Response) -> None:
    found = await probed(side, GraphDouble(fails={1: answer}))
    assert (found.accepted, found.problem) == (False, f"{side.name}.token-refused")
    assert found.problem in side.reasons


@both
@pytest.mark.parametrize("answer", [failure(1, 500), httpx.ReadTimeout("slow"), httpx.Response(200, text="<html>")])
async def test_probe_of_a_vendor_that_does_not_answer_is_transient(
    side: Side, answer: httpx.Response | Exception
) -> None:
    with pytest.raises(TransientError):
        await probed(side, GraphDouble(fails={1: answer}))


def media(side: Side) -> Any:
    assert side.channel.media is not None
    return side.channel.media(side.channel.settings(_env_file=None))


@both
@pytest.mark.parametrize("host", ["scontent.xx.fbcdn.net", "cdn.fbsbx.com", "scontent.cdninstagram.com"])
async def test_files_at_metas_hosts_are_found(side: Side, host: str) -> None:
    link = await media(side).locate(Attachment(reference=f"https://{host}/a.jpg?oe=1"), side.account)
    assert (link.url, dict(link.headers)) == (f"https://{host}/a.jpg?oe=1", {})


@both
@pytest.mark.parametrize(
    "url",
    ["http://scontent.xx.fbcdn.net/a", "https://fbcdn.net.example/a", "https://xfbcdn.net/a", "http://127.0.0.1/a", "",
     "//", "https://[", "file:///etc/passwd", "https://fbcdn.net@elsewhere.example/a"],
)  # fmt: skip
async def test_files_elsewhere_are_refused(side: Side, url: str) -> None:
    with pytest.raises(InvalidItem) as caught:
        await media(side).locate(Attachment(reference=url), side.account)
    assert caught.value.reason in side.reasons


@both
async def test_the_development_api_serves_files_too(side: Side) -> None:
    assert side.channel.media is not None
    source = side.channel.media(side.channel.settings(_env_file=None, graph_url="http://127.0.0.1:8098/v26.0"))
    assert source is not None
    assert "127.0.0.1" in source.hosts
    assert (await source.locate(Attachment(reference="http://127.0.0.1:8098/foto.png"), side.account)).url
    assert "127.0.0.1" not in media(side).hosts
