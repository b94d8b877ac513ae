"""Jobs for files, and addresses of kept ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from vault.model import Capability, MediaJob
from vault.store import Vault

LEASE = timedelta(minutes=5)


def job(vault: Vault, clock: Any, name: str = "j1", **more: Any) -> MediaJob:
    values: dict[str, Any] = {
        "job_id": name, "item_key": f"k-{name}", "person": vault.pseudonym("whatsapp", "1", "siti"),
        "channel": "whatsapp", "deadline": clock.now() + timedelta(days=7), "payload": b"rujukan-rahasia",
    }  # fmt: skip
    return MediaJob(**(values | more))


def test_a_job_is_kept_once_and_comes_due_at_once(vault: Vault, other: Vault, clock: Any) -> None:
    assert vault.hold_media([job(vault, clock), job(vault, clock, "j2")]) == 2
    assert other.hold_media([job(vault, clock, payload=b"anders")]) == 0
    first, second = other.claim_media(10, LEASE)
    assert {first.job_id, second.job_id} == {"j1", "j2"}
    assert (first.payload, first.attempts, first.held_at) == (b"rujukan-rahasia", 0, clock.now())


def test_a_claim_is_for_one_until_its_lease_is_over(vault: Vault, other: Vault, clock: Any) -> None:
    vault.hold_media([job(vault, clock, f"j{n}") for n in range(20)])

    def claim(turn: int) -> list[str]:
        return [one.job_id for one in (vault if turn % 2 else other).claim_media(3, LEASE)]

    with ThreadPoolExecutor(6) as threads:
        claimed = [one for some in threads.map(claim, range(24)) for one in some]
    assert len(claimed) == len(set(claimed))
    clock.advance(minutes=4)
    rest = vault.claim_media(50, LEASE)
    assert len(rest) + len(claimed) == 20
    clock.advance(minutes=2)
    assert len(other.claim_media(50, LEASE)) == len(claimed)


def test_a_job_that_is_put_off_counts_what_failed(vault: Vault, clock: Any) -> None:
    vault.hold_media([job(vault, clock)])
    vault.claim_media(1, LEASE)
    vault.postpone_media("j1", clock.now() + timedelta(hours=1), failed=True)
    assert vault.waiting_media() == {"whatsapp": 1}
    clock.advance(minutes=59)
    assert vault.claim_media(1, LEASE) == []
    clock.advance(minutes=1)
    (again,) = vault.claim_media(1, LEASE)
    assert again.attempts == 1


@pytest.mark.parametrize("state", ["kept", "failed"])
def test_a_job_that_ended_stays_so(vault: Vault, clock: Any, state: Any) -> None:
    vault.hold_media([job(vault, clock)])
    assert vault.settle_media("j1", state, "media.too-late")
    vault.postpone_media("j1", clock.now(), failed=True)
    assert vault.hold_media([job(vault, clock)]) == 0
    assert (vault.claim_media(9, LEASE), vault.waiting_media()) == ([], {})


def test_an_erased_person_has_no_jobs(vault: Vault, clock: Any) -> None:
    budi = vault.pseudonym("whatsapp", "1", "budi")
    vault.hold_media([job(vault, clock), job(vault, clock, "j2", person=budi)])
    vault.erase_person(budi)
    assert [one.job_id for one in vault.claim_media(9, LEASE)] == ["j1"]
    assert not vault.settle_media("j2", "kept")


def test_payloads_are_sealed(vault: Vault, clock: Any, settings: Any) -> None:
    vault.hold_media([job(vault, clock)])
    for path in settings.data_dir.glob("vault.db*"):
        assert b"rujukan-rahasia" not in path.read_bytes()


def test_an_address_is_a_right_to_one_file(vault: Vault, other: Vault, clock: Any) -> None:
    ticket, blob = vault.ticket_id("whatsapp", "1", "m1"), "b" * 26
    path = vault.media_path(ticket, blob, "unduh", clock.now() + timedelta(minutes=5))
    assert other.media_right(path) == Capability(ticket, blob, "unduh")
    clock.advance(minutes=5)
    assert other.media_right(path) is None


@pytest.mark.parametrize("blob", ["", "../" + "b" * 23, "B" * 26, "b" * 25, "b" * 26 + "\n"])
def test_no_address_is_made_for_what_is_no_blob(vault: Vault, clock: Any, blob: str) -> None:
    with pytest.raises(ValueError, match="address"):
        vault.media_path(vault.ticket_id("whatsapp", "1", "m1"), blob, "unduh", clock.now())
