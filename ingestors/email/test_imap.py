"""The poller against a real dovecot."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from ingestors.email import CHANNEL, EmailSettings
from ingestors.email.conftest import MemoryCursors, MemoryIntake, configured
from ingestors.email.imap import MailboxSession, Poller
from pipeline.clock import SystemClock
from pipeline.errors import Unavailable

DOVECOT = Path("/usr/sbin/dovecot")
pytestmark = [
    pytest.mark.skipif(not DOVECOT.exists(), reason="needs dovecot: apt-get install dovecot-imapd dovecot-lmtpd"),
    pytest.mark.skipif(os.getuid() != 0, reason="dovecot's service users need root"),
]

CONFIG = """
protocols = imap
base_dir = {run}
state_dir = {run}
log_path = {root}/dovecot.log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = maildir:{root}/Maildir
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
passdb {{
  driver = static
  args = password=rahasia
}}
userdb {{
  driver = static
  args = uid=dovecot gid=dovecot home={root}
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


@dataclass
class Dovecot:
    root: Path
    port: int
    count: int = 0

    def put(self, body: bytes) -> None:
        """Delivers into the maildir, as an MDA does."""
        self.count += 1
        name = f"{1_790_000_000 + self.count}.{self.count}.host"
        path = self.root / "Maildir/tmp" / name
        path.write_bytes(body)
        shutil.chown(path, "dovecot", "dovecot")
        path.rename(self.root / "Maildir/new" / name)

    def seen(self) -> list[str]:
        return [path.name for path in (self.root / "Maildir/cur").iterdir() if "S" in path.name.partition(",")[2]]

    def settings(self, **more: int) -> EmailSettings:
        return configured(
            imap_host="127.0.0.1", imap_port=self.port, imap_ssl=False, imap_user="dki", imap_password="rahasia",
            imap_poll_seconds=0.1, listen_protocol="off", max_message_bytes=more.get("limit", 64 * 1024),
        )  # fmt: skip


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # pytest's tmp_path is closed to dovecot's users.
    root = Path(tempfile.mkdtemp(prefix="tanggap-dovecot-"))
    root.chmod(0o755)
    for folder in ("Maildir", "Maildir/tmp", "Maildir/new", "Maildir/cur"):
        (root / folder).mkdir()
        shutil.chown(root / folder, "dovecot", "dovecot")
    config = root / "dovecot.conf"
    config.write_text(CONFIG.format(root=root, run=root / "run", port=port))
    process = subprocess.Popen([DOVECOT, "-F", "-c", config])
    try:
        _wait_for(port, process, root / "dovecot.log")
        yield Dovecot(root, port)
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(root)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    pytest.fail("dovecot does not listen: " + log.read_text())


def mail(number: int) -> bytes:
    return (
        f"From: budi@contoh.id\nSubject: Laporan {number}\nMessage-ID: <{number}@contoh.id>\n\nIsi {number}\n".encode()
    )


async def drain(poller: Poller, dovecot: Dovecot) -> int:
    session = await asyncio.to_thread(MailboxSession, dovecot.settings())
    try:
        return await poller.drain(session)
    finally:
        await asyncio.to_thread(session.close)


def subjects(intake: MemoryIntake) -> list[str | None]:
    items = [part.decoded.item for raw in intake.taken for part in CHANNEL.decode(raw)]
    return [item.subject for item in items if item]


async def test_new_mail_is_taken_once_and_left_unseen(
    dovecot: Dovecot, intake: MemoryIntake, cursors: MemoryCursors
) -> None:
    poller = Poller(dovecot.settings(), intake, cursors, SystemClock())
    assert await drain(poller, dovecot) == 0
    for number in (1, 2):
        dovecot.put(mail(number))
    assert await drain(poller, dovecot) == 2
    assert await drain(poller, dovecot) == 0
    dovecot.put(mail(3))
    assert await drain(poller, dovecot) == 1
    assert subjects(intake) == ["Laporan 1", "Laporan 2", "Laporan 3"]
    assert intake.taken[0].body == mail(1).replace(b"\n", b"\r\n")
    assert cursors.value.endswith(":3")
    assert dovecot.seen() == []


async def test_received_when_the_mailbox_got_it(dovecot: Dovecot, intake: MemoryIntake, cursors: MemoryCursors) -> None:
    dovecot.put(mail(1))
    yesterday = (SystemClock().now() - timedelta(days=1)).replace(microsecond=0)
    (path,) = (dovecot.root / "Maildir/new").iterdir()
    os.utime(path, (yesterday.timestamp(), yesterday.timestamp()))
    await drain(Poller(dovecot.settings(), intake, cursors, SystemClock()), dovecot)
    assert intake.taken[0].received_at == yesterday


async def test_cursor_stays_before_what_is_not_durable(
    dovecot: Dovecot, intake: MemoryIntake, cursors: MemoryCursors
) -> None:
    poller = Poller(dovecot.settings(), intake, cursors, SystemClock())
    for number in (1, 2, 3):
        dovecot.put(mail(number))
    intake.away_at = 1
    with pytest.raises(Unavailable):
        await drain(poller, dovecot)
    assert cursors.value.endswith(":1")
    assert await drain(poller, dovecot) == 2
    assert subjects(intake) == ["Laporan 1", "Laporan 2", "Laporan 3"]


async def test_new_uidvalidity_reads_again_with_the_same_keys(
    dovecot: Dovecot, intake: MemoryIntake, cursors: MemoryCursors
) -> None:
    poller = Poller(dovecot.settings(), intake, cursors, SystemClock())
    for number in (1, 2):
        dovecot.put(mail(number))
    await drain(poller, dovecot)
    await cursors.set("email", "dki@jakarta.go.id", "17:2")
    assert await drain(poller, dovecot) == 2
    keys = [part.decoded.key for raw in intake.taken for part in CHANNEL.decode(raw)]
    assert keys[:2] == keys[2:]


async def test_too_big_is_dead_with_its_headers_and_the_next_goes_on(
    dovecot: Dovecot, intake: MemoryIntake, cursors: MemoryCursors
) -> None:
    dovecot.put(mail(1) + b"x" * 100_000)
    dovecot.put(mail(2))
    await drain(Poller(dovecot.settings(), intake, cursors, SystemClock()), dovecot)
    ((raw, reason),) = intake.refused
    assert reason == "email.too-big"
    assert b"Subject: Laporan 1" in raw.body
    assert len(raw.body) < 1000
    assert subjects(intake) == ["Laporan 2"]


async def test_run_takes_crashers_and_comes_back_after_an_outage(
    dovecot: Dovecot, intake: MemoryIntake, cursors: MemoryCursors
) -> None:
    crashers = sorted((Path(__file__).parent / "fixtures/crashers").glob("*.eml"))
    for path in crashers:
        dovecot.put(path.read_bytes())
    dovecot.put(mail(1))
    intake.away_at, intake.expected = 5, len(crashers) + 1
    running = asyncio.create_task(Poller(dovecot.settings(), intake, cursors, SystemClock()).run())
    try:
        await asyncio.wait_for(intake.complete.wait(), 30)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert len(intake.taken) == len(crashers) + 1
    assert subjects(intake)[-1] == "Laporan 1"


async def test_server_away_is_waited_for(dovecot: Dovecot, intake: MemoryIntake, cursors: MemoryCursors) -> None:
    settings = dovecot.settings().model_copy(update={"imap_port": 1})
    running = asyncio.create_task(Poller(settings, intake, cursors, SystemClock()).run())
    await asyncio.sleep(0.3)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
