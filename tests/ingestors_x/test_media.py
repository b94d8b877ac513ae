"""Where files are fetched from, and which addresses are refused."""

from __future__ import annotations

from typing import Any

import pytest

from ingestors.vendor import Person, Photo, png
from ingestors.x import CHANNEL
from ingestors.x.media import XMedia, media
from ingestors.x.settings import XSettings
from ingestors.x.vendor import VENDOR
from pipeline.channel import Raw
from pipeline.errors import Backpressure, InvalidItem, TransientError
from schemas.item import Attachment

from .conftest import ACCOUNT, NOW, Answer, XDouble

PHOTO = "https://pbs.twimg.com/media/Contoh1.jpg"
PRIVATE = "https://ton.twitter.com/1.1/ton/data/dm/1/2/contoh.jpg"
CREDENTIALS = {"consumer_key": "demo-key", "access_token": "demo-token", "access_token_secret": "demo-token-secret"}


def source(**values: Any) -> XMedia:
    return media(XSettings.model_validate({"timeout_seconds": 5, **values}))


async def located(files: XMedia, reference: str | None) -> tuple[str, dict[str, str]]:
    link = await files.locate(Attachment(reference=reference), ACCOUNT)
    return link.url, dict(link.headers)


@pytest.mark.parametrize("url", [PHOTO, "https://video.twimg.com/ext_tw_video/1/pu/vid/a.mp4?tag=12"])
async def test_files_of_posts_are_public(url: str) -> None:
    assert await located(source(**CREDENTIALS), url) == (url, {})


async def test_files_of_direct_messages_are_asked_for_as_the_account() -> None:
    url, headers = await located(source(**CREDENTIALS), PRIVATE)
    assert url == PRIVATE
    assert headers["Authorization"].startswith("OAuth ")
    assert 'oauth_token="demo-token"' in headers["Authorization"]
    assert "oauth_signature=" in headers["Authorization"]


async def test_files_of_direct_messages_wait_for_credentials() -> None:
    with pytest.raises(TransientError):
        await located(source(), PRIVATE)


@pytest.mark.parametrize(
    "url",
    [
        "http://pbs.twimg.com/media/a.jpg",
        "https://pbs.twimg.com.example/media/a.jpg",
        "https://evil-twimg.com/a.jpg",
        "https://twimg.com@example.org/a.jpg",
        "https://user@pbs.twimg.com/a.jpg",
        "https://example.org/twimg.com",
        "http://127.0.0.1:8098/foto.png",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "https://[::1/a",
        "://",
    ],
)
async def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(InvalidItem) as refused:
        await located(source(**CREDENTIALS), url)
    assert refused.value.reason == "x.media-foreign"


async def test_loopback_only_beside_an_api_on_loopback(double: XDouble) -> None:
    here = source(api_base=double.base)
    assert (await located(here, "http://127.0.0.1:8098/foto.png"))[0] == "http://127.0.0.1:8098/foto.png"
    assert "127.0.0.1" in here.hosts
    assert "127.0.0.1" not in source().hosts


async def test_a_key_is_looked_up(double: XDouble) -> None:
    body = b'{"data":{"media_key":"3_1991","type":"photo","url":"https://pbs.twimg.com/media/Contoh1.jpg"}}'
    double.answers["/2/media/3_1991"] = Answer(200, body=body)
    assert await located(source(api_base=double.base, bearer_token="demo-bearer"), "3_1991") == (PHOTO, {})
    assert "url" in double.calls[0][2]["media.fields"].split(",")


async def test_of_a_film_the_largest(double: XDouble) -> None:
    variants = ",".join(
        f'{{"bit_rate":{rate},"content_type":"video/mp4","url":"https://video.twimg.com/{rate}.mp4"}}'
        for rate in (1, 9, 5)
    )
    body = f'{{"data":{{"media_key":"7_1","type":"video","variants":[{variants}]}}}}'.encode()
    double.answers["/2/media/7_1"] = Answer(200, body=body)
    assert (await located(source(api_base=double.base), "7_1"))[0] == "https://video.twimg.com/9.mp4"


@pytest.mark.parametrize("reference", [None, "", "../2/users/me", "3_1?x=1", "3_1\n", "rusak"])
async def test_what_is_no_key_is_never_asked_for(double: XDouble, reference: str | None) -> None:
    with pytest.raises(InvalidItem) as gone:
        await located(source(api_base=double.base), reference)
    assert gone.value.reason == "x.media-gone"
    assert double.calls == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404),
        Answer(200, body=b'{"errors":[{"title":"Not Found Error"}]}'),
        Answer(200, body=b'{"data":{"media_key":"3_1","type":"photo"}}'),
        Answer(200, body=b"<html>"),
    ],
)
async def test_a_file_that_is_gone(double: XDouble, answer: Answer) -> None:
    double.answers["/2/media/3_1"] = answer
    with pytest.raises(InvalidItem) as gone:
        await located(source(api_base=double.base), "3_1")
    assert gone.value.reason == "x.media-gone"


@pytest.mark.parametrize("answer", [Answer(401), Answer(503), Answer(429, {"retry-after": "x"})])
async def test_what_may_pass_is_tried_again(double: XDouble, answer: Answer) -> None:
    double.answers["/2/media/3_1"] = answer
    with pytest.raises(TransientError):
        await located(source(api_base=double.base), "3_1")


async def test_rate_limit_is_a_pause(double: XDouble) -> None:
    double.answers["/2/media/3_1"] = Answer(429)
    with pytest.raises(Backpressure):
        await located(source(api_base=double.base), "3_1")


async def test_a_looked_up_address_elsewhere_is_refused(double: XDouble) -> None:
    body = b'{"data":{"media_key":"3_1","type":"photo","url":"https://example.org/a.jpg"}}'
    double.answers["/2/media/3_1"] = Answer(200, body=body)
    with pytest.raises(InvalidItem) as refused:
        await located(source(api_base=double.base), "3_1")
    assert refused.value.reason == "x.media-foreign"


async def test_a_key_without_a_token_waits() -> None:
    with pytest.raises(TransientError):
        await located(source(), "3_1991")


async def test_what_the_vendors_side_serves_is_found(double: XDouble) -> None:
    """The demo's photo stands on loopback; its delivery holds a key, because decode takes https addresses only."""
    person, photo = Person("Siti Contoh"), Photo("foto.png", "http://127.0.0.1:8098/foto.png", png(2, 2))
    body = VENDOR.message(XSettings(), person, "Lampu mati", photo=photo)
    (part,) = CHANNEL.decode(Raw("x", ACCOUNT, body, "application/json", NOW))
    assert part.decoded.item is not None
    (attachment,) = part.decoded.item.attachments
    assert VENDOR.locate is not None
    served = VENDOR.locate(f"/2/media/{attachment.reference}", photo)
    assert served is not None
    assert VENDOR.locate("/2/users/me", photo) is None
    assert VENDOR.locate(f"/2/media/{attachment.reference}", Photo("lain.png", photo.url, b"")) is None
    double.answers[f"/x/2/media/{attachment.reference}"] = Answer(200, body=served[0])
    assert (await located(source(api_base=f"{double.base}/x"), attachment.reference))[0] == photo.url


@pytest.mark.parametrize(
    "base",
    ["http://api.x.com", "https://api.x.com/2", "http://127.0.0.1:1/../a", "http://127.0.0.1.example", "ftp://x"],
)
def test_plain_http_and_paths_are_for_loopback(base: str) -> None:
    with pytest.raises(ValueError, match="api_base"):
        source(api_base=base)
