from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

import pytest

from pipeline.errors import Unavailable
from pipeline.sealing import RecordKey, seal, unseal
from vault.pool import KeyPool
from vault.store import Vault


class Flaky:
    """A vault that can be away, and counts what it is asked."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.away = False
        self.searches = 0
        self.leased: list[str] = []

    def lease_keys(self, count: int) -> list[RecordKey]:
        self._answer()
        keys = self.vault.lease_keys(count)
        self.leased += [key.id for key in keys]
        return keys

    def return_keys(self, ids: Collection[str]) -> None:
        self._answer()
        self.vault.return_keys(ids)

    def find_keys(self, ids: Collection[str]) -> dict[str, bytes]:
        self._answer()
        self.searches += 1
        return self.vault.find_keys(ids)

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("away")


async def until(met: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if met():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen within 20 s")


def test_leased_keys_are_committed_and_differ(vault: Vault, other: Vault) -> None:
    keys = vault.lease_keys(50)
    assert len({key.id for key in keys}) == len({key.secret for key in keys}) == 50
    assert all(len(key.secret) == 32 and len(key.id) == 26 for key in keys)
    assert other.find_keys([key.id for key in keys]) == {key.id: key.secret for key in keys}


def test_unknown_and_returned_keys_are_missing(vault: Vault) -> None:
    first, second = vault.lease_keys(2)
    vault.return_keys([first.id])
    assert vault.find_keys([first.id, second.id, "unknown"]) == {second.id: second.secret}
    assert vault.find_keys([]) == {}
    assert vault.lease_keys(0) == []


def test_more_keys_are_found_than_one_statement_takes(vault: Vault) -> None:
    keys = vault.lease_keys(6_000)
    assert len(vault.find_keys([key.id for key in keys])) == 6_000


def test_a_key_shows_no_secret(vault: Vault) -> None:
    [key] = vault.lease_keys(1)
    assert repr(key) == f"RecordKey({key.id})"


async def test_the_pool_hands_out_keys_that_another_process_finds(vault: Vault, other: Vault) -> None:
    pool, reader = KeyPool(vault, size=20, chunk=5), KeyPool(other, size=20, chunk=5)
    await pool.start()
    key = pool.take()
    sealed = seal(key.secret, b"isi", "crm.items")
    found = await reader.find([key.id])
    assert unseal(found[key.id], sealed, "crm.items") == b"isi"
    await pool.stop()


async def test_the_pool_fills_up_and_again_when_half_empty(vault: Vault) -> None:
    pool = KeyPool(vault, size=20, chunk=5)
    await pool.start()
    await until(lambda: len(pool) == 20)
    taken = [pool.take() for _ in range(12)]
    await until(lambda: len(pool) >= 16)
    taken += [pool.take() for _ in range(len(pool))]
    assert len({key.id for key in taken}) == len(taken)
    await pool.stop()


async def test_an_empty_pool_says_so_and_recovers_by_itself(vault: Vault) -> None:
    source = Flaky(vault)
    source.away = True
    pool = KeyPool(source, size=10, chunk=5)
    await pool.start()
    with pytest.raises(Unavailable):
        pool.take()
    with pytest.raises(Unavailable):
        await pool.find(["k1"])
    source.away = False
    await until(lambda: len(pool) == 10)
    assert pool.take().id
    await pool.stop()


async def test_a_vault_that_goes_away_does_not_stop_what_was_committed(vault: Vault) -> None:
    source = Flaky(vault)
    pool = KeyPool(source, size=10, chunk=5)
    await pool.start()
    await until(lambda: len(pool) == 10)
    source.away = True
    assert len({pool.take().id for _ in range(10)}) == 10
    with pytest.raises(Unavailable):
        pool.take()
    source.away = False
    await until(lambda: len(pool) == 10)
    source.away = True
    await pool.stop()


async def test_stopping_gives_unused_keys_back_and_keeps_taken_ones(vault: Vault) -> None:
    source = Flaky(vault)
    pool = KeyPool(source, size=10, chunk=5)
    await pool.start()
    await until(lambda: len(pool) == 10)
    key = pool.take()
    await pool.stop()
    assert len(source.leased) == 10
    assert vault.find_keys(source.leased) == {key.id: key.secret}


async def test_found_keys_are_remembered_up_to_a_bound(vault: Vault) -> None:
    source = Flaky(vault)
    keys = vault.lease_keys(4)
    pool = KeyPool(source, memory=2)
    assert await pool.find([key.id for key in keys]) == {key.id: key.secret for key in keys}
    assert await pool.find([keys[3].id]) == {keys[3].id: keys[3].secret}
    assert source.searches == 1
    assert await pool.find([keys[0].id, "unknown"]) == {keys[0].id: keys[0].secret}
    assert source.searches == 2


async def test_an_erased_key_is_forgotten_after_a_while(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = KeyPool(vault)
    [key] = vault.lease_keys(1)
    await pool.find([key.id])
    vault.destroy_keys([key.id], actor="a1", reason="uji")
    monkeypatch.setattr("vault.pool.REMEMBER", -1.0)
    assert await pool.find([key.id]) == {}
