from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from vault.errors import UnknownTicket
from vault.model import Registration
from vault.store import Vault

Message = Callable[..., Registration]


def test_a_token_names_ticket_and_scope(vault: Vault, other: Vault, message: Message) -> None:
    first, second = message("a"), message("b")
    vault.register([first, second])
    public, private = vault.token(first.ticket_id, "lihat"), vault.token(first.ticket_id, "pelapor")
    assert vault.resolve(public) == (first.ticket_id, "lihat")
    assert other.resolve(private) == (first.ticket_id, "pelapor")
    assert other.token(first.ticket_id, "lihat") == public
    assert len({public, private, vault.token(second.ticket_id, "lihat")}) == 3
    assert vault.tokens([first.ticket_id, "tunknown"], "lihat") == {first.ticket_id: public}


def test_a_token_has_more_than_128_bits_and_fits_an_address(vault: Vault, message: Message) -> None:
    first = message("a")
    vault.register([first])
    token = vault.token(first.ticket_id, "pelapor")
    assert re.fullmatch(r"[A-Za-z0-9_-]{22,}", token)


@pytest.mark.parametrize("token", ["", "x" * 24, "é" * 24, "\ud800", "' OR 1=1 --", "x" * 100_000])
def test_anything_else_is_no_token(vault: Vault, message: Message, token: str) -> None:
    vault.register([message("a")])
    assert vault.resolve(token) is None


def test_a_token_in_other_letters_is_another_token(vault: Vault, message: Message) -> None:
    first = message("a")
    vault.register([first])
    assert vault.resolve(vault.token(first.ticket_id, "lihat").swapcase()) is None


def test_rotation_ends_both_tokens_of_one_ticket(vault: Vault, message: Message) -> None:
    first, second = message("a"), message("b")
    vault.register([first, second])
    old = [vault.token(first.ticket_id, "lihat"), vault.token(first.ticket_id, "pelapor")]
    kept = vault.token(second.ticket_id, "lihat")
    vault.rotate_tokens(first.ticket_id)
    vault.rotate_tokens(first.ticket_id)
    assert [vault.resolve(token) for token in old] == [None, None]
    assert vault.resolve(vault.token(first.ticket_id, "pelapor")) == (first.ticket_id, "pelapor")
    assert vault.resolve(kept) == (second.ticket_id, "lihat")


def test_an_unknown_ticket_has_no_token(vault: Vault) -> None:
    with pytest.raises(UnknownTicket):
        vault.token("tunknown", "lihat")
    with pytest.raises(UnknownTicket):
        vault.rotate_tokens("tunknown")
