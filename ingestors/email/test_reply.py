"""The sender against a real SMTP sink."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from ingestors.email import CHANNEL
from ingestors.email.conftest import configured
from ingestors.email.reply import compose
from pipeline.channel import Outgoing, Raw, Sender
from pipeline.errors import InvalidItem, TransientError
from schemas.item import Author
from tests.channels import FixedClock, MemoryCursors

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
MESSAGE = Outgoing(
    id="balasan7k2",
    account="dki@jakarta.go.id",
    to=Author(id="budi@contoh.id", name="Budi", email="budi@contoh.id"),
    text="Terima kasih. Laporan Anda bernomor JK2611230001.\n.titik\nLacak: https://contoh.id/lacak/x – “aman”\n",
    external_id="pagi-2@contoh.id",
    thread="pagi-1@contoh.id",
    subject="Bls: Re: Lampu jalan mati – Kramat",
    last_inbound_at=NOW,
)


class Sink:
    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.on_rcpt = "250 ok"
        self.on_data = "250 ok"
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.on_rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        self.envelopes.append(envelope)
        return self.on_data


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    sink = Sink()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, hostname="mx.contoh.id", loop=loop), "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    yield sink
    server.close()
    await server.wait_closed()


def sender_to(sink: Sink, **options: Any) -> Sender:
    assert CHANNEL.sender is not None
    sender = CHANNEL.sender(
        configured(smtp_host="127.0.0.1", smtp_port=sink.port, smtp_tls="none", **options),
        MemoryCursors(),
        FixedClock(),
    )
    assert sender is not None
    return sender


def read(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_without_a_server_there_is_no_sender() -> None:
    assert CHANNEL.sender is not None
    assert CHANNEL.sender(configured(), MemoryCursors(), FixedClock()) is None


async def test_answer_threads_and_cannot_loop(sink: Sink) -> None:
    assert await sender_to(sink).send(MESSAGE) == "balasan7k2@jakarta.go.id"
    (envelope,) = sink.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("<>", ["budi@contoh.id"])
    assert isinstance(envelope.content, bytes)
    assert b"\n" not in envelope.content.replace(b"\r\n", b"")
    mail = read(envelope.content)
    assert mail["Message-ID"] == "<balasan7k2@jakarta.go.id>"
    assert mail["In-Reply-To"] == "<pagi-2@contoh.id>"
    assert mail["References"] == "<pagi-1@contoh.id> <pagi-2@contoh.id>"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["X-Tanggap-Loop"] == "dki@jakarta.go.id"
    assert mail["Subject"] == "Re: [JK2611230001] Lampu jalan mati – Kramat"
    assert mail["From"] == "Pemprov DKI Jakarta <dki@jakarta.go.id>"
    assert mail.get_content().replace("\r\n", "\n") == MESSAGE.text


async def test_our_answer_coming_back_is_ignored_and_the_citizens_is_a_reply(sink: Sink) -> None:
    await sender_to(sink).send(MESSAGE)
    ours = sink.envelopes[0].content
    assert isinstance(ours, bytes)
    (echo,) = CHANNEL.decode(Raw("email", "dki@jakarta.go.id", ours, "message/rfc822", NOW))
    assert echo.decoded.reason == "email.own"
    mail = read(ours)
    answer = (
        f"From: budi@contoh.id\r\nSubject: {mail['Subject'].encode('ascii', 'replace').decode()}\r\n"
        f"In-Reply-To: {mail['Message-ID']}\r\n"
        f"References: {mail['References']} {mail['Message-ID']}\r\n\r\nTerima kasih"
    )
    (part,) = CHANNEL.decode(Raw("email", "dki@jakarta.go.id", answer.encode(), "message/rfc822", NOW))
    assert part.decoded.item is not None
    assert part.decoded.item.thread == "pagi-1@contoh.id"
    assert part.decoded.item.reply_to == "balasan7k2@jakarta.go.id"
    assert part.decoded.item.ticket_number == "JK2611230001"


@pytest.mark.parametrize(
    ("on_rcpt", "on_data", "error"),
    [
        ("450 busy", "250 ok", TransientError),
        ("250 ok", "451 later", TransientError),
        ("550 unknown", "250 ok", InvalidItem),
        ("250 ok", "554 no", InvalidItem),
    ],
)
async def test_refusals_decide_the_fate(sink: Sink, on_rcpt: str, on_data: str, error: type[Exception]) -> None:
    sink.on_rcpt, sink.on_data = on_rcpt, on_data
    with pytest.raises(error) as caught:
        await sender_to(sink).send(MESSAGE)
    if isinstance(caught.value, InvalidItem):
        assert caught.value.reason == "email.undeliverable"
    assert "budi" not in str(caught.value)


async def test_server_away_or_refusing_us_is_transient(sink: Sink) -> None:
    with pytest.raises(TransientError):
        await sender_to(sink, smtp_user="u", smtp_password="p").send(MESSAGE)
    away = Sink()
    away.port = 1
    with pytest.raises(TransientError):
        await sender_to(away).send(MESSAGE)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subject": "Lampu\r\nBcc: semua@contoh.id"}, "email.header-injection"),
        ({"subject": "Lampu\rBcc: semua@contoh.id"}, "email.header-injection"),
        ({"id": "a\nb"}, "email.header-injection"),
        ({"to": Author(id="message:x", name="Budi")}, "email.no-address"),
        ({"to": Author(id="dki+a@jakarta.go.id")}, "email.no-address"),
        ({"to": Author(id="a@contoh.id\r\nRCPT TO:<b@contoh.id>")}, "email.no-address"),
    ],
)
def test_no_honest_mail_can_be_made(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidItem) as caught:
        compose(configured(), replace(MESSAGE, **change), NOW)
    assert caught.value.reason == reason


def test_hash_ids_and_hostile_ids_make_no_thread() -> None:
    message = replace(MESSAGE, external_id="sha256:ab", thread="a b>\r\nBcc: c", subject=None, text="Halo")
    mail = compose(configured(), message, NOW)
    assert mail["In-Reply-To"] is None
    assert mail["References"] is None
    assert mail["Subject"] == "Re: Pemprov DKI Jakarta"
