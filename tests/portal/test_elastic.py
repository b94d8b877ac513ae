"""The case reader on a real search engine, over documents as the indexer writes them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from elasticsearch import AsyncElasticsearch

import indexer
from indexer.document import case_document
from pipeline.errors import Unavailable
from portal.cases import InboxQuery
from portal.elastic import ElasticCases
from schemas.base import encode
from schemas.case import Case, ClockDue
from tanggap.standin import executable
from tests.portal.fakes import NOW, case_of, ticket_id

INDEX = "uji-portal-kasus"

pytestmark = pytest.mark.integration


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A search engine: the one brought by TANGGAP_TEST_ELASTICSEARCH, else the embedded one on a free port."""
    brought = os.environ.get("TANGGAP_TEST_ELASTICSEARCH")
    if brought:
        yield brought
        return
    port = free_port()
    folder = tmp_path_factory.mktemp("noida")
    options = ["--data-dir", str(folder), "--only", "elasticsearch", "--elasticsearch-port", str(port)]
    process = subprocess.Popen([executable(), "start", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            httpx.get(url).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"{url} did not start within 30 s")


@pytest.fixture
async def client(address: str) -> AsyncIterator[AsyncElasticsearch]:
    async with AsyncElasticsearch(address) as client:
        yield client
        await client.indices.delete(index=INDEX, ignore_unavailable=True)


@pytest.fixture
async def reader(client: AsyncElasticsearch) -> ElasticCases:
    """Five tickets: at work, in review, done, due in three hours, and one whose clock ran out."""
    template = json.loads((Path(indexer.__file__).parent / "data" / "pengaduan-kasus.json").read_text("utf-8"))
    await client.indices.create(index=INDEX, settings=template["settings"], mappings=template["mappings"])
    overdue = ClockDue(clock="penyelesaian", due_at=NOW, started_at=NOW - timedelta(days=7), state="breached")
    soon = NOW + timedelta(hours=3)
    fresh = NOW - timedelta(minutes=10)
    await put(client, case_of("a", "JK1", "proses", "DISHUB", "Dinas Perhubungan"))
    await put(client, case_of("b", "JK2", "tinjauan", None, None))
    await put(client, case_of("c", "JK3", "selesai", "DISHUB", "Dinas Perhubungan", due_at=None))
    await put(client, case_of("d", "JK4", "menunggu", "DBM", "Dinas Bina Marga", due_at=soon, received_at=fresh))
    await put(client, case_of("e", "JK5", "menunggu", "DBM", "Dinas Bina Marga", due_at=None, clocks=(overdue,)))
    return ElasticCases(client, INDEX)


async def put(client: AsyncElasticsearch, case: Case) -> None:
    await client.index(index=INDEX, id=case.id, document=json.loads(encode(case_document(case))), refresh=True)


async def test_a_ticket_by_id_comes_back_whole_and_without_its_author(reader: ElasticCases) -> None:
    case = await reader.get(ticket_id("a"))
    assert case is not None
    assert (case.number, case.unit, len(case.history), case.author) == ("JK1", "DISHUB", 5, None)
    assert await reader.get(ticket_id("z")) is None


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (InboxQuery(), ["JK5", "JK4", "JK1", "JK2"]),
        (InboxQuery(unit="DISHUB"), ["JK1"]),
        (InboxQuery(statuses=("selesai",)), ["JK3"]),
        (InboxQuery(statuses=("tinjauan",)), ["JK2"]),
        (InboxQuery(pressure="terlambat"), ["JK5"]),
        (InboxQuery(pressure="berisiko"), ["JK4"]),
        (InboxQuery(page=2), []),
    ],
)
async def test_the_inbox_is_filtered_and_the_most_urgent_come_first(
    reader: ElasticCases, query: InboxQuery, numbers: list[str]
) -> None:
    assert [case.number for case in (await reader.inbox(query, NOW)).cases] == numbers


async def test_counts_do_not_depend_on_the_filter(reader: ElasticCases) -> None:
    found = await reader.inbox(InboxQuery(statuses=("proses",)), NOW)
    assert found.total == 1
    assert found.counts == {"menunggu": 2, "proses": 1, "tinjauan": 1}


async def test_the_numbers(reader: ElasticCases) -> None:
    numbers = await reader.numbers(NOW)
    assert (numbers.open, numbers.late, numbers.at_risk, numbers.review) == (4, 1, 1, 1)
    assert numbers.received_today == 1
    assert [(unit.code, unit.name, unit.open, unit.late) for unit in numbers.units] == [
        ("DBM", "Dinas Bina Marga", 2, 1),
        ("DISHUB", "Dinas Perhubungan", 1, 0),
    ]
    minutes, hours = numbers.minutes["whatsapp"], numbers.hours["whatsapp"]
    assert (len(minutes), minutes[-11], sum(minutes)) == (60, 1, 1)
    assert (len(hours), hours[-21], hours[-2], sum(hours)) == (24, 4, 1, 5)
    assert numbers.latest[0].number == "JK4"


async def test_before_the_index_exists_everything_is_empty(client: AsyncElasticsearch) -> None:
    reader = ElasticCases(client, "uji-portal-belum-ada")
    assert await reader.get(ticket_id("a")) is None
    assert (await reader.inbox(InboxQuery(), NOW)).total == 0
    assert (await reader.numbers(NOW)).open == 0


async def test_a_search_that_is_away_is_unavailable() -> None:
    async with AsyncElasticsearch(f"http://127.0.0.1:{free_port()}", max_retries=0) as client:
        reader = ElasticCases(client)
        for call in (reader.get("x"), reader.inbox(InboxQuery(), NOW), reader.numbers(NOW)):
            with pytest.raises(Unavailable):
                await call
