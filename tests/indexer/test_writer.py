"""The bulk writer against an engine that misbehaves: everything ends up indexed, or named as a failure."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from indexer.writer import CHUNK, IndexMissing, Operation, Stopped, Writer, connect, newest
from tests.indexer.doubles import FaultySearch, make_message, make_settings


@pytest.fixture
def writer(search: FaultySearch) -> Iterator[Writer]:
    client = connect(make_settings(elasticsearch=search.url), timeout=0.4)
    with Writer(client) as made:
        yield made
    client.close()


class Waits:
    """Records the pauses instead of taking them."""

    def __init__(self, patience: int = 1000) -> None:
        self.seconds: list[float] = []
        self._patience = patience

    def __call__(self, seconds: float) -> bool:
        self.seconds.append(seconds)
        return len(self.seconds) < self._patience


def put(document: str, version: int = 1, **fields: Any) -> Operation:
    return Operation("kasus", document, version, json.dumps({"v": version, **fields}).encode(), make_message())


def delete(document: str) -> Operation:
    return Operation("kasus", document, 0, None, make_message(b""))


def refusal(status: int) -> Any:
    return lambda *_: (status, {"error": {"type": "refused"}, "status": status})


def versions(search: FaultySearch) -> dict[str, int]:
    return {document: version for document, (version, _) in search.documents.items()}


def item_fault(documents: set[str], status: int, kind: str) -> Any:
    """Answers for these documents with an error; the others are written."""

    def fault(search: FaultySearch, actions: list[dict[str, Any]], _size: int) -> tuple[int, Any]:
        items = []
        for one in actions:
            name = one["action"]["index"]["_id"]
            if name in documents:
                items.append({"index": {"status": status, "error": {"type": kind}}})
            else:
                _, answer = search.apply([one], 0)
                items += answer["items"]
        return 200, {"errors": True, "items": items}

    return fault


@pytest.mark.parametrize("status", [429, 503, 502, 500, 403, 400, 401])
def test_a_refused_request_is_sent_again_whole(search: FaultySearch, writer: Writer, status: int) -> None:
    search.faults = [refusal(status), refusal(status)]
    waits = Waits()
    assert writer.write([put("a"), put("b")], waits) == []
    assert versions(search) == {"a": 1, "b": 1}
    assert len(waits.seconds) == 2


def test_only_refused_documents_are_sent_again(search: FaultySearch, writer: Writer) -> None:
    busy = "es_rejected_execution_exception"
    search.faults = [item_fault({"b", "c"}, 429, busy), item_fault({"c"}, 503, "unavailable_shards_exception")]
    assert writer.write([put("a"), put("b"), put("c")], Waits()) == []
    assert versions(search) == {"a": 1, "b": 1, "c": 1}
    assert search.requests == [3, 2, 1]


def test_a_read_only_block_is_waited_out(search: FaultySearch, writer: Writer) -> None:
    search.faults = [item_fault({"a"}, 403, "cluster_block_exception")] * 6
    waits = Waits()
    assert writer.write([put("a")], waits) == []
    assert versions(search) == {"a": 1}
    assert waits.seconds[-1] >= 2.5


def test_pauses_grow_and_stay_bounded(writer: Writer) -> None:
    pauses = [writer.delay(attempt) for attempt in range(1, 2000)]
    assert 0.25 <= pauses[0] <= 0.5
    assert min(pauses[5:]) >= 2.5
    assert max(pauses) <= 5
    assert len(set(pauses)) > 1000


def test_a_time_out_after_the_write_does_no_harm(search: FaultySearch, writer: Writer) -> None:
    def slow(engine: FaultySearch, actions: list[dict[str, Any]], size: int) -> tuple[int, Any]:
        answer = engine.apply(actions, size)
        time.sleep(0.8)
        return answer

    search.faults = [slow]
    assert writer.write([put("a", 5)], Waits()) == []
    assert versions(search) == {"a": 5}
    assert search.requests == [1, 1]


def test_a_newer_version_in_the_index_stands(search: FaultySearch, writer: Writer) -> None:
    writer.write([put("a", 7)], Waits())
    assert writer.write([put("a", 6), put("b", 1)], Waits()) == []
    assert versions(search) == {"a": 7, "b": 1}


def test_what_the_mapping_refuses_is_handed_back_and_the_rest_is_written(search: FaultySearch, writer: Writer) -> None:
    search.faults = [item_fault({"b"}, 400, "strict_dynamic_mapping_exception")]
    failures = writer.write([put("a"), put("b"), put("c")], Waits())
    assert [(failure.operation.id, failure.detail) for failure in failures] == [
        ("b", "strict_dynamic_mapping_exception")
    ]
    assert versions(search) == {"a": 1, "c": 1}


def test_failures_survive_a_retry_of_their_neighbours(search: FaultySearch, writer: Writer) -> None:
    def mixed(engine: FaultySearch, actions: list[dict[str, Any]], _size: int) -> tuple[int, Any]:
        return 200, {
            "errors": True,
            "items": [
                {"index": {"status": 400, "error": {"type": "document_parsing_exception"}}},
                {"index": {"status": 429, "error": {"type": "es_rejected_execution_exception"}}},
            ],
        }

    search.faults = [mixed]
    failures = writer.write([put("a"), put("b")], Waits())
    assert [failure.operation.id for failure in failures] == ["a"]
    assert versions(search) == {"b": 1}


@pytest.mark.parametrize(
    "body",
    [b"<html>proxy</html>", {}, [], {"errors": True, "items": []}, {"took": 3}],
    ids=["html", "empty", "list", "too few items", "no verdict"],
)
def test_an_answer_that_is_none_counts_as_no_answer(search: FaultySearch, writer: Writer, body: Any) -> None:
    search.faults = [lambda *_: (200, body)]
    waits = Waits()
    assert writer.write([put("a")], waits) == []
    assert versions(search) == {"a": 1}
    assert len(waits.seconds) == 1


def test_a_request_that_is_too_large_is_cut_down_to_the_document_that_is(search: FaultySearch, writer: Writer) -> None:
    def limited(engine: FaultySearch, actions: list[dict[str, Any]], size: int) -> tuple[int, Any]:
        return refusal(413)() if size > 600 else engine.apply(actions, size)

    search.faults = [limited] * 50
    big = put("big", text="x" * 1000)
    failures = writer.write([put(str(number)) for number in range(20)] + [big], Waits())
    assert [failure.operation.id for failure in failures] == ["big"]
    assert len(search.documents) == 20


def test_an_index_that_is_gone_is_told_to_the_caller(search: FaultySearch, writer: Writer) -> None:
    search.faults = [item_fault({"a"}, 404, "index_not_found_exception")]
    with pytest.raises(IndexMissing):
        writer.write([put("a")], Waits())


def test_the_caller_can_end_the_waiting(search: FaultySearch, writer: Writer) -> None:
    search.faults = [refusal(503)] * 10
    with pytest.raises(Stopped):
        writer.write([put("a")], Waits(patience=3))
    assert len(search.requests) == 3


def test_a_deletion_of_nothing_is_done(search: FaultySearch, writer: Writer) -> None:
    search.documents["a"] = (3, {})
    assert writer.write([delete("a"), delete("b")], Waits()) == []
    assert versions(search) == {}


def test_a_large_batch_goes_in_bounded_requests(search: FaultySearch, writer: Writer) -> None:
    assert writer.write([put(str(number)) for number in range(2 * CHUNK + 1)], Waits()) == []
    assert sorted(search.requests) == [1, CHUNK, CHUNK]
    assert len(search.documents) == 2 * CHUNK + 1


def test_only_the_newest_version_of_a_document_is_sent() -> None:
    first, second, other = put("a", 1), put("a", 2), put("b", 9)
    assert newest([first, other, second]) == [second, other]
    assert newest([second, other, first]) == [second, other]


def test_a_tombstone_outdates_what_stood_before_it_and_not_what_follows() -> None:
    gone = delete("a")
    assert newest([put("a", 4), gone]) == [gone]
    again = put("a", 1)
    assert newest([put("a", 4), gone, again]) == [again]


def test_writing_nothing_asks_nothing(search: FaultySearch, writer: Writer) -> None:
    assert writer.write([], Waits()) == []
    assert search.requests == []
