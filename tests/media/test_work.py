"""Jobs: from the item to the ticket, with everything that can go wrong at the vendor."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from media.service import LEASE
from pipeline.channel import Raw
from pipeline.errors import Backpressure, InvalidItem, TransientError, Unavailable
from pipeline.stage import Message
from schemas.base import encode
from schemas.ids import derived_id
from schemas.item import Attachment
from schemas.topics import ITEMS
from tests.media.desk import NOON, TOKEN, Answer, Desk, jpeg, photo

PDF = b"%PDF-1.7\n%invented\n"


async def test_a_photo_is_kept_and_the_ticket_is_told(desk: Desk) -> None:
    data = jpeg()
    desk.vendor.answers["/foto-1"] = Answer(data)
    ticket = await desk.came("m1", photo())
    await desk.tick()
    (command,) = desk.commands
    (file,) = command.evidence
    assert (command.kind, command.ticket_id, command.actor.role, command.text) == ("attach", ticket, "system", None)
    assert (file.media_type, file.size) == ("image/jpeg", len(data))
    assert file.blob is not None
    assert file.view is not None
    assert desk.vault.get_blob(file.blob) == data
    assert desk.vault.blob_type(file.view) == "image/jpeg"
    assert desk.vendor.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert await desk.tick(days=5) == 0, "a job that is done is not done again"


async def test_words_that_come_with_the_link_go_to_the_intake_also_when_the_file_is_gone(desk: Desk) -> None:
    assert desk.source is not None
    words = Raw("whatsapp", "1001", b"{}", "application/json", NOON)
    desk.source.words = words
    desk.vendor.answers["/foto-1"] = Answer(status=404)
    await desk.came("m1", photo())
    desk.intake.away = True
    await desk.tick()
    assert desk.intake.raws == []
    desk.intake.away = False
    await desk.tick(hours=1)
    assert desk.intake.raws == [words]


async def test_the_same_item_again_makes_no_second_job(desk: Desk) -> None:
    """Complaint 7: but nor does the message's own dedupe end the first one."""
    desk.vendor.answers["/foto-1"] = [Answer(status=500), Answer(jpeg())]
    await desk.came("m1", photo())
    await desk.tick()
    assert desk.commands == []
    await desk.media.take([desk.message(desk.item("m1", photo()))])
    assert await desk.tick(seconds=1) == 0
    await desk.tick(minutes=1)
    await desk.media.take([desk.message(desk.item("m1", photo()))])
    await desk.tick(days=1)
    assert ([one.kind for one in desk.commands], len(desk.vendor.seen)) == (["attach"], 2)


async def test_an_expired_link_is_asked_for_afresh(desk: Desk) -> None:
    assert desk.source is not None
    desk.source._link = lambda reference, turn: desk.vendor.url(f"/{reference}?turn={turn}")
    desk.vendor.answers["/foto-1?turn=1"] = Answer(status=403)
    desk.vendor.answers["/foto-1?turn=2"] = Answer(jpeg())
    await desk.came("m1", photo())
    await desk.tick()
    await desk.tick(minutes=1)
    assert [one.path for one in desk.vendor.seen] == ["/foto-1?turn=1", "/foto-1?turn=2"]
    assert [one.kind for one in desk.commands] == ["attach"]


async def test_it_is_tried_until_the_vendor_has_it_no_longer(desk: Desk) -> None:
    ticket = await desk.came("m1", photo())
    hours = 0
    while not desk.commands and hours < 200:
        await desk.tick(hours=1)
        hours += 1
    assert 72 <= hours <= 73, "the lifetime of the source"
    assert 10 < len(desk.vendor.seen) < 30
    (note,) = desk.commands
    assert (note.kind, note.ticket_id, note.actor.role) == ("note", ticket, "system")
    assert note.text is not None
    assert "sampai batas waktu" in note.text
    assert await desk.tick(days=30) == 0


async def test_the_pauses_grow_and_are_not_the_same_for_all(desk: Desk) -> None:
    await desk.came("m1", photo())
    times: list[float] = []
    for _ in range(3000):
        if await desk.tick(seconds=1):
            times.append((desk.clock.now() - NOON).total_seconds())
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(gaps) >= 4
    assert gaps == sorted(gaps)
    assert gaps[0] <= 6
    assert 299 <= gaps[3] <= 601, "half to all of ten minutes"


async def test_a_file_that_is_late_already_is_tried_once(desk: Desk) -> None:
    desk.vendor.answers["/foto-1"] = Answer(jpeg())
    event = desk.item("m1", photo())
    desk.register("m1")
    desk.clock.advance(days=30)
    await desk.media.take([desk.message(event)])
    await desk.tick()
    assert [one.kind for one in desk.commands] == ["attach"]


async def test_the_vendors_pause_is_kept(desk: Desk) -> None:
    assert desk.source is not None
    desk.source.failures = [Backpressure(1800)]
    desk.vendor.answers["/foto-1"] = Answer(jpeg())
    await desk.came("m1", photo())
    await desk.tick()
    assert await desk.tick(seconds=1799) == 0
    assert await desk.tick(seconds=2) == 1
    assert [one.kind for one in desk.commands] == ["attach"]


async def test_what_the_vendor_says_is_gone_is_given_up_at_once(desk: Desk) -> None:
    assert desk.source is not None
    desk.source.failures = [InvalidItem("whatsapp.media-gone")]
    await desk.came("m1", photo())
    await desk.tick()
    (note,) = desk.commands
    assert note.kind == "note"
    assert "tidak ada lagi" in (note.text or "")
    assert desk.vendor.seen == []


async def test_a_vendor_that_never_answers_holds_nobody_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(found: Attachment, account: str) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr("media.work.LOCATE_SECONDS", 0.01)
    monkeypatch.setattr(desk.source, "locate", never)
    await desk.came("m1", photo())
    assert await desk.tick() == 1
    assert desk.vault.waiting_media() == {"whatsapp": 1}


async def test_a_fault_of_a_source_is_no_end(desk: Desk) -> None:
    assert desk.source is not None
    desk.source.failures = [KeyError("a bug"), TransientError("away")]
    desk.vendor.answers["/foto-1"] = Answer(jpeg())
    await desk.came("m1", photo())
    for _ in range(3):
        await desk.tick(minutes=3)
    assert [one.kind for one in desk.commands] == ["attach"]


@pytest.mark.parametrize("write", [lambda digest: digest.hex(), lambda digest: base64.b64encode(digest).decode()])
async def test_content_that_fits_its_digest_is_kept(desk: Desk, write: Any) -> None:
    data = jpeg()
    desk.vendor.answers["/foto-1"] = Answer(data)
    await desk.came("m1", photo(sha256=write(hashlib.sha256(data).digest())))
    await desk.tick()
    assert [one.kind for one in desk.commands] == ["attach"]


async def test_wrong_content_is_fetched_again_and_then_given_up(desk: Desk) -> None:
    desk.vendor.answers["/foto-1"] = Answer(jpeg())
    await desk.came("m1", photo(sha256=hashlib.sha256(b"another").hexdigest()))
    for _ in range(5):
        await desk.tick(hours=1)
    (note,) = desk.commands
    assert (note.kind, len(desk.vendor.seen)) == ("note", 3)
    assert "tidak cocok" in (note.text or "")


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"<html><script>", b"#!/bin/sh\n", b"MZ\x90", b""])
async def test_content_decides_not_the_vendors_word(desk: Desk, content: bytes) -> None:
    desk.vendor.answers["/foto-1"] = Answer(content, extra=("Content-Type: image/jpeg",))
    await desk.came("m1", photo())
    await desk.tick()
    (note,) = desk.commands
    assert (note.kind, "jenis berkasnya" in (note.text or "")) == ("note", True)


async def test_a_document_called_a_photo_is_a_document(desk: Desk) -> None:
    desk.vendor.answers["/foto-1"] = Answer(PDF)
    await desk.came("m1", photo())
    await desk.tick()
    (file,) = desk.commands[0].evidence
    assert (file.media_type, file.view) == ("application/pdf", None)


async def test_a_picture_that_cannot_be_read_is_kept_without_a_view(desk: Desk) -> None:
    desk.vendor.answers["/foto-1"] = Answer(b"\xff\xd8\xff\xe0 no picture")
    await desk.came("m1", photo())
    await desk.tick()
    (file,) = desk.commands[0].evidence
    assert (file.media_type, file.view) == ("image/jpeg", None)
    assert file.blob is not None


async def test_it_waits_for_the_ticket(desk: Desk) -> None:
    desk.vendor.answers["/foto-1"] = Answer(jpeg())
    await desk.came("m1", photo(), ticket=False)
    await desk.tick()
    await desk.tick(seconds=2)
    assert desk.vendor.seen == []
    desk.register("m1")
    await desk.tick(seconds=5)
    assert [one.kind for one in desk.commands] == ["attach"]


async def test_a_message_without_a_ticket_costs_nothing_and_keeps_nothing(desk: Desk) -> None:
    await desk.came("m1", photo(), ticket=False)
    tries = 0
    for _ in range(7 * 24 * 4):
        tries += await desk.tick(minutes=15)
    assert (desk.vendor.seen, desk.commands) == ([], [])
    assert tries < 90
    assert await desk.tick(days=30) == 0


async def test_a_normalizer_that_stood_still_loses_no_file(desk: Desk) -> None:
    desk.vendor.answers["/foto-1"] = Answer(jpeg())
    await desk.came("m1", photo(), ticket=False)
    for _ in range(10):
        await desk.tick(minutes=30)
    desk.register("m1")
    await desk.tick(hours=1)
    assert [one.kind for one in desk.commands] == ["attach"]


async def test_kafka_away_loses_nothing_and_repeats_the_same_command(desk: Desk) -> None:
    desk.vendor.answers["/foto-1"] = Answer(jpeg())
    ticket = await desk.came("m1", photo())
    desk.paper.away = True
    await desk.tick()
    desk.paper.away = False
    await desk.tick(seconds=LEASE.total_seconds() + 1)
    (command,) = desk.commands
    job = desk.vault.hash_of("file", desk.vault.hash_of(desk.key("m1")), "foto-1")
    assert (command.id, command.evidence[0].id) == (derived_id(ticket, "media", "attach", job), job)


async def test_a_process_killed_in_the_middle_repeats_without_a_second_blob(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.vendor.answers["/foto-1"] = Answer(jpeg())
    await desk.came("m1", photo())

    def killed(*_: Any) -> bool:
        raise Unavailable("the vault went after the ticket was told")

    with monkeypatch.context() as patch:
        patch.setattr(desk.vault, "settle_media", killed)
        await desk.tick()
    await desk.tick(seconds=LEASE.total_seconds() + 1)
    first, second = desk.commands
    assert (first.id, first.evidence) == (second.id, second.evidence)


async def test_files_of_the_raw_record_are_made_presentable_too(desk: Desk) -> None:
    blob = desk.vault.put_blob(jpeg(), idempotency="mail", person=desk.person, media_type="application/octet-stream")
    await desk.came("m1", photo("part:1", blob=blob))
    await desk.tick()
    (file,) = desk.commands[0].evidence
    assert (file.blob, file.media_type) == (blob, "image/jpeg")
    assert file.view not in {None, blob}
    assert desk.vendor.seen == []


async def test_a_deletion_makes_no_job(desk: Desk) -> None:
    await desk.media.take([desk.message(desk.item("m1", photo(), outcome="delete"))])
    desk.register("m1")
    assert await desk.tick(days=1) == 0


async def test_without_credentials_files_wait(desk: Desk) -> None:
    source, bare = desk.source, Desk(desk.vault, desk.clock, None, desk.vendor, desk.settings)
    await bare.came("m1", photo())
    await bare.tick()
    assert await bare.tick(minutes=59) == 0
    desk.vendor.answers["/foto-1"] = Answer(jpeg())
    assert source is not None
    await desk.tick(minutes=2)
    assert [one.kind for one in desk.commands] == ["attach"]


async def test_an_erased_person_leaves_no_job_and_no_file(desk: Desk) -> None:
    desk.vendor.answers["/foto-1"] = Answer(jpeg())
    await desk.came("m1", photo())
    await desk.came("m2", photo("foto-2"))
    desk.vendor.answers["/foto-2"] = Answer(status=500)
    await desk.tick()
    (command,) = [one for one in desk.commands if one.kind == "attach"]
    names = (command.evidence[0].blob, command.evidence[0].view)
    desk.vault.erase_person(desk.person)
    assert [desk.vault.get_blob(name or "") for name in names] == [None, None]
    assert await desk.tick(days=1) == 0


async def test_who_is_erased_while_the_file_comes_is_erased(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.vendor.answers["/foto-1"] = Answer(jpeg())
    await desk.came("m1", photo())
    put = desk.vault.put_blob
    erased: list[int] = []

    def late(*words: Any, **named: Any) -> str:
        if not erased:
            erased.append(desk.vault.erase_person(desk.person))
        return put(*words, **named)

    monkeypatch.setattr(desk.vault, "put_blob", late)
    await desk.tick()
    (command,) = desk.commands
    for name in (command.evidence[0].blob, command.evidence[0].view):
        assert desk.vault.get_blob(name or "") is None
    assert [path for path in (desk.settings.data_dir / "blobs").rglob("*") if path.is_file()] == []


async def test_what_does_not_open_is_the_normalizers_to_bury(desk: Desk) -> None:
    whole = desk.message(desk.item("m1", photo()))
    broken = Message(ITEMS.name, 0, 8, "p", b"x" * 60, {**whole.headers})
    plain = Message(ITEMS.name, 0, 9, "p", b"{}", {})
    await desk.media.take([broken, plain, whole])
    desk.register("m1")
    assert await desk.tick() == 1


async def test_two_files_of_one_message_are_two_jobs(desk: Desk) -> None:
    desk.vendor.answers |= {"/foto-1": Answer(jpeg()), "/foto-2": Answer(status=500)}
    nothing = Attachment(name="tanpa rujukan")
    await desk.came("m1", photo("foto-1"), photo("foto-2"), photo("foto-2"), nothing)
    assert await desk.tick() == 2
    assert len(desk.commands) == 1


async def test_nothing_that_names_file_or_vendor_leaves_the_vault_in_clear(
    desk: Desk, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    desk.vendor.answers["/foto-1"] = [Answer(status=500), Answer(jpeg())]
    await desk.came("m1", photo())
    await desk.came("m2", photo("http://127.0.0.1/rahasia-9"))
    for _ in range(4):
        await desk.tick(hours=30)
    shown = b"".join(encode(one) for one in desk.commands) + b"".join(
        repr((one.key, sorted(one.headers.items()))).encode() for one in desk.paper.records
    )
    database = b"".join(path.read_bytes() for path in desk.settings.data_dir.glob("vault.db*"))
    said = capsys.readouterr()
    logs = (said.out + said.err + "\n".join(one.getMessage() for one in caplog.records if "media" in one.name)).encode()
    assert {one.kind for one in desk.commands} == {"attach", "note"}
    for secret in (b"foto-1", b"rahasia-9", b"Siti", TOKEN.encode(), b"127.0.0.1", desk.key("m1").encode()):
        assert secret not in shown
        assert secret not in database
    for secret in (b"foto-1", b"rahasia-9", b"Siti", TOKEN.encode()):
        assert secret not in logs


async def test_the_loop_works_and_hands_back_what_it_holds(desk: Desk) -> None:
    desk.vendor.answers |= {"/foto-1": Answer(jpeg()), "/foto-2": Answer([b"a"] * 1000, pause=0.05)}
    await desk.came("m1", photo())
    await desk.came("m2", photo("foto-2"))
    stop = asyncio.Event()
    running = asyncio.create_task(desk.media._work(stop))
    while not desk.commands or len(desk.vendor.seen) < 2:  # noqa: ASYNC110 - the doubles have no event for it
        await asyncio.sleep(0.01)
    stop.set()
    await running
    assert {one.path for one in desk.vendor.seen} == {"/foto-1", "/foto-2"}
    assert [job.attempts for job in desk.vault.claim_media(10, timedelta(minutes=1))] == [0]
