"""Cursors, the responder's memory and the audit."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DatabaseError

from pipeline.errors import Unavailable
from pipeline.settings import CoreSettings
from vault.engine import Database
from vault.model import Registration
from vault.schema import audit
from vault.store import Vault


def test_a_cursor_is_kept_for_each_entrance(vault: Vault, other: Vault) -> None:
    assert vault.get_cursor("x", "DKIJakarta") is None
    vault.set_cursor("x", "DKIJakarta", "100")
    vault.set_cursor("x", "DKIJakarta", "200")
    vault.set_cursor("email", "DKIJakarta", "7")
    assert other.get_cursor("x", "DKIJakarta") == "200"
    assert other.get_cursor("email", "DKIJakarta") == "7"
    assert other.get_cursor("x", "lain") is None


def test_an_answer_is_claimed_once(vault: Vault, other: Vault) -> None:
    def claim(turn: int) -> bool:
        return (vault if turn % 2 else other).claim_reply("r1")

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(claim, range(12))) == 1


@pytest.mark.parametrize("state", ["sent", "recorded"])
def test_a_settled_answer_is_never_sent_again(vault: Vault, clock: Any, state: Any) -> None:
    claimed_at = clock.now()
    assert vault.claim_reply("r1")
    clock.advance(seconds=2)
    vault.settle_reply("r1", state, "wamid.1")
    assert not vault.claim_reply("r1", retake_after=timedelta(0))
    memory = vault.reply_state("r1")
    assert memory is not None
    assert (memory.state, memory.attempts, memory.claimed_at, memory.settled_at, memory.provider) == (
        state, 1, claimed_at, clock.now(), vault.hash_of("provider", "wamid.1"),
    )  # fmt: skip


def test_an_answer_that_failed_for_good_is_not_tried_again(vault: Vault) -> None:
    assert vault.claim_reply("r1")
    vault.settle_reply("r1", "failed")
    assert not vault.claim_reply("r1", retake_after=timedelta(0))


def test_a_waiting_answer_survives_and_comes_due(vault: Vault, other: Vault, clock: Any) -> None:
    assert vault.claim_reply("r1")
    vault.hold_reply("r1", b"isi", clock.now() + timedelta(seconds=30))
    assert other.due_replies(clock.now()) == []
    clock.advance(seconds=30)
    assert other.due_replies(clock.now()) == [b"isi"]
    assert other.claim_reply("r1")
    assert vault.due_replies(clock.now()) == []
    vault.settle_reply("r1", "sent")
    assert vault.due_replies(clock.now()) == []


def test_what_was_never_claimed_cannot_be_held(vault: Vault, clock: Any) -> None:
    with pytest.raises(ValueError, match="never claimed"):
        vault.hold_reply("r1", b"isi", clock.now())


def test_a_waiting_answer_may_be_tried_again(vault: Vault, clock: Any) -> None:
    assert vault.claim_reply("r1")
    vault.hold_reply("r1", b"isi", clock.now())
    assert vault.claim_reply("r1")
    assert not vault.claim_reply("r1")
    memory = vault.reply_state("r1")
    assert memory is not None
    assert (memory.state, memory.attempts, memory.settled_at) == ("claimed", 2, None)


def test_a_claim_left_by_a_crash_is_retaken_only_when_asked_and_old(vault: Vault, clock: Any) -> None:
    assert vault.claim_reply("r1")
    clock.advance(minutes=5)
    assert not vault.claim_reply("r1")
    assert not vault.claim_reply("r1", retake_after=timedelta(minutes=6))
    assert vault.claim_reply("r1", retake_after=timedelta(minutes=5))
    assert not vault.claim_reply("r1", retake_after=timedelta(minutes=5))


def test_what_was_never_claimed_cannot_be_settled(vault: Vault) -> None:
    with pytest.raises(ValueError, match="never claimed"):
        vault.settle_reply("r1", "sent")
    assert vault.reply_state("r1") is None


def test_a_reply_to_our_answer_finds_the_ticket(vault: Vault, message: Callable[..., Registration]) -> None:
    first = message("a")
    vault.register([first])
    ours = vault.hash_of("message", "wamid.ours")
    vault.claim_reply("r1")
    vault.settle_reply("r1", "sent", "wamid.ours", joins=(ours, first.ticket_id))
    assert vault.lookup([], [ours]).messages == {ours: first.ticket_id}


def test_the_audit_keeps_order_and_refuses_empty_lines(vault: Vault, clock: Any) -> None:
    vault.audit("a1", "dibuka", "t1", "alasan pertama")
    clock.advance(seconds=1)
    vault.audit("a2", "diunduh", "t1", "alasan kedua")
    vault.audit("a2", "dibuka", "t2", "lain")
    trail = vault.audit_trail("t1")
    assert [(entry.actor, entry.action, entry.reason) for entry in trail] == [
        ("a1", "dibuka", "alasan pertama"),
        ("a2", "diunduh", "alasan kedua"),
    ]
    assert trail[1].at == clock.now()
    with pytest.raises(ValueError, match="audit line"):
        vault.audit("", "dibuka", "t1", "alasan")


@pytest.mark.parametrize("change", [audit.delete(), audit.update().values(actor="a9")])
def test_the_audit_cannot_be_changed(vault: Vault, settings: CoreSettings, change: Any) -> None:
    vault.audit("a1", "dibuka", "t1", "alasan")
    database = Database.open(settings.database.get_secret_value(), settings.data_dir)
    try:
        with pytest.raises((DatabaseError, Unavailable)), database.write() as connection:
            connection.execute(change)
    finally:
        database.close()
    assert [entry.actor for entry in vault.audit_trail("t1")] == ["a1"]
