"""Nobody's name, number, address or handle stands in clear outside the vault's sealed fields."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from kafka import KafkaConsumer, TopicPartition

from tests.e2e.conftest import City

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

PEOPLE = re.compile(
    rb"(?:siti|wa[ _]ode|budi|dewi|slamet|warga|rina|agus|joko|tono)[ _]contoh|[a-z]@surel|surel\.contoh\.id>"
    rb"|628110000\d{5}|08110000\d{4}|wamid\.",
    re.IGNORECASE,
)
"""The invented people of the demo: names, handles, numbers, addresses, and vendor ids that hold a number."""


@pytest.fixture(scope="module", autouse=True)
def _sent(city: City) -> None:
    city.demo()


def found_in(chunks: Iterator[tuple[str, bytes]]) -> list[str]:
    return [f"{place}: {match.group().decode()}" for place, data in chunks for match in PEOPLE.finditer(data)]


def records(kafka: str) -> Iterator[tuple[str, bytes]]:
    """Key, value and headers of every record of ours, as they lie on the broker."""
    consumer = KafkaConsumer(bootstrap_servers=[kafka], enable_auto_commit=False)
    try:
        for topic in sorted(consumer.topics()):
            if not topic.startswith(("crm.", "tanggap-")):
                continue
            parts = [TopicPartition(topic, part) for part in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(parts)
            consumer.seek_to_beginning(*parts)
            ends = consumer.end_offsets(parts)
            while any(consumer.position(part) < ends[part] for part in parts):
                for batch in consumer.poll(timeout_ms=500).values():
                    for record in batch:
                        headers = b" ".join(value or b"" for _, value in record.headers or ())
                        yield topic, b" ".join((record.key or b"", record.value or b"", headers))
    finally:
        consumer.close()


def test_no_topic_or_changelog_shows_anybody(city: City) -> None:
    assert found_in(records(city.kafka)) == []


def test_no_index_shows_anybody(city: City) -> None:
    search = Elasticsearch(city.elasticsearch)
    try:
        for index in ("pengaduan-kasus", "pengaduan-jawaban", "pengaduan-gagal"):
            search.indices.refresh(index=index)
            found = search.search(index=index, size=5000)
            assert found["hits"]["hits"] or index == "pengaduan-gagal"
            assert found_in(iter([(index, str(found.body).encode())])) == []
    finally:
        search.close()


def test_no_file_shows_anybody(city: City) -> None:
    """Logs, tables, the vault's database, blobs, and the stand-in's own files."""
    files = [path for path in (city.data / "d").rglob("*") if path.is_file()]
    assert any(path.name == "vault.db" for path in files) or city.env["TANGGAP_DATABASE"]
    assert any(path.suffix == ".log" for path in files)
    assert found_in((str(path.relative_to(city.data)), path.read_bytes()) for path in files) == []
