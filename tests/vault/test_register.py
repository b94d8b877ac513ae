from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.errors import InvalidItem
from pipeline.settings import CoreSettings
from schemas.item import Author
from vault.errors import UnknownTicket
from vault.model import Original, Registered, Registration
from vault.store import Vault

Message = Callable[..., Registration]


def test_a_ticket_gets_the_number_of_its_day_in_jakarta(vault: Vault, message: Message) -> None:
    before = message("a", received_at=datetime(2026, 11, 22, 16, 59, 59, tzinfo=UTC))
    after = message("b", received_at=datetime(2026, 11, 22, 17, 0, tzinfo=UTC))
    again = message("c", received_at=datetime(2026, 11, 23, 16, 59, tzinfo=UTC))
    decided = vault.register([before, after, again])
    assert [decided[r.item_key].number for r in (before, after, again)] == [
        "JK2611220001",
        "JK2611230001",
        "JK2611230002",
    ]


def test_a_repeated_item_gets_its_first_decision(vault: Vault, other: Vault, message: Message) -> None:
    first = message("a")
    decided = vault.register([first])[first.item_key]
    changed = message(
        "a", ticket_id=vault.ticket_id("x", "2", "else"), kind="followup", original=Original(None, "lain")
    )
    assert other.register([changed]) == {first.item_key: decided}
    assert [original.text for original in vault.originals(first.ticket_id, "a1", "uji")] == [first.original.text]  # type: ignore[union-attr]


def test_an_item_twice_in_a_batch_is_one(vault: Vault, message: Message) -> None:
    first = message("a")
    assert vault.register([first, first]) == {
        first.item_key: Registered(first.item_key, first.ticket_id, "opened", "JK2611230001")
    }
    assert vault.register([message("b")])[message("b").item_key].number == "JK2611230002"


def test_a_ticket_opened_again_by_another_item_keeps_its_number(vault: Vault, message: Message) -> None:
    first, again = message("a"), message("b", ticket_id=message("a").ticket_id)
    together = vault.register([first, again])
    later = message("c", ticket_id=first.ticket_id)
    decided = together | vault.register([later])
    assert {registered.number for registered in decided.values()} == {"JK2611230001"}
    assert vault.register([message("d")])[message("d").item_key].number == "JK2611230002"


def test_a_followup_joins_even_within_the_batch(vault: Vault, message: Message) -> None:
    first = message("a")
    joining = message("b", kind="followup", ticket_id=first.ticket_id)
    decided = vault.register([first, joining])
    assert decided[joining.item_key] == Registered(joining.item_key, first.ticket_id, "followup", "JK2611230001")


def test_a_followup_without_ticket_is_an_error_and_nothing_of_its_batch_stays(vault: Vault, message: Message) -> None:
    fine, lost = message("a"), message("b", kind="followup", person=None, identity=None)
    with pytest.raises(UnknownTicket) as caught:
        vault.register([fine, lost])
    assert isinstance(caught.value, InvalidItem)
    assert caught.value.reason == "unknown_ticket"
    assert vault.lookup([fine.item_key]).items == {}
    assert vault.person(str(fine.person)) is None
    assert vault.register([message("c")])[message("c").item_key].number == "JK2611230001"


def test_a_naive_time_is_refused(vault: Vault, message: Message) -> None:
    with pytest.raises(ValueError, match="naive"):
        vault.register([message("a", received_at=datetime(2026, 11, 23, 3, 0))])  # noqa: DTZ001 - the point of the test


def test_lookup_finds_items_messages_and_numbers(vault: Vault, message: Message) -> None:
    first = message("a")
    decided = vault.register([first])[first.item_key]
    known = vault.lookup([first.item_key, "unknown"], [str(first.message), "unknown"], [decided.number, "JK9"])
    assert known.items == {first.item_key: decided}
    assert known.messages == {first.message: first.ticket_id}
    assert known.numbers == {decided.number: first.ticket_id}


def test_a_ticket_is_found_by_id_and_number(vault: Vault, message: Message) -> None:
    first = message("a")
    decided = vault.register([first])[first.item_key]
    ticket = vault.ticket(first.ticket_id)
    assert ticket is not None
    assert (ticket.number, ticket.tenant, ticket.channel, ticket.received_at) == (
        decided.number, "jakarta", "whatsapp", first.received_at,
    )  # fmt: skip
    assert vault.ticket_by_number(decided.number) == ticket
    assert vault.ticket("tunknown") is None
    assert vault.ticket_by_number("JK0000000000") is None


def test_the_contact_is_the_newest_inbound_message(vault: Vault, message: Message) -> None:
    first = message("a")
    hour = timedelta(hours=1)
    newest = message("b", kind="followup", ticket_id=first.ticket_id, received_at=first.received_at + 2 * hour)
    late = message("c", kind="followup", ticket_id=first.ticket_id, received_at=first.received_at + hour)
    gone = message("d", kind="withdrawn", ticket_id=first.ticket_id, received_at=first.received_at + 3 * hour)
    elsewhere = message("e", author="6281200000002")
    vault.register([first, newest, late, gone, elsewhere])
    contact = vault.contact(first.ticket_id)
    assert contact is not None
    assert contact.identity == first.identity
    assert (contact.external_id, contact.thread, contact.subject) == (newest.external_id, newest.thread, "Perihal")
    assert contact.last_inbound_at == newest.received_at
    found = vault.contacts([first.ticket_id, elsewhere.ticket_id, "tunknown"])
    assert found[first.ticket_id] == contact
    assert found[elsewhere.ticket_id].identity == elsewhere.identity
    assert len(found) == 2


def test_a_batch_of_the_same_instant_answers_the_last_message(vault: Vault, message: Message) -> None:
    first = message("a")
    vault.register([first, message("b", kind="followup", ticket_id=first.ticket_id)])
    contact = vault.contact(first.ticket_id)
    assert contact is not None
    assert contact.external_id == "wamid.6281200000001.b"


def test_a_message_without_author_has_no_contact(vault: Vault, message: Message) -> None:
    first = message("a", person=None, identity=None)
    vault.register([first])
    assert vault.contact(first.ticket_id) is None
    assert len(vault.originals(first.ticket_id, "a1", "uji")) == 1


def test_an_identity_is_completed_and_kept_when_a_delivery_leaves_it_out(vault: Vault, message: Message) -> None:
    who = "6281200000001"
    steps: list[tuple[Any, Author | None]] = [
        (None, None),
        (Author(id=who, name="Warga Rekaan"), Author(id=who, name="Warga Rekaan")),
        (None, Author(id=who, name="Warga Rekaan")),
        (Author(id=who, phone=who), Author(id=who, name="Warga Rekaan", phone=who)),
        (Author(id=who, name="Nama Baru"), Author(id=who, name="Nama Baru", phone=who)),
    ]
    for step, (told, known) in enumerate(steps):
        registration = message(f"m{step}", identity=told)
        vault.register([registration])
        assert vault.person(str(registration.person)) == known


def test_the_first_ticket_of_a_message_stays(vault: Vault, message: Message) -> None:
    first = message("a")
    vault.register([first])
    vault.register([message("b", message=first.message)])
    assert vault.lookup([], [str(first.message)]).messages == {first.message: first.ticket_id}


def test_originals_are_read_in_order_and_every_reading_is_recorded(vault: Vault, message: Message) -> None:
    first = message("a", original=Original(None, "awal", "Jl. Mawar", ("foto.jpg",)))
    later = first.received_at + timedelta(seconds=1)
    second = message("b", ticket_id=first.ticket_id, received_at=later)
    vault.register([second, first])
    assert vault.originals(first.ticket_id, "a1", "pengaduan perlu dicek") == [first.original, second.original]
    entry = vault.audit_trail(first.ticket_id)[-1]
    assert (entry.actor, entry.action, entry.reason) == ("a1", "originals.read", "pengaduan perlu dicek")
    with pytest.raises(ValueError, match="reason"):
        vault.originals(first.ticket_id, "a1", "  ")


def test_an_empty_batch_is_nothing(vault: Vault) -> None:
    assert vault.register([]) == {}
    assert vault.contacts([]) == {}


def test_tenants_count_and_see_for_themselves(
    vault: Vault, settings: CoreSettings, message: Message, clock: Any
) -> None:
    first = message("a")
    number = vault.register([first])[first.item_key].number
    neighbour = Vault.open(settings.model_copy(update={"tenant": "bogor"}), clock)
    try:
        assert neighbour.ticket_id("whatsapp", "1001", "a") != first.ticket_id
        theirs = message("a", item_key=neighbour.hash_of("item", "a"), ticket_id=neighbour.ticket_id("x", "1", "a"))
        assert neighbour.register([theirs])[theirs.item_key].number == number
        assert neighbour.ticket(first.ticket_id) is None
        assert neighbour.contact(first.ticket_id) is None
        assert neighbour.originals(first.ticket_id, "a1", "uji") == []
        assert neighbour.resolve(vault.token(first.ticket_id, "lihat")) is None
    finally:
        neighbour.close()
