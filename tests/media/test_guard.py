"""Where files may come from. The list of reliability.md, section 2.4: nothing of it is ever connected to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from media.fetch import Fetcher, Limits
from media.guard import Guard, is_public
from pipeline.channel import MediaLink
from pipeline.errors import InvalidItem, TransientError
from tests.media.desk import Answer, Vendor

HOSTS = ("files.vendor.test", "lookaside.fbsbx.com")
NAMES: dict[str, Sequence[str]] = {
    "files.vendor.test": ["93.184.216.34"],
    "loop.files.vendor.test": ["127.0.0.1"],
    "zero.files.vendor.test": ["0.0.0.0"],
    "meta.files.vendor.test": ["169.254.169.254"],
    "lan.files.vendor.test": ["192.168.1.10"],
    "ten.files.vendor.test": ["10.0.0.5"],
    "docker.files.vendor.test": ["172.17.0.2"],
    "cgnat.files.vendor.test": ["100.64.0.1"],
    "six.files.vendor.test": ["::1"],
    "mapped.files.vendor.test": ["::ffff:127.0.0.1"],
    "compat.files.vendor.test": ["::127.0.0.1"],
    "unique.files.vendor.test": ["fd00::1"],
    "link.files.vendor.test": ["fe80::1%lo"],
    "sixtofour.files.vendor.test": ["2002:7f00:1::"],
    "nat64.files.vendor.test": ["64:ff9b::7f00:1"],
    "nat64local.files.vendor.test": ["64:ff9b:1::7f00:1"],
    "teredo.files.vendor.test": ["2001:0:7f00:1::"],
    "multicast.files.vendor.test": ["224.0.0.1"],
    "broadcast.files.vendor.test": ["255.255.255.255"],
    "bench.files.vendor.test": ["198.18.0.1"],
    "document.files.vendor.test": ["2001:db8::1"],
    "mixed.files.vendor.test": ["93.184.216.34", "127.0.0.1"],
    "odd.files.vendor.test": ["not an address"],
}
LITERAL = [
    "https://127.0.0.1/", "https://127.0.0.1:{port}/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/",
    "https://017700000001/", "https://0177.0.0.1/", "https://127.1/", "https://127.0.1/", "https://0/", "https://0.0.0.0/",
    "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[fe80::1]/",
    "https://[fe80::1%25lo]/", "https://[fd00::1]/", "https://[2002:7f00:1::]/", "https://[64:ff9b::7f00:1]/",
    "https://169.254.169.254/latest/meta-data/", "https://100.100.100.200/", "https://localhost/", "https://localhost./",
    "https://localhost:{port}/", "https://LOCALHOST/",
]  # fmt: skip
TRICKS = [
    "https://files.vendor.test@127.0.0.1/", "https://files.vendor.test:x@127.0.0.1:{port}/",
    "https://user:word@files.vendor.test/", "https://127.0.0.1#@files.vendor.test/", "https://127.0.0.1\\@files.vendor.test/",
    "https://127.0.0.1?@files.vendor.test/", "https://files.vendor.test.evil.test/", "https://evilfiles.vendor.test/",
    "https://vendor.test/", "https://files.vendor.test./", "https://files.vendor.test%00.evil.test/",
    "https://files.vendor.test%2f@127.0.0.1/", "https://①②⑦.⓪.⓪.①/", "https://fıles.vendor.test/",
    "https://files.vendor.test:22/", "https://files.vendor.test:9092/", "https://files.vendor.test:9200/",
    "https://files.vendor.test:{port}/", "http://files.vendor.test/", "http://127.0.0.1:{port}/", "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/", "ftp://files.vendor.test/", "data:image/png;base64,AAAA", "//files.vendor.test/", "", "https://",
    "https:///x", "javascript:alert(1)", "https://files.vendor.test:99999/", "https://[::1", "https://\u0000/",
]  # fmt: skip
REBOUND = [f"https://{name}/x" for name in NAMES if name != "files.vendor.test"]
URLS = [*LITERAL, *TRICKS, *REBOUND]


async def names(host: str, port: int) -> Sequence[str]:
    if host not in NAMES:
        raise OSError("unknown name")
    return NAMES[host]


def test_the_list_is_as_long_as_it_should_be() -> None:
    assert len(URLS) >= 60


@pytest.mark.parametrize("url", URLS)
async def test_what_is_not_the_vendors_is_refused_without_a_connection(
    url: str, host: Vendor, connections: list[Any]
) -> None:
    fetcher = Fetcher(Guard(names, local=False), Limits(seconds=5))
    with pytest.raises(InvalidItem) as refused:
        await fetcher.fetch(MediaLink(url.replace("{port}", str(host.port)), {"Authorization": "x"}), HOSTS)
    assert refused.value.reason == "media.address-refused"
    assert (host.seen, connections) == ([], [])


@pytest.mark.parametrize("url", [url for url in URLS if "{port}" in url or "127.0.0.1" in url])
async def test_development_opens_no_host_that_the_source_does_not_name(
    url: str, host: Vendor, connections: list[Any]
) -> None:
    fetcher = Fetcher(Guard(names, local=True), Limits(seconds=5))
    with pytest.raises(InvalidItem):
        await fetcher.fetch(MediaLink(url.replace("{port}", str(host.port))), HOSTS)
    assert (host.seen, connections) == ([], [])


async def test_loopback_is_for_development_only(host: Vendor, connections: list[Any]) -> None:
    link = MediaLink(host.url("/x"))
    host.answers["/x"] = Answer(b"ok")
    with pytest.raises(InvalidItem):
        await Fetcher(Guard(names, local=False)).fetch(link, {"127.0.0.1"})
    assert connections == []

    async def here(name: str, port: int) -> Sequence[str]:
        return [name]

    assert await Fetcher(Guard(here, local=True)).fetch(link, {"127.0.0.1"}) == b"ok"


async def test_a_local_name_that_leads_elsewhere_is_refused(host: Vendor, connections: list[Any]) -> None:
    async def elsewhere(name: str, port: int) -> Sequence[str]:
        return ["169.254.169.254"]

    with pytest.raises(InvalidItem):
        await Fetcher(Guard(elsewhere, local=True)).fetch(MediaLink(host.url("/x", "localhost")), {"localhost"})
    assert connections == []


async def test_a_name_is_resolved_once_and_that_address_is_used(host: Vendor, connections: list[Any]) -> None:
    """Rebinding: a second answer would lead elsewhere; nobody asks for it."""
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    async def rebinding(name: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    host.answers["/x"] = Answer(b"ok")
    fetcher = Fetcher(Guard(rebinding, local=True))
    assert await fetcher.fetch(MediaLink(host.url("/x", "localhost")), {"localhost"}) == b"ok"
    assert connections == [("127.0.0.1", host.port)]
    assert host.seen[0].headers["host"] == f"localhost:{host.port}"
    assert len(answers) == 1


async def test_a_name_that_does_not_resolve_now_is_tried_again(connections: list[Any]) -> None:
    with pytest.raises(TransientError):
        await Fetcher(Guard(names, local=False)).fetch(MediaLink("https://new.files.vendor.test/"), HOSTS)
    assert connections == []


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/", "https://metadata.google.internal/", "https://127.0.0.2:1/",
        "//evil.test/", "file:///etc/passwd", "http://[::1]/", "gopher://127.0.0.1/", "https://loop.files.vendor.test/",
        "http://localhost:1/",
        "https://u:p@files.vendor.test/",
    ],
)  # fmt: skip
async def test_each_redirect_is_judged_anew(target: str, host: Vendor, connections: list[Any]) -> None:
    async def resolver(name: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    host.answers["/x"] = Answer(status=302, extra=(f"Location: {target}",))
    fetcher = Fetcher(Guard(resolver, local=True))
    with pytest.raises(InvalidItem) as refused:
        await fetcher.fetch(MediaLink(host.url("/x")), {"127.0.0.1", "files.vendor.test"})
    assert refused.value.reason == "media.address-refused"
    assert connections == [("127.0.0.1", host.port)]


async def test_three_redirects_are_followed_and_a_fourth_is_not(host: Vendor) -> None:
    for n in range(50):
        host.answers[f"/{n}"] = Answer(status=302, extra=(f"Location: /{n + 1}",))
    fetcher = Fetcher(Guard(lambda name, port: _here(), local=True))
    with pytest.raises(InvalidItem) as refused:
        await fetcher.fetch(MediaLink(host.url("/0")), {"127.0.0.1"})
    assert (refused.value.reason, len(host.seen)) == ("media.too-many-redirects", 4)
    host.answers["/3"] = Answer(b"there")
    assert await fetcher.fetch(MediaLink(host.url("/0")), {"127.0.0.1"}) == b"there"


async def test_the_vendors_token_goes_to_the_first_host_only(host: Vendor) -> None:
    host.answers["/a"] = Answer(status=307, extra=("Location: /b",))
    host.answers["/b"] = Answer(status=302, extra=(f"Location: {host.url('/c', 'localhost')}",))
    host.answers["/c"] = Answer(b"ok")
    fetcher = Fetcher(Guard(lambda name, port: _here(), local=True))
    link = MediaLink(
        host.url("/a"), {"Authorization": "Bearer demo-token", "host": "evil.test", "accept-encoding": "gzip"}
    )
    assert await fetcher.fetch(link, {"127.0.0.1", "localhost"}) == b"ok"
    assert ["authorization" in seen.headers for seen in host.seen] == [True, True, False]
    assert {seen.headers["host"] for seen in host.seen} == {f"127.0.0.1:{host.port}", f"localhost:{host.port}"}
    assert {seen.headers["accept-encoding"] for seen in host.seen} == {"identity"}


async def _here() -> Sequence[str]:
    await asyncio.sleep(0)
    return ["127.0.0.1"]


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "2a03:2880:f003::1"])
def test_addresses_of_the_open_internet_are_taken(address: str) -> None:
    assert is_public(address)
