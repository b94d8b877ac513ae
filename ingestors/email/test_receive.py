"""The SMTP and LMTP receiver over real sockets."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from ingestors.email import CHANNEL, EmailSettings
from ingestors.email.conftest import MemoryCursors, MemoryIntake, configured
from ingestors.email.receive import ingest
from ingestors.email.smtp import Receiver

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
MAIL = b"From: budi@contoh.id\r\nSubject: Lampu mati\r\n\r\nMati.\r\n..titik di awal baris\r\n"
MIB = 1024 * 1024


class FixedClock:
    def now(self) -> datetime:
        return NOW


@asynccontextmanager
async def receiving(intake: MemoryIntake, **options: Any) -> AsyncIterator[Receiver]:
    settings = configured(listen_port=0, own_addresses=("pengaduan@jakarta.go.id",), **options)
    receiver = Receiver(settings, intake, FixedClock())
    await receiver.start()
    try:
        yield receiver
    finally:
        await receiver.close()


async def deliver(
    receiver: Receiver,
    body: bytes,
    *to: str,
    sender: str = "budi@contoh.id",
    client: Callable[..., smtplib.SMTP] = smtplib.SMTP,
) -> dict[str, tuple[int, bytes]]:
    def run() -> dict[str, tuple[int, bytes]]:
        with client("127.0.0.1", receiver.port, timeout=30) as server:
            return server.sendmail(sender, list(to) or ["dki@jakarta.go.id"], body)

    return await asyncio.to_thread(run)


async def talk(receiver: Receiver, *blocks: bytes, hang_up: bool = True) -> bytes:
    """Sends raw blocks one after the other's answer and returns all that came back until the connection closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
    answers = b""
    for block in blocks:
        answers += await asyncio.wait_for(reader.readline(), 10)
        writer.write(block)
        await writer.drain()
    if hang_up:
        writer.write_eof()
    answers += await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answers


async def test_mail_is_handed_over_as_it_came(intake: MemoryIntake) -> None:
    async with receiving(intake) as receiver:
        await deliver(receiver, MAIL)
    (raw,) = intake.taken
    assert raw.body == MAIL
    assert (raw.channel, raw.account, raw.content_type) == ("email", "dki@jakarta.go.id", "message/rfc822")
    assert raw.received_at == NOW
    assert raw.meta == {"own": "dki@jakarta.go.id,pengaduan@jakarta.go.id"}


async def test_null_sender_and_plus_address_become_meta(intake: MemoryIntake) -> None:
    async with receiving(intake) as receiver:
        await deliver(receiver, MAIL, "DKI+jk2611230001@jakarta.go.id", sender="")
    (raw,) = intake.taken
    assert (raw.meta["null_sender"], raw.meta["ticket_number"]) == ("1", "JK2611230001")
    (part,) = CHANNEL.decode(raw)
    assert part.decoded.reason == "email.bounce"


async def test_two_of_our_addresses_make_one_raw(intake: MemoryIntake) -> None:
    async with receiving(intake) as receiver:
        await deliver(receiver, MAIL, "dki@jakarta.go.id", "pengaduan@jakarta.go.id")
    assert len(intake.taken) == 1


async def test_foreign_recipient_is_refused_and_ours_still_taken(intake: MemoryIntake) -> None:
    async with receiving(intake) as receiver:
        refused = await deliver(receiver, MAIL, "orang@contoh.id", "dki@jakarta.go.id")
        assert refused["orang@contoh.id"][0] == 550
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await deliver(receiver, MAIL, "orang@contoh.id")
    assert len(intake.taken) == 1


async def test_unavailable_is_answered_451_and_later_taken(intake: MemoryIntake) -> None:
    intake.away = True
    async with receiving(intake) as receiver:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            await deliver(receiver, MAIL)
        assert caught.value.smtp_code == 451
        intake.away = False
        await deliver(receiver, MAIL)
    assert len(intake.taken) == 1


async def test_twenty_megabytes_pass(intake: MemoryIntake) -> None:
    body = MAIL + (b"QUJD" * 19 + b"\r\n") * (20 * MIB // 78)
    async with receiving(intake) as receiver:
        await deliver(receiver, body)
    assert intake.taken[0].body == body


async def test_thirty_megabytes_are_refused_by_size_and_by_data(intake: MemoryIntake) -> None:
    body = MAIL + (b"QUJD" * 19 + b"\r\n") * (30 * MIB // 78)

    class Undeclared(smtplib.SMTP):
        def has_extn(self, opt: str) -> bool:
            return opt.lower() != "size" and super().has_extn(opt)

    async with receiving(intake) as receiver:
        with pytest.raises(smtplib.SMTPSenderRefused) as declared:
            await deliver(receiver, body)
        with pytest.raises(smtplib.SMTPDataError) as found_out:
            await deliver(receiver, body, client=Undeclared)
        await deliver(receiver, MAIL)
    assert declared.value.smtp_code == found_out.value.smtp_code == 552
    assert b"5.3.4" in declared.value.smtp_error
    assert b"5.3.4" in found_out.value.smtp_error
    assert [raw.body for raw in intake.taken] == [MAIL]


async def test_lmtp_answers_each_recipient(intake: MemoryIntake) -> None:
    talked = b"LHLO x\r\n", b"MAIL FROM:<budi@contoh.id>\r\n"
    async with receiving(intake, listen_protocol="lmtp") as receiver:
        reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
        await reader.readline()
        for line in (
            *talked,
            b"RCPT TO:<dki@jakarta.go.id>\r\n",
            b"RCPT TO:<pengaduan@jakarta.go.id>\r\n",
            b"DATA\r\n",
        ):
            writer.write(line)
            while (await reader.readline())[3:4] == b"-":
                pass
        writer.write(MAIL + b".\r\nQUIT\r\n"[:3])
        assert [(await asyncio.wait_for(reader.readline(), 10))[:3] for _ in range(2)] == [b"250", b"250"]
        writer.close()
    assert len(intake.taken) == 1


ENVELOPE = (b"HELO x\r\n", b"MAIL FROM:<a@contoh.id>\r\n", b"RCPT TO:<dki@jakarta.go.id>\r\n", b"DATA\r\n")


async def test_commands_behind_the_message_are_not_obeyed(intake: MemoryIntake) -> None:
    smuggled = MAIL + b".\r\nMAIL FROM:<kota@contoh.id>\r\nRCPT TO:<dki@jakarta.go.id>\r\nDATA\r\n"
    async with receiving(intake) as receiver:
        answers = await talk(receiver, *ENVELOPE, smuggled, hang_up=False)
    assert answers.splitlines()[-1].startswith(b"421")
    assert intake.taken == []


async def test_only_crlf_dot_crlf_ends_the_message(intake: MemoryIntake) -> None:
    async with receiving(intake) as receiver:
        await talk(receiver, *ENVELOPE, b"a\n.\nb\r\n.\nc\r\n")
        assert intake.taken == []
        await deliver(receiver, b"")
    assert intake.taken[0].body in (b"", b"\r\n")


async def test_connection_cap_answers_421() -> None:
    async with receiving(MemoryIntake(), listen_connections=1) as receiver:
        first, held = await asyncio.open_connection("127.0.0.1", receiver.port)
        assert (await first.readline()).startswith(b"220")
        second, refused = await asyncio.open_connection("127.0.0.1", receiver.port)
        assert (await asyncio.wait_for(second.read(), 10)).startswith(b"421")
        refused.close()
        held.close()
        await first.read()
        third, again = await asyncio.open_connection("127.0.0.1", receiver.port)
        assert (await third.readline()).startswith(b"220")
        again.close()


async def test_silent_connection_is_closed() -> None:
    async with receiving(MemoryIntake(), listen_timeout=0.2) as receiver:
        reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
        await reader.readline()
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_bad_address_is_no_crash() -> None:
    async with receiving(MemoryIntake()) as receiver:
        answers = await talk(receiver, b"HELO x\r\n", b'MAIL FROM:<a"@b>\r\n', b"RCPT TO:<x@[>\r\n")
        assert b"Traceback" not in answers
        await deliver(receiver, MAIL)


async def test_ingest_runs_until_cancelled_and_frees_the_port() -> None:
    async with receiving(MemoryIntake()) as receiver:
        with pytest.raises(OSError, match="TANGGAP_EMAIL_LISTEN_PORT"):
            await ingest(configured(listen_port=receiver.port), MemoryIntake(), MemoryCursors())
        port = receiver.port
    running = asyncio.create_task(ingest(configured(listen_port=port), MemoryIntake(), MemoryCursors()))
    await asyncio.sleep(0.05)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_settings_hide_passwords_and_name_mistakes() -> None:
    settings = configured(imap_host="h", imap_user="u", imap_password="rahasia-1", smtp_password="rahasia-2")
    assert "rahasia" not in repr(settings)
    with pytest.raises(ValueError, match="TANGGAP_EMAIL_IMAP_USER"):
        configured(imap_host="imap.contoh.id")
    with pytest.raises(ValueError, match="TANGGAP_EMAIL_ADDRESS"):
        configured(address="bukan alamat")
    assert all(field.description for name, field in EmailSettings.model_fields.items() if name != "env")


def test_own_addresses_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANGGAP_EMAIL_OWN_ADDRESSES", "A@jakarta.go.id, b@jakarta.go.id")
    assert configured().own == ("dki@jakarta.go.id", "a@jakarta.go.id", "b@jakarta.go.id")
