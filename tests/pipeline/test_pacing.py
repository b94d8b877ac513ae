"""Rests grow while nothing comes, stay bounded, and are short while records come."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.pacing import Pacing, Polling


def test_rests_grow_to_the_longest_and_are_short_again_with_a_record() -> None:
    pacing = Pacing(busy=10.0, idle=30.0)
    assert pacing.wait() == 0
    rests = []
    for found in (True, False, False, False, False, True):
        pacing.asked(found)
        rests.append(pacing.wait())
    assert rests == pytest.approx([10, 15, 22.5, 30, 30, 10], abs=0.5)


class Consumer:
    """kafka-python's consumer as far as it is used."""

    def __init__(self, assigned: bool) -> None:
        self.assigned = assigned
        self.asked: list[tuple[int, int]] = []

    def assignment(self) -> set[Any]:
        return {"crm.items-0"} if self.assigned else set()

    def poll(self, timeout_ms: int, max_records: int) -> dict[Any, list[Any]]:
        self.asked.append((timeout_ms, max_records))
        return {"crm.items-0": [1]}


def test_polls_wait_until_the_group_is_joined_and_hardly_afterwards() -> None:
    consumer = Consumer(assigned=False)
    polling = Polling(consumer, 7)
    polling.poll()
    polling.poll()
    consumer.assigned = True
    assert polling.poll() == {"crm.items-0": [1]}
    waits = [wait for wait, _ in consumer.asked]
    assert waits[0] == waits[1] > 0 == waits[2]
    assert {most for _, most in consumer.asked} == {7}
