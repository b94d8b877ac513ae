from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from pipeline.errors import Rejected
from vault.model import Account
from vault.store import Vault

PASSWORD = "kata-sandi-rekaan"


@pytest.fixture(autouse=True)
def cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vault.accounts.COST", (2**4, 8, 1))


@pytest.fixture
def officer(vault: Vault) -> Account:
    return vault.ensure_account("dewi", PASSWORD, "Dewi Rekaan", "officer", "DISHUB", "Dinas Perhubungan")


def test_login_takes_the_right_password_only(vault: Vault, other: Vault, officer: Account) -> None:
    assert other.login("dewi", PASSWORD) == officer
    assert other.login(" Dewi ", PASSWORD) == officer
    assert vault.login("dewi", PASSWORD + "x") is None
    assert vault.login("dewi", "") is None
    assert vault.login("siapa", PASSWORD) is None
    assert vault.login("dewi", "\ud800") is None


def test_a_known_and_an_unknown_name_cost_the_same(
    vault: Vault, officer: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs: list[dict[str, Any]] = []
    scrypt = hashlib.scrypt

    def counted(password: bytes, **cost: Any) -> bytes:
        costs.append({name: cost[name] for name in ("n", "r", "p")})
        return scrypt(password, **cost)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    assert vault.login("dewi", "salah") is None
    assert vault.login("siapa", "salah") is None
    assert len(costs) == 2
    assert costs[0] == costs[1]


@pytest.mark.parametrize("username", ["dewi", "siapa"])
def test_ten_failures_close_the_name_for_fifteen_minutes(
    vault: Vault, other: Vault, officer: Account, clock: Any, username: str
) -> None:
    for _ in range(5):
        assert vault.login(username, "salah") is None
        assert other.login(username, "salah") is None
    with pytest.raises(Rejected) as caught:
        vault.login(username, PASSWORD)
    assert caught.value.status == 429
    vault.ensure_account("budi", PASSWORD, "Budi Rekaan", "desk", "BIRO-PEM", "Biro Pemerintahan")
    assert vault.login("budi", PASSWORD) is not None
    clock.advance(minutes=15)
    assert (vault.login(username, PASSWORD) is not None) == (username == "dewi")


def test_parallel_guesses_do_not_outrun_the_limit(vault: Vault, officer: Account) -> None:
    def guess(_: int) -> bool:
        try:
            vault.login("dewi", "salah")
        except Rejected:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(guess, range(24))) == 10


def test_a_success_forgets_earlier_failures(vault: Vault, officer: Account) -> None:
    for _ in range(3):
        for _ in range(9):
            assert vault.login("dewi", "salah") is None
        assert vault.login("dewi", PASSWORD) == officer


def test_a_session_lasts_twelve_hours(vault: Vault, other: Vault, officer: Account, clock: Any) -> None:
    token = vault.open_session(officer)
    clock.advance(hours=11, minutes=59)
    assert other.session(token) == officer
    assert other.session(token + "x") is None
    assert other.session("") is None
    clock.advance(minutes=1)
    assert other.session(token) is None


def test_a_closed_session_is_over(vault: Vault, officer: Account) -> None:
    token, kept = vault.open_session(officer), vault.open_session(officer)
    vault.close_session(token)
    vault.close_session("unknown")
    assert vault.session(token) is None
    assert vault.session(kept) == officer


def test_ensuring_again_changes_nothing_or_what_is_new(vault: Vault, officer: Account) -> None:
    token = vault.open_session(officer)
    again = vault.ensure_account("dewi", PASSWORD, "Dewi Rekaan", "officer", "DBM", "Dinas Bina Marga")
    assert again == replace(officer, unit="DBM", unit_name="Dinas Bina Marga")
    assert vault.session(token) == again
    vault.ensure_account("dewi", "kata-sandi-baru", "Dewi Rekaan", "officer", "DBM", "Dinas Bina Marga")
    assert vault.session(token) is None
    assert vault.login("dewi", PASSWORD) is None
    assert vault.login("dewi", "kata-sandi-baru") == again


def test_a_password_hashed_at_an_older_cost_still_opens(
    vault: Vault, officer: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vault.accounts.COST", (2**5, 8, 1))
    assert vault.login("dewi", PASSWORD) == officer
