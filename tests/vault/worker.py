"""A process of its own for the tests of concurrency and of sudden death: ``worker.py open|register|die …``."""

from __future__ import annotations

import os
import random
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Engine, event

from pipeline.clock import SystemClock
from pipeline.settings import CoreSettings
from schemas.item import Author
from vault.model import Original, Registration
from vault.store import Vault

BATCH = 100
RECEIVED = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def registration(vault: Vault, ticket: str, item: str) -> Registration:
    """``item`` of ``ticket``; the same names make the same registration in every process."""
    author = f"62812000{hash_number(ticket) % 50:05d}"
    return Registration(
        item_key=vault.hash_of("item", item),
        ticket_id=vault.ticket_id("whatsapp", "1001", ticket),
        kind="opened",
        channel="whatsapp",
        account="1001",
        received_at=RECEIVED,
        message=vault.hash_of("message", item),
        person=vault.pseudonym("whatsapp", "1001", author),
        identity=Author(id=author, name="Warga Rekaan"),
        original=Original(None, f"laporan {item}"),
        external_id=f"wamid.{item}",
    )


def hash_number(name: str) -> int:
    return sum(name.encode())


def overlapping(vault: Vault, seed: int) -> None:
    """Every process registers the same 300 tickets, in another order and with items of its own and shared ones."""
    order = [(f"ticket-{index}", item) for index in range(300) for item in (f"shared-{index}", f"own-{seed}-{index}")]
    random.Random(seed).shuffle(order)
    batch = [registration(vault, ticket, item) for ticket, item in order]
    for start in range(0, len(batch), BATCH):
        for decided in vault.register(batch[start : start + BATCH]).values():
            print(decided.item_key, decided.ticket_id, decided.number)


def forever(vault: Vault) -> None:
    """Batch after batch; a line once a batch is acknowledged. Ends by being killed."""
    for number in range(10_000):
        vault.register([registration(vault, f"b{number}-{index}", f"b{number}-{index}") for index in range(BATCH)])
        print(number, flush=True)


def dying(vault: Vault, moment: str) -> None:
    """Kills itself at the statement that begins with ``moment`` of its second batch."""
    names = [[f"b{number}-{index}" for index in range(BATCH)] for number in range(2)]
    vault.register([registration(vault, name, name) for name in names[0]])

    @event.listens_for(Engine, "after_cursor_execute")
    def executed(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith(moment):
            os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(Engine, "commit")
    def committing(_: Any) -> None:
        if moment == "COMMIT":
            os.kill(os.getpid(), signal.SIGKILL)

    vault.register([registration(vault, name, name) for name in names[1]])


def main() -> None:
    task, folder, database, master, identifier, argument = sys.argv[1:]
    settings = CoreSettings(
        data_dir=Path(folder),
        database=SecretStr(database),
        master_key=SecretStr(master),
        id_key=SecretStr(identifier),
        _env_file=None,
    )
    vault = Vault.open(settings, SystemClock())
    if task == "overlapping":
        overlapping(vault, int(argument))
    elif task == "forever":
        forever(vault)
    elif task == "dying":
        dying(vault, argument)
    vault.close()


if __name__ == "__main__":
    main()
