"""One photo through the rooms that share nothing but topics: normalizer, media, casework."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from casework.folder import Event, Folder
from casework.machine import take
from schemas.item import Attachment, ItemEvent
from tests.media.desk import Answer, Desk, HandClock, Source, Vendor, jpeg, settings_of
from tests.normalizer import desk as normalizer

PHOTO = Attachment(media_type="image/jpeg", reference="foto-1")


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_photo_of_a_message_finds_its_place(
    tmp_path: Path, host: Vendor, clock: HandClock, order: tuple[int, ...]
) -> None:
    unify = normalizer.Desk(tmp_path)
    desk = Desk(unify.vault, clock, Source(lambda *_: host.url("/foto-1")), host, settings_of(tmp_path))
    host.answers["/foto-1"] = Answer(jpeg())
    words = normalizer.said("m1")
    photo = normalizer.said("m2", "", after=20, attachments=(PHOTO,))
    opened, followup = await unify.take(words, photo)
    received = normalizer.NOON + timedelta(seconds=20)
    event = ItemEvent(tenant="jakarta", decoded=photo, received_at=received, raw_key="k")
    await desk.media.take([dataclasses.replace(desk.message(event), key=followup.author or "")])
    assert await desk.tick() == 1
    (attach,) = desk.commands
    events: list[Event] = [opened, followup, attach]
    folder = Folder()
    for place in order:
        folder, _ = take(folder, events[place], received)
    assert folder.case is not None
    (file,) = folder.case.attachments
    assert (file, file.media_type) == (attach.evidence[0], "image/jpeg")
    assert file.view is not None
    unify.vault.close()
