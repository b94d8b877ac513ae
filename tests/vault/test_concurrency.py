"""One ticket has one number and one number one ticket, whoever registers at once and whoever dies at it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.settings import CoreSettings
from vault.model import Registered, Registration
from vault.store import Vault

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("worker.py")
BATCH = 100
"""As in the worker."""


def worker(settings: CoreSettings, task: str, argument: str = "") -> subprocess.Popen[str]:
    keys = settings.master_key.get_secret_value(), settings.id_key.get_secret_value()
    return subprocess.Popen(
        [
            sys.executable,
            str(WORKER),
            task,
            str(settings.data_dir),
            settings.database.get_secret_value(),
            *keys,
            argument,
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors
    return output


def assert_one_to_one(pairs: list[tuple[str, str]]) -> None:
    numbers, tickets = defaultdict(set), defaultdict(set)
    for ticket, number in pairs:
        numbers[ticket].add(number)
        tickets[number].add(ticket)
    assert [ticket for ticket, found in numbers.items() if len(found) > 1] == []
    assert [number for number, found in tickets.items() if len(found) > 1] == []


def batch_names(number: int) -> list[str]:
    return [f"b{number}-{index}" for index in range(BATCH)]


def registered(vault: Vault, number: int) -> dict[str, Registered]:
    return vault.lookup([vault.hash_of("item", name) for name in batch_names(number)]).items


def test_threads_agree(vault: Vault, other: Vault, message: Callable[..., Registration]) -> None:
    def run(seed: int) -> list[tuple[str, str]]:
        names = [(f"t{index}", f"s{index}") for index in range(150)] + [
            (f"t{index}", f"o{seed}-{index}") for index in range(150)
        ]
        random.Random(seed).shuffle(names)
        batch = [message(item, ticket_id=vault.ticket_id("whatsapp", "1001", ticket)) for ticket, item in names]
        pairs: list[tuple[str, str]] = []
        for start in range(0, len(batch), 50):
            target = vault if seed % 2 else other
            pairs += [(r.ticket_id, r.number) for r in target.register(batch[start : start + 50]).values()]
        return pairs

    with ThreadPoolExecutor(6) as threads:
        pairs = [pair for result in threads.map(run, range(6)) for pair in result]
    assert_one_to_one(pairs)
    assert {number for _, number in pairs} == {f"JK261123{serial:04d}" for serial in range(1, 151)}


def test_processes_agree(settings: CoreSettings) -> None:
    """They also open, and so migrate, an empty database at once."""
    processes = [worker(settings, "overlapping", str(seed)) for seed in range(3)]
    lines = [line.split() for process in processes for line in finish(process).splitlines()]
    assert len(lines) == 3 * 600
    assert_one_to_one([(ticket, number) for _, ticket, number in lines])
    assert len({number for *_, number in lines}) == 300


def test_processes_may_open_an_empty_vault_at_once(settings: CoreSettings, clock: Any) -> None:
    for process in [worker(settings, "open") for _ in range(3)]:
        finish(process)
    vault = Vault.open(settings, clock)
    assert len(vault.lease_keys(1)) == 1
    vault.close()


@pytest.mark.parametrize("moment", ["INSERT INTO tickets", "INSERT INTO messages", "COMMIT"])
def test_death_within_a_batch_leaves_nothing_of_it(
    vault: Vault, settings: CoreSettings, message: Callable[..., Registration], moment: str
) -> None:
    process = worker(settings, "dying", moment)
    process.communicate(timeout=100)
    assert process.returncode == -signal.SIGKILL
    assert len(registered(vault, 0)) == BATCH
    assert registered(vault, 1) == {}
    again = vault.register([message(name) for name in batch_names(1)])
    decided = registered(vault, 0) | again
    assert_one_to_one([(each.ticket_id, each.number) for each in decided.values()])
    assert sorted(int(each.number[8:]) for each in decided.values()) == list(range(1, 2 * BATCH + 1))


def test_what_was_acknowledged_survives_kill_9(settings: CoreSettings, clock: Any) -> None:
    chance = random.Random(9)
    pairs: dict[str, str] = {}
    for _ in range(3):
        process = worker(settings, "forever")
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(chance.randint(1, 6))]
        process.kill()
        acknowledged += [int(line) for line in process.communicate()[0].splitlines()]
        vault = Vault.open(settings, clock)
        for number in range(acknowledged[-1] + 2):
            found = registered(vault, number)
            assert len(found) in ({BATCH} if number in acknowledged else {0, BATCH})
            for each in found.values():
                assert pairs.setdefault(each.ticket_id, each.number) == each.number
            tokens = vault.tokens([each.ticket_id for each in found.values()], "lihat")
            assert len(tokens) == len(found)
        vault.close()
    assert_one_to_one(list(pairs.items()))
