"""Rebuilding the view while the live indexer goes on writing."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from indexer import rebuild as rebuilding
from indexer.fill import Filler
from indexer.rebuild import RebuildFailed, rebuild
from indexer.source import TopicsMissing
from pipeline.settings import CoreSettings
from tests.indexer.city import City, numbered
from tests.indexer.doubles import eventually, make_case

pytestmark = pytest.mark.integration


def indices(city: City) -> list[str]:
    return sorted(city.search.indices.get(index=f"{city.cases.alias}-v*").body)


def test_the_view_comes_back_from_kafka_alone(city: City) -> None:
    city.publish(*numbered(50), *numbered(50, seq=2))
    city.publish_raw([("tiket7", None, [])], city.cases)
    report = rebuild(city.settings, city.views)
    assert city.versions() == {f"tiket{number}": 2 for number in range(50) if number != 7}
    cases = report.views[0]
    assert (cases.records, cases.refused, cases.documents) == (101, 0, 49)
    assert (cases.replaced, cases.index) == (f"{city.cases.alias}-v1", f"{city.cases.alias}-v2")


def test_the_old_index_goes_and_with_it_what_kafka_does_not_know(city: City) -> None:
    city.publish(*numbered(3))
    rebuild(city.settings, city.views)
    city.search.index(index=city.cases.alias, id="gaib", document={"ticket_id": "gaib"})
    rebuild(city.settings, city.views)
    assert city.versions() == {f"tiket{number}": 1 for number in range(3)}
    assert indices(city) == [f"{city.cases.alias}-v3"]


def test_what_an_interrupted_rebuild_left_is_cleared(city: City) -> None:
    rebuild(city.settings, city.views)
    city.search.indices.create(index=f"{city.cases.alias}-v7")
    rebuild(city.settings, city.views)
    assert indices(city) == [f"{city.cases.alias}-v8"]


def test_nothing_written_meanwhile_is_lost(city: City) -> None:
    """Cases go on changing all through two rebuilds; in the end each stands at its last version."""
    count, last = 40, 0
    done = threading.Event()

    def keep_publishing() -> None:
        nonlocal last
        while not done.is_set():
            last += 1
            city.publish(*numbered(count, seq=last))

    with city.running():
        publisher = threading.Thread(target=keep_publishing)
        publisher.start()
        eventually(lambda: len(city.versions()) == count)
        for _ in range(2):
            rebuild(city.settings, city.views)
        done.set()
        publisher.join()
        city.sees({f"tiket{number}": last for number in range(count)})
    assert city.dead == []


def test_a_record_written_to_the_old_index_just_before_the_switch_is_in_the_new_one(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.publish(*numbered(5))
    before = rebuilding._Rebuild._switch

    def late(self: Any, *args: Any) -> None:
        city.publish(make_case(id="terlambat", seq=9))
        before(self, *args)

    monkeypatch.setattr(rebuilding._Rebuild, "_switch", late)
    rebuild(city.settings, city.views[:1])
    assert city.versions() == {f"tiket{number}": 1 for number in range(5)} | {"terlambat": 9}


def test_a_few_refused_records_are_counted_many_keep_the_old_index(city: City) -> None:
    city.publish(*numbered(20))
    city.publish_raw([("rusak", b"{}", [])], city.cases)
    report = rebuild(city.settings, city.views)
    assert (report.views[0].refused, report.views[0].documents) == (1, 20)
    city.publish(*(make_case(id=f"nilai{number}", rating=5000) for number in range(20)))
    with pytest.raises(RebuildFailed, match="refused"):
        rebuild(city.settings, city.views)
    assert city.versions() == {f"tiket{number}": 1 for number in range(20)}


def test_a_second_rebuild_makes_the_first_fail_and_not_the_index(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    city.publish(*numbered(10))
    fill = Filler.fill
    rivals = [1]

    def overtaken(self: Filler, *args: Any) -> Any:
        if rivals:
            rivals.pop()
            rebuild(city.settings, city.views[:1])
        return fill(self, *args)

    monkeypatch.setattr(Filler, "fill", overtaken)
    with pytest.raises(RebuildFailed, match="again"):
        rebuild(city.settings, city.views[:1])
    assert city.versions() == {f"tiket{number}": 1 for number in range(10)}


def test_without_topics_the_message_says_what_to_do(engines: CoreSettings) -> None:
    search = Elasticsearch(engines.elasticsearch)
    city = City(engines, search)
    with pytest.raises(TopicsMissing, match="tanggap topics apply"):
        rebuild(city.settings, city.views)
    city.remove()
    search.close()
