"""Sudden death of each process, a broker that hangs, and an orderly end: every message is there once afterwards."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import City
from tests.e2e.senders import complaint, deliver, marker, post, search, settled, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

HANG_SECONDS = 8.0
ANSWER_WITHIN_SECONDS = 6.0
ROUND = 5
"""Deliveries around each kill."""

embedded = pytest.mark.skipif(
    bool(os.environ.get("TANGGAP_TEST_KAFKA")), reason="hangs the stand-in: a shared cluster is not ours to stop"
)


def test_every_process_may_die_while_messages_come_in(city: City) -> None:
    marks: list[str] = []
    before = city.children()
    for pid in before.values():
        batch = [marker() for _ in range(ROUND)]
        marks += batch
        senders = [threading.Thread(target=deliver, args=(city, complaint(mark))) for mark in batch]
        for number, sender in enumerate(senders):
            sender.start()
            if number == ROUND // 2:
                os.kill(pid, signal.SIGKILL)
        for sender in senders:
            sender.join()
    found = {mark: settled(city, mark) for mark in marks}
    assert {mark: len(cases) for mark, cases in found.items()} == dict.fromkeys(marks, 1), city.logs()
    assert len({cases[0].number for cases in found.values()}) == len(marks)
    for (case,) in found.values():
        assert [fact.seq for fact in case.history] == list(range(1, case.seq + 1))
        assert until(lambda one=case: _replies(city, one.id)) == ["recorded"]  # type: ignore[misc]
    after = city.children()
    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())


def _replies(city: City, ticket_id: str) -> list[str]:
    """States of the ticket's answers; nothing while one is still on its way."""
    states = [one["state"] for one in search(city, "pengaduan-jawaban", {"term": {"ticket_id": ticket_id}})]
    return [] if "queued" in states else states


def test_the_same_bytes_again_change_nothing(city: City) -> None:
    mark, behind = marker(), marker()
    body = complaint(mark)
    deliver(city, body)
    first = settled(city, mark)
    deliver(city, body)
    deliver(city, complaint(behind))
    assert settled(city, behind)
    again = settled(city, mark)
    assert [(case.id, case.number) for case in again] == [(case.id, case.number) for case in first]
    assert [fact.kind for fact in again[0].history].count("received") == 1
    assert "followup" not in {fact.kind for fact in again[0].history}


@contextmanager
def hanging(city: City) -> Iterator[None]:
    """The stand-in stopped in mid-air."""
    pid = int((city.data / "d/noida.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@embedded
def test_a_hanging_broker_makes_senders_come_back(city: City) -> None:
    mark = marker()
    body = complaint(mark)
    before = city.children()
    with hanging(city):
        resume_at = time.monotonic() + HANG_SECONDS
        answer = post(city, body)
        assert answer.elapsed.total_seconds() < ANSWER_WITHIN_SECONDS
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert httpx.get(f"{city.base_url}/healthz").status_code == 200
        time.sleep(max(0.0, resume_at - time.monotonic()))
    deliver(city, body)
    assert len(settled(city, mark)) == 1, city.logs()
    assert city.children() == before


def test_an_orderly_end_keeps_everything(city: City) -> None:
    mark = marker()
    deliver(city, complaint(mark))
    before = settled(city, mark)
    pids = list(city.children().values())
    assert city.stop() == 0
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    city.start()
    assert settled(city, mark) == before
    later = marker()
    deliver(city, complaint(later))
    assert len(settled(city, later)) == 1, city.logs()
