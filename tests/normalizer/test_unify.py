"""Items become tickets: what opens, what joins, what is only a version, and that nothing is decided twice."""

from __future__ import annotations

import dataclasses

import pytest

from pipeline import headers
from pipeline.stage import Message
from schemas.base import encode
from schemas.item import Attachment, Location
from schemas.topics import ITEMS
from tests.normalizer.desk import BUDI, COMPLAINT, NOON, OTHER, SITI, Desk, said

PHOTO = (Attachment(name="IMG-1.jpg", media_type="image/jpeg", reference="9"),)
HOUR = 3600.0


async def test_complaint_opens_a_numbered_ticket_and_is_seen_by_the_matcher(desk: Desk) -> None:
    tray = await desk.process([desk.message(said("m1"), NOON)])
    (ticket,) = tray.tickets
    (sighting,) = tray.sightings
    assert (ticket.kind, ticket.number, ticket.ticket_id) == (
        "opened", "JK2611230001", desk.vault.ticket_id("whatsapp", "1", "m1"),
    )  # fmt: skip
    assert ticket.reading is not None
    assert (sighting.ticket_id, sighting.category) == (ticket.ticket_id, ticket.reading.category.value)
    assert desk.vault.contact(ticket.ticket_id) is not None


async def test_two_people_get_two_numbers(desk: Desk) -> None:
    tickets = await desk.take(said("m1"), said("m2", OTHER, author=BUDI))
    assert [one.number for one in tickets] == ["JK2611230001", "JK2611230002"]


async def test_answer_in_the_thread_joins_however_late(desk: Desk) -> None:
    (opened,) = await desk.take(said("m1"))
    (late,) = await desk.take(said("m2", OTHER, outcome="reply", reply_to="m1", after=60 * HOUR))
    assert (late.kind, late.ticket_id, late.number) == ("followup", opened.ticket_id, opened.number)


async def test_answer_to_something_unknown_is_judged_by_itself(desk: Desk) -> None:
    (ticket,) = await desk.take(said("m2", outcome="reply", reply_to="never-seen"))
    assert ticket.kind == "opened"


async def test_number_quoted_by_the_same_person_joins(desk: Desk) -> None:
    (opened,) = await desk.take(said("m1"))
    (later,) = await desk.take(said("m2", f"Laporan {opened.number.lower()} belum ditangani", after=50 * HOUR))
    assert (later.kind, later.ticket_id) == ("followup", opened.ticket_id)


async def test_number_quoted_by_another_person_does_not_join(desk: Desk) -> None:
    (opened,) = await desk.take(said("m1"))
    (other,) = await desk.take(said("m2", f"{OTHER}, seperti {opened.number}", author=BUDI, after=HOUR))
    assert (other.kind, other.ticket_id != opened.ticket_id) == ("opened", True)


async def test_number_named_by_the_channel_itself_joins(desk: Desk) -> None:
    (opened,) = await desk.take(said("m1"))
    (joined,) = await desk.take(said("m2", OTHER, author=BUDI, ticket_number=opened.number, after=HOUR))
    assert joined.ticket_id == opened.ticket_id


@pytest.mark.parametrize(
    ("text", "after", "kind"),
    [
        (OTHER, 120, "followup"), (OTHER, 121, "opened"),
        ("di depan warung", 1800, "followup"), ("", 1800, "followup"),
        ("", 1801, "opened"),
    ],
)  # fmt: skip
async def test_windows_of_whatsapp(desk: Desk, text: str, after: float, kind: str) -> None:
    (opened,) = await desk.take(said("m1"))
    (second,) = await desk.take(said("m2", text, after=after, attachments=PHOTO))
    assert (second.kind, (second.ticket_id == opened.ticket_id)) == (kind, kind == "followup")


async def test_window_counts_from_the_last_message_not_from_the_first(desk: Desk) -> None:
    (opened,) = await desk.take(said("m1"))
    more = [(await desk.take(said(f"m{n}", OTHER, after=100 * n)))[0] for n in (1.0, 2.0, 3.0)]
    assert {one.ticket_id for one in more} == {opened.ticket_id}


async def test_photo_of_another_person_never_joins(desk: Desk) -> None:
    (opened,) = await desk.take(said("m1"))
    (other,) = await desk.take(said("m2", "", author=BUDI, after=5, attachments=PHOTO))
    assert other.ticket_id != opened.ticket_id


async def test_mails_never_join_by_time(desk: Desk) -> None:
    tickets = await desk.take(said("a", channel="email"), said("b", OTHER, channel="email", after=1))
    assert [one.kind for one in tickets] == ["opened", "opened"]


@pytest.mark.parametrize("text", ["Kapan ya Pemprov Sultra bisa begini?", "", "👍"])
async def test_chatter_makes_no_ticket(desk: Desk, text: str) -> None:
    tray = await desk.process([desk.message(said("m1", text, channel="x"), NOON)])
    assert (tray.sent, tray.buried) == ([], [])


async def test_photo_without_words_makes_a_ticket(desk: Desk) -> None:
    (ticket,) = await desk.take(said("m1", "", attachments=PHOTO))
    assert (ticket.kind, [one.media_type for one in ticket.attachments]) == ("opened", ["image/jpeg"])


async def test_a_file_has_an_id_that_says_nothing_of_the_vendors(desk: Desk) -> None:
    twice = (*PHOTO, Attachment(media_type="image/png", reference="10"), Attachment(media_type="image/png"))
    (ticket,) = await desk.take(said("m1", "", attachments=twice))
    item_key = desk.vault.hash_of(said("m1", "").key)
    assert [one.id for one in ticket.attachments] == [
        desk.vault.hash_of("file", item_key, "9"), desk.vault.hash_of("file", item_key, "10"), None,
    ]  # fmt: skip


@pytest.mark.parametrize("caption_on", [0, 1, 2])
@pytest.mark.parametrize("together", [True, False])
async def test_pictures_of_an_album_make_one_ticket_wherever_the_caption_stands(
    desk: Desk, together: bool, caption_on: int
) -> None:
    """They share a root and no time: the second waits for hours here, and another complaint came just before."""
    (before,) = await desk.take(said("m0", OTHER, after=-300))
    parts = [
        said(f"m{n + 1}", COMPLAINT if n == caption_on else "", root="album", attachments=PHOTO, after=n * HOUR)
        for n in range(3)
    ]
    tickets = await desk.take(*parts) if together else [one for part in parts for one in await desk.take(part)]
    assert len({one.ticket_id for one in tickets}) == 1
    if caption_on == 0:
        assert tickets[0].ticket_id != before.ticket_id
        assert [one.kind for one in tickets] == ["opened", "followup", "followup"]


async def test_new_caption_of_an_album_amends_the_complaint(desk: Desk) -> None:
    (opened,) = await desk.take(said("m1", root="album", attachments=PHOTO))
    (edit,) = await desk.take(said("m1-v2", OTHER, outcome="edit", root="album", version=2, after=60))
    assert (edit.kind, edit.ticket_id) == ("amended", opened.ticket_id)


async def test_place_without_words_makes_a_ticket(desk: Desk) -> None:
    (ticket,) = await desk.take(said("m1", "", location=Location(lat=-6.2369, lon=106.8081)))
    assert ticket.kind == "opened"


async def test_edit_is_a_version_of_the_complaint(desk: Desk) -> None:
    (opened,) = await desk.take(said("m1"))
    (edit,) = await desk.take(said("m1-v2", OTHER, outcome="edit", root="m1", version=2, after=60))
    assert (edit.kind, edit.ticket_id, edit.version) == ("amended", opened.ticket_id, 2)


async def test_edit_of_a_followup_is_a_followup(desk: Desk) -> None:
    (opened,) = await desk.take(said("m1"))
    await desk.take(said("m2", OTHER, after=60))
    (edit,) = await desk.take(said("m2-v2", COMPLAINT, outcome="edit", root="m2", version=2, after=90))
    assert (edit.kind, edit.ticket_id) == ("followup", opened.ticket_id)


@pytest.mark.parametrize("together", [True, False])
async def test_edit_before_its_original(desk: Desk, together: bool) -> None:
    edit = said("m1-v2", OTHER, outcome="edit", root="m1", version=2, after=60)
    original = said("m1")
    tickets = await desk.take(edit, original) if together else [*await desk.take(edit), *await desk.take(original)]
    assert [(one.kind, one.version) for one in tickets] == [("opened", 2), ("amended", 1)]
    assert len({one.ticket_id for one in tickets}) == 1


async def test_deletion_withdraws_and_carries_no_words(desk: Desk) -> None:
    (opened,) = await desk.take(said("m1"))
    (gone,) = await desk.take(said("d1", "", outcome="delete", root="m1", after=60))
    assert (gone.kind, gone.ticket_id, gone.reading) == ("withdrawn", opened.ticket_id, None)


async def test_deletion_of_a_followup_leaves_the_complaint(desk: Desk) -> None:
    (opened,) = await desk.take(said("m1"))
    await desk.take(said("m2", OTHER, after=60))
    (gone,) = await desk.take(said("d1", "", outcome="delete", root="m2", after=90))
    assert (gone.kind, gone.ticket_id) == ("followup", opened.ticket_id)


@pytest.mark.parametrize("together", [True, False])
async def test_deletion_before_its_original_withdraws_it_when_it_comes(desk: Desk, together: bool) -> None:
    deletion = said("d1", "", outcome="delete", root="m1", after=60)
    if together:
        tickets = await desk.take(deletion, said("m1"))
    else:
        assert await desk.take(deletion) == []
        tickets = await desk.take(said("m1"))
    assert [one.kind for one in tickets] == ["opened", "withdrawn"]
    assert (tickets[1].text, tickets[1].reading) == ("", None)


async def test_followup_deleted_before_it_came_adds_nothing(desk: Desk) -> None:
    await desk.take(said("m1"), said("d2", "", outcome="delete", root="m2", after=20))
    assert await desk.take(said("m2", OTHER, after=10)) == []


async def test_duplicate_repeats_the_same_ids_and_number(desk: Desk) -> None:
    first = await desk.take(said("m1"), said("m2", "di depan warung", after=30))
    again = await desk.take(said("m1"), said("m2", "di depan warung", after=30), received=NOON)
    assert [(one.id, one.kind, one.number) for one in again] == [(one.id, one.kind, one.number) for one in first]


async def test_duplicate_in_one_batch_is_no_edit_of_itself(desk: Desk) -> None:
    first, second = await desk.take(said("m1"), said("m1"))
    assert first == second
    assert first.kind == "opened"


async def test_same_batch_twice_gives_identical_outputs(desk: Desk) -> None:
    batch = [
        desk.message(one, NOON)
        for one in (
            said("m1"), said("m2", OTHER, author=BUDI), said("m3", "", after=20, attachments=PHOTO),
            said("m1-v2", OTHER, outcome="edit", root="m1", version=2, after=40),
            said("d9", "", outcome="delete", root="m9"), said("m9", author=SITI, after=50),
        )
    ]  # fmt: skip
    first = await desk.process(batch)
    rows = dict(desk.rows)
    again = await desk.process(batch)
    assert [encode(record) for _, _, record in first.sent] == [encode(record) for _, _, record in again.sent]
    assert desk.rows == rows


async def test_table_lost_in_a_crash_comes_back_with_the_repeated_batch(desk: Desk) -> None:
    batch = [desk.message(said("m1"), NOON)]
    (opened,) = (await desk.process(batch)).tickets
    desk.rows.clear()
    await desk.process(batch)
    (second,) = await desk.take(said("m2", OTHER, after=60))
    assert second.ticket_id == opened.ticket_id


async def test_late_redelivery_does_not_move_the_conversation_back(desk: Desk) -> None:
    await desk.take(said("m1"))
    (newer,) = await desk.take(said("m2", OTHER, after=HOUR))
    await desk.take(said("m1"), received=NOON)
    (fragment,) = await desk.take(said("m3", "", after=HOUR + 60, attachments=PHOTO))
    assert fragment.ticket_id == newer.ticket_id


async def test_what_travels_holds_no_name_number_or_id(desk: Desk) -> None:
    text = f"{COMPLAINT}. Hubungi saya Siti Contoh di 0812-0000-0001 atau siti@contoh.id, NIK 3174000000000001"
    tray = await desk.process([desk.message(said("wamid.6281200000001", text, subject="Dari Siti Contoh"), NOON)])
    travels = b"".join(encode(record) for _, _, record in tray.sent).decode()
    for secret in ("Siti Contoh", "0812-0000-0001", "6281200000001", "siti@contoh.id", "3174000000000001", "ID.1"):
        assert secret not in travels
    (original,) = desk.vault.originals(tray.tickets[0].ticket_id, "a-test", "test")
    assert original.text == text


async def test_erased_person_is_skipped_and_not_kept_as_a_dead_letter(desk: Desk) -> None:
    message = desk.message(said("m1"), NOON)
    await desk.process([message])
    desk.vault.erase_person(message.key)
    tray = await desk.process([message])
    assert (tray.sent, tray.buried) == ([], [])


async def test_record_that_is_not_sealed_or_does_not_open_is_buried_alone(desk: Desk) -> None:
    good = desk.message(said("m1"), NOON)
    bare = Message(ITEMS.name, 0, 90, "p", b"{}", {})
    broken = dataclasses.replace(good, offset=91, value=good.value[:-1] + bytes([good.value[-1] ^ 1]))
    tray = await desk.process([bare, broken, good])
    assert tray.buried == [(90, "normalizer.not-sealed"), (91, "normalizer.seal-broken")]
    assert [one.kind for one in tray.tickets] == ["opened"]
    assert headers.KEY_ID in good.headers


async def test_clock_of_the_sender_is_trusted_within_bounds_only(desk: Desk) -> None:
    (future,) = await desk.take(said("m1", after=301), received=NOON)
    (past,) = await desk.take(said("m2", OTHER, author=BUDI, after=-8 * 24 * HOUR), received=NOON)
    (fine,) = await desk.take(said("m3", OTHER, author=SITI, after=-HOUR), received=NOON)
    assert (future.at, past.at) == (NOON, NOON)
    assert fine.at < NOON
