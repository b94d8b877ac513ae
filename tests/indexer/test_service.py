"""The live indexer on a broker and a search engine that come, go and misbehave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from elasticsearch import Elasticsearch

from indexer.templates import search_apply
from pipeline.settings import CoreSettings
from schemas.base import encode
from schemas.events import DeadLetter, Reply
from tests.indexer.city import City, Line, numbered
from tests.indexer.doubles import START, eventually, make_case

pytestmark = pytest.mark.integration


@pytest.fixture
def search_line(engines: CoreSettings) -> Iterator[Line]:
    address = urlsplit(engines.elasticsearch)
    line = Line(address.hostname or "", address.port or 9200)
    yield line
    line.cut()


def through(settings: CoreSettings, **changes: Any) -> CoreSettings:
    return settings.model_copy(update=changes)


def test_cases_replies_and_letters_stand_in_their_indices(city: City) -> None:
    reply = Reply(
        id="jawab1", tenant="jakarta", at=START, ticket_id="tiket0", number="JK2611230001", channel="x",
        account="DKIJakarta", recipient="p-rahasia", template="terima", state="sent", text="Diterima", cause="fakta1",
        scope="lihat",
    )  # fmt: skip
    letter = DeadLetter(
        id="mati1", tenant="jakarta", at=START, stage="router", reason="router.x", topic="crm.tickets", partition=0,
        offset=4,
    )  # fmt: skip
    replies, letters = city.views[1:]
    with city.running():
        city.publish(*numbered(20))
        city.publish(reply, view=replies)
        city.publish_raw([("k", b"\x00", [("tanggap_dead", encode(letter))])], letters)
        city.sees({f"tiket{number}": 1 for number in range(20)})
        city.sees({"jawab1": 4}, replies)
        city.sees({"mati1": 1}, letters)
    assert city.document("tiket3")["unit_name"] == "Dinas Bina Marga"
    assert city.document("mati1", letters)["offset"] == 4
    assert city.dead == []


def test_the_newest_version_stands_whatever_the_order(city: City) -> None:
    with city.running():
        city.publish(make_case(seq=5), make_case(seq=4))
        city.sees({"tiket1": 5})
        city.publish(make_case(seq=3), make_case(id="penanda"))
        city.sees({"tiket1": 5, "penanda": 3})


def test_records_that_no_index_takes_become_dead_letters_and_hold_nobody_up(city: City) -> None:
    with city.running():
        city.vault_away = 1
        city.publish_raw([("rusak", b"{}", [])], city.cases)
        city.publish(make_case(id="nilai", rating=5000), *numbered(5))
        city.sees({f"tiket{number}": 1 for number in range(5)})
        eventually(lambda: len(city.dead) == 2)
        eventually(lambda: city.committed() == 7)
    assert sorted(city.dead) == [("nilai", "indexer.unmappable"), ("rusak", "indexer.undecodable")]


def test_a_tombstone_takes_the_case_out_of_the_index(city: City) -> None:
    with city.running():
        city.publish(*numbered(2))
        city.sees({"tiket0": 1, "tiket1": 1})
        city.publish_raw([("tiket0", None, [])], city.cases)
        city.sees({"tiket1": 1})


def test_search_away_in_the_middle_is_waited_out_and_nothing_is_committed(city: City, search_line: Line) -> None:
    search_line.mend()
    with city.running(through(city.settings, elasticsearch=f"http://127.0.0.1:{search_line.port}")) as thread:
        city.publish(*numbered(10))
        eventually(lambda: city.committed() == 10)
        city.publish(*numbered(10, seq=2))
        city.sees({f"tiket{number}": 2 for number in range(10)})
        eventually(lambda: city.committed() == 20)
        search_line.cut()
        city.publish(*numbered(10, seq=3))
        beats = city.beats
        eventually(lambda: city.beats > beats + 5)
        assert city.committed() == 20
        assert thread.is_alive()
        search_line.mend()
        city.sees({f"tiket{number}": 3 for number in range(10)})
        eventually(lambda: city.committed() == 30)


def test_search_and_broker_away_at_the_start_are_waited_for(
    city: City, search_line: Line, engines: CoreSettings
) -> None:
    host, port = engines.kafka.split(",")[0].rsplit(":", 1)
    broker_line = Line(host, int(port))
    away = through(
        city.settings, elasticsearch=f"http://127.0.0.1:{search_line.port}", kafka=f"127.0.0.1:{broker_line.port}"
    )
    city.publish(*numbered(3))
    with city.running(away) as thread:
        eventually(lambda: city.beats > 2)
        search_line.mend()
        beats = city.beats
        eventually(lambda: city.beats > beats + 2)
        assert thread.is_alive()
        broker_line.mend()
        city.sees({f"tiket{number}": 1 for number in range(3)})
    broker_line.cut()


def test_topics_that_do_not_exist_yet_are_waited_for_and_not_created(engines: CoreSettings) -> None:
    search = Elasticsearch(engines.elasticsearch)
    city = City(engines, search)
    with city.running():
        eventually(lambda: city.beats > 4)
        city.create_topics()
        city.publish(*numbered(3))
        city.sees({f"tiket{number}": 1 for number in range(3)})
    city.remove()
    search.close()


def test_after_a_restart_only_what_is_new_is_read(city: City) -> None:
    with city.running():
        city.publish(*numbered(5))
        eventually(lambda: city.committed() == 5)
    city.search.delete(index=city.cases.alias, id="tiket0")
    with city.running():
        city.publish(make_case(id="tiket9"))
        city.sees({"tiket9": 3} | {f"tiket{number}": 1 for number in range(1, 5)})


def test_an_index_that_was_deleted_is_filled_again(city: City) -> None:
    with city.running():
        city.publish(*numbered(5))
        eventually(lambda: city.committed() == 5)
        city.search.indices.delete(index=f"{city.cases.alias}-v1")
        city.publish(make_case(id="tiket9"))
        city.sees({"tiket9": 3} | {f"tiket{number}": 1 for number in range(5)})


def test_applying_the_templates_again_changes_nothing(city: City) -> None:
    first = search_apply(city.settings, city.views)
    assert [state.created for state in first] == [True] * 3
    city.search.index(index=city.cases.alias, id="x", document={"ticket_id": "x"}, refresh=True)
    again = search_apply(city.settings, city.views)
    assert [(state.index, state.created, state.rebuild) for state in again] == [
        (state.index, False, False) for state in first
    ]
    assert city.versions() == {"x": 1}


def test_a_mapping_that_cannot_be_changed_in_place_asks_for_a_rebuild(city: City) -> None:
    alias = city.cases.alias
    city.search.indices.create(
        index=f"{alias}-v1",
        aliases={alias: {"is_write_index": True}},
        mappings={"properties": {"ticket_id": {"type": "long"}}},
    )
    assert [state.rebuild for state in search_apply(city.settings, city.views)] == [True, False, False]
