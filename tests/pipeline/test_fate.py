from __future__ import annotations

from collections.abc import Sequence

from pipeline.errors import Backpressure, InvalidItem, TransientError, Unavailable
from pipeline.fate import settle
from pipeline.stage import Message


def message(offset: int, value: bytes = b"good") -> Message:
    return Message("crm.tickets", 0, offset, f"k{offset}", value)


class Place:
    """A runner's surroundings that remember; pauses end at once."""

    def __init__(self, *, patience: int = 100, dead_after: int = 0) -> None:
        self.paused: list[float] = []
        self.buried: list[tuple[int, str, str]] = []
        self._patience = patience
        self._dead_after = dead_after

    async def pause(self, seconds: float) -> bool:
        self.paused.append(seconds)
        return len(self.paused) < self._patience

    async def publish_dead(self, message: Message, reason: str, detail: str) -> None:
        if self._dead_after > 0:
            self._dead_after -= 1
            raise Unavailable("Kafka is away")
        self.buried.append((message.offset, reason, detail))


class Work:
    """Processes batches; a message's value says what goes wrong with it."""

    def __init__(self, away: int = 0) -> None:
        self.done: list[int] = []
        self.away = away

    async def __call__(self, messages: Sequence[Message]) -> None:
        if self.away > 0:
            self.away -= 1
            raise TransientError("away")
        for one in messages:
            if one.value == b"boom":
                raise ValueError("secret 081200000001")
            if one.value == b"never":
                raise InvalidItem("test.never", "why")
        self.done += [one.offset for one in messages]


async def test_a_good_batch_is_done_at_once() -> None:
    place, work = Place(), Work()
    assert await settle("s", [message(n) for n in range(5)], work, place)
    assert work.done == [0, 1, 2, 3, 4]
    assert place.buried == []


async def test_one_bad_message_is_buried_and_its_neighbours_go_on_in_order() -> None:
    place, work = Place(), Work()
    batch = [message(n, b"boom" if n == 3 else b"never" if n == 6 else b"good") for n in range(9)]
    assert await settle("s", batch, work, place)
    assert work.done == [0, 1, 2, 4, 5, 7, 8]
    assert [(offset, reason) for offset, reason, _ in place.buried] == [(3, "s.error"), (6, "test.never")]


async def test_the_detail_of_a_dead_letter_never_quotes_the_error() -> None:
    place = Place()
    await settle("s", [message(0, b"boom")], Work(), place)
    detail = place.buried[0][2]
    assert "081200000001" not in detail
    assert detail.startswith("ValueError at test_fate.py:")


async def test_what_is_away_is_waited_for_and_nothing_overtakes() -> None:
    place, work = Place(), Work(away=8)
    assert await settle("s", [message(0), message(1)], work, place)
    assert work.done == [0, 1]
    assert place.paused == sorted(place.paused)
    assert len(place.paused) == 8


async def test_the_counterpart_says_how_long_to_wait() -> None:
    place = Place()
    asked = iter([Backpressure(7.5)])

    async def throttled(messages: Sequence[Message]) -> None:
        for error in asked:
            raise error

    assert await settle("s", [message(0)], throttled, place)
    assert place.paused == [7.5]


async def test_a_batch_is_given_up_when_the_partition_goes() -> None:
    place, work = Place(patience=3), Work(away=50)
    assert not await settle("s", [message(0)], work, place)
    assert work.done == []
    assert place.buried == []


async def test_a_dead_letter_is_durable_before_anything_goes_on() -> None:
    place, work = Place(dead_after=4), Work()
    assert await settle("s", [message(0, b"boom"), message(1)], work, place)
    assert [offset for offset, _, _ in place.buried] == [0]
    assert len(place.paused) == 4
    assert work.done == [1]


async def test_a_dead_letter_that_cannot_be_written_is_never_skipped() -> None:
    place, work = Place(patience=2, dead_after=50), Work()
    assert not await settle("s", [message(0, b"boom"), message(1)], work, place)
    assert work.done == []
