from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pipeline.settings import CoreSettings
from vault.errors import ErasedPerson
from vault.model import Registration
from vault.store import Vault

Message = Callable[..., Registration]


def test_erasing_removes_the_person_and_keeps_the_ticket(vault: Vault, other: Vault, message: Message) -> None:
    keys = [key.id for key in vault.lease_keys(2)]
    first = message("a", key_ids=tuple(keys))
    bystander = message("b", author="6281200000002")
    decided = vault.register([first, bystander])
    pseudonym = str(first.person)
    assert vault.erase_person(pseudonym) == 3  # raw, item, original
    assert other.person(pseudonym) is None
    assert other.find_keys(keys) == {}
    assert other.contact(first.ticket_id) is None
    assert other.originals(first.ticket_id, "a1", "uji") == []
    assert other.lookup([first.item_key], [str(first.message)]).items == {first.item_key: decided[first.item_key]}
    assert vault.ticket_by_number(decided[first.item_key].number) is not None
    assert vault.resolve(vault.token(first.ticket_id, "lihat")) == (first.ticket_id, "lihat")
    assert vault.person(str(bystander.person)) == bystander.identity
    assert vault.contact(bystander.ticket_id) is not None
    assert [entry.action for entry in vault.audit_trail(pseudonym)] == ["person.erased"]


def test_erasing_removes_blobs(vault: Vault, message: Message, settings: CoreSettings) -> None:
    first = message("a")
    attached = vault.put_blob(b"foto", idempotency="a", person=str(first.person), media_type="image/jpeg")
    raw = vault.put_blob(b"mentah", idempotency="b", person=None, media_type="message/rfc822")
    kept = vault.put_blob(b"lain", idempotency="c", person=None, media_type="image/jpeg")
    vault.register([message("a", key_ids=(raw,))])
    vault.erase_person(str(first.person))
    assert [vault.get_blob(name) for name in (attached, raw, kept)] == [None, None, b"lain"]
    assert [path.name for path in (settings.data_dir / "blobs").rglob("*") if path.is_file()] == [kept]


def test_erasing_twice_or_nobody_is_harmless(vault: Vault, message: Message) -> None:
    first = message("a")
    vault.register([first])
    assert vault.erase_person(str(first.person)) == 1
    assert vault.erase_person(str(first.person)) == 0
    assert vault.erase_person("pnobody") == 0
    assert vault.is_erased("pnobody")


def test_a_key_shared_with_others_waits_for_the_rewriting(vault: Vault, message: Message) -> None:
    [batch] = vault.lease_keys(1)
    mine = message("a", key_ids=(batch.id,))
    theirs = message("b", author="6281200000002", key_ids=(batch.id,))
    vault.register([mine, theirs])
    assert vault.shared_keys(str(mine.person)) == [batch.id]
    vault.erase_person(str(mine.person))
    assert vault.find_keys([batch.id]) == {batch.id: batch.secret}
    assert vault.shared_keys(str(mine.person)) == [batch.id]
    assert vault.destroy_keys([batch.id], actor="a1", reason="ditulis ulang") == 1
    assert vault.find_keys([batch.id]) == {}
    assert vault.shared_keys(str(mine.person)) == vault.shared_keys(str(theirs.person)) == []
    assert len(vault.originals(theirs.ticket_id, "a1", "uji")) == 1
    assert [entry.action for entry in vault.audit_trail(batch.id)] == ["key.destroyed"]


def test_a_redelivery_brings_nobody_back(vault: Vault, message: Message, clock: Any) -> None:
    first = message("a")
    decided = vault.register([first])
    vault.erase_person(str(first.person))
    clock.advance(hours=1)
    [fresh] = vault.lease_keys(1)
    assert vault.register([message("a", key_ids=(fresh.id,))]) == decided
    assert vault.person(str(first.person)) is None
    assert vault.contact(first.ticket_id) is None
    assert vault.originals(first.ticket_id, "a1", "uji") == []
    assert vault.find_keys([fresh.id]) == {}


def test_a_message_from_before_the_erasure_is_refused(vault: Vault, message: Message, clock: Any) -> None:
    first = message("a")
    vault.register([first])
    clock.advance(hours=1)
    vault.erase_person(str(first.person))
    old = message("b", received_at=clock.now() - timedelta(minutes=1))
    with pytest.raises(ErasedPerson) as caught:
        vault.register([message("c", author="6281200000002"), old])
    assert caught.value.reason == "erased_person"
    assert vault.lookup([message("c").item_key]).items == {}


def test_who_writes_again_later_starts_anew(vault: Vault, message: Message, clock: Any) -> None:
    first = message("a")
    vault.register([first])
    pseudonym = str(first.person)
    assert not vault.is_erased(pseudonym)
    vault.erase_person(pseudonym)
    assert vault.is_erased(pseudonym)
    assert vault.is_erased(pseudonym, clock.now())
    clock.advance(days=1)
    assert not vault.is_erased(pseudonym, clock.now())
    vault.register([message("b")])
    assert vault.person(pseudonym) == first.identity
    assert vault.contact(first.ticket_id) is None
    vault.erase_person(pseudonym)
    assert vault.is_erased(pseudonym, clock.now())


def test_a_redelivery_is_linked_so_that_it_goes_too(vault: Vault, message: Message) -> None:
    first, again = (key.id for key in vault.lease_keys(2))
    vault.register([message("a", key_ids=(first,))])
    vault.register([message("a", key_ids=(again,))])
    vault.erase_person(str(message("a").person))
    assert vault.find_keys([first, again]) == {}


def test_the_other_voice_of_a_ticket_stays_when_one_is_erased(vault: Vault, message: Message) -> None:
    first = message("a")
    second = message("b", author="6281200000002", kind="followup", ticket_id=first.ticket_id)
    vault.register([first, second])
    vault.erase_person(str(second.person))
    contact = vault.contact(first.ticket_id)
    assert contact is not None
    assert contact.identity == first.identity
    assert vault.originals(first.ticket_id, "a1", "uji") == [first.original]
