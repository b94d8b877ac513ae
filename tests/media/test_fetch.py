"""Size, time, encodings, statuses: what a file host may do to us."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from media.fetch import LONGEST_PAUSE, Fetcher, Limits
from media.guard import Guard
from pipeline.channel import MediaLink
from pipeline.errors import Backpressure, InvalidItem, TransientError
from tests.media.desk import Answer, Vendor, vendor

HERE = frozenset({"127.0.0.1"})


async def itself(name: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def fetcher(**limits: float) -> Fetcher:
    return Fetcher(
        Guard(itself, local=True), Limits(size=int(limits.get("size", 1000)), seconds=limits.get("seconds", 20))
    )


async def test_a_file_of_the_largest_size_is_taken(host: Vendor) -> None:
    host.answers["/x"] = Answer(b"a" * 1000)
    assert await fetcher().fetch(MediaLink(host.url("/x")), HERE) == b"a" * 1000
    assert host.seen[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"a" * 1001),
        Answer([b"a" * 600] * 50, length=False),
        Answer(b"a", extra=("Content-Length: 99999999999",), length=False),
    ],
    ids=["declared", "endless", "announced"],
)
async def test_a_larger_one_is_refused_while_it_streams(host: Vendor, answer: Answer) -> None:
    host.answers["/x"] = answer
    with pytest.raises(InvalidItem) as refused:
        await fetcher().fetch(MediaLink(host.url("/x")), HERE)
    assert refused.value.reason == "media.too-large"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "zstd", "x-unknown"])
async def test_nothing_is_decompressed(host: Vendor, encoding: str) -> None:
    host.answers["/x"] = Answer(gzip.compress(b"\0" * 1_000_000), extra=(f"Content-Encoding: {encoding}",))
    with pytest.raises(InvalidItem) as refused:
        await fetcher(size=10_000).fetch(MediaLink(host.url("/x")), HERE)
    assert refused.value.reason == "media.encoded"


async def test_a_slow_drip_ends(host: Vendor) -> None:
    host.answers["/x"] = Answer([b"a"] * 500, pause=0.05)
    with pytest.raises(TransientError, match="too long"):
        await fetcher(seconds=0.2).fetch(MediaLink(host.url("/x")), HERE)


@pytest.mark.parametrize("status", [201, 204, 206, 400, 401, 403, 404, 410, 500, 502])
async def test_only_200_is_a_file_and_the_rest_may_become_one(host: Vendor, status: int) -> None:
    host.answers["/x"] = Answer(b"" if status == 204 else b"x", status=status, length=status != 204)
    with pytest.raises(TransientError) as error:
        await fetcher().fetch(MediaLink(host.url("/x")), HERE)
    assert not isinstance(error.value, Backpressure)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("120", 120), (None, 60), ("soon", 60), ("0", 1), ("nan", 60), ("1e30", LONGEST_PAUSE), ("-5", 1)],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_host_is_given_time(host: Vendor, asked: str | None, seconds: float, status: int) -> None:
    host.answers["/x"] = Answer(status=status, extra=(f"Retry-After: {asked}",) if asked is not None else ())
    with pytest.raises(Backpressure) as error:
        await fetcher().fetch(MediaLink(host.url("/x")), HERE)
    assert error.value.retry_after == seconds


async def test_what_breaks_off_is_tried_again(host: Vendor) -> None:
    host.answers["/x"] = Answer(b"half", extra=("Content-Length: 900",), length=False)
    with pytest.raises(TransientError):
        await fetcher().fetch(MediaLink(host.url("/x")), HERE)


async def test_no_proxy_of_the_environment_is_used(host: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve the name again, behind the guard's back."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    host.answers["/x"] = Answer(b"ok")
    assert await fetcher().fetch(MediaLink(host.url("/x")), HERE) == b"ok"


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server called ``name`` and of a client that trusts its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    form = serialization.Encoding.PEM
    private = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(private + made.public_bytes(form))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.create_default_context(cadata=made.public_bytes(form).decode())
    return server, client


@pytest.mark.parametrize(("name", "works"), [("localhost", True), ("files.vendor.test", False)])
async def test_the_certificate_is_that_of_the_name_not_of_the_address(tmp_path: Path, name: str, works: bool) -> None:
    server, client = certificate(tmp_path, name)
    asked: list[str | None] = []
    server.sni_callback = lambda _, sni, __: asked.append(sni)
    async with vendor(server) as host:
        host.answers["/x"] = Answer(b"ok")
        one = Fetcher(Guard(itself, local=True), Limits(), client)
        link = MediaLink(f"https://localhost:{host.port}/x")
        if works:
            assert await one.fetch(link, {"localhost"}) == b"ok"
        else:
            with pytest.raises(TransientError):
                await one.fetch(link, {"localhost"})
    assert asked == ["localhost"]
