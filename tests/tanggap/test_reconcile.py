"""Reconciling an invented channel: in memory, and once against a broker."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from pydantic_settings import BaseSettings
from typer.testing import CliRunner

from pipeline import headers
from pipeline.channel import Channel, Part, Raw
from pipeline.intake import BLOB_FROM, RawIntake
from pipeline.publisher import Outbound
from pipeline.settings import CoreSettings
from pipeline.stage import Message
from schemas.item import Author, Decoded, Item, Outcome
from tanggap.channel_watch import KafkaOffsets, TrafficReader
from tanggap.cli import app
from tanggap.reconcile import CannotReconcile, KafkaRaw, Report, reconcile, window
from tests.channels import NOON, FixedClock, MemoryIntake
from tests.pipeline.memory import Blobs, MemoryKeys, Paper
from vault.model import Known, Registered

NAME = "contoh"
TOPIC = f"crm.raw.{NAME}"
DAY = timedelta(days=1)


def decode(raw: Raw) -> Iterable[Part]:
    for number, outcome, sent in json.loads(raw.body)["rows"]:
        item = Item(channel=NAME, account="kota", external_id=number, author=Author(id="w"), text="lubang",
                    sent_at=datetime.fromisoformat(sent))  # fmt: skip
        reason = None if outcome == "complaint" else "contoh.lain"
        yield Part(Decoded(outcome=outcome, key=f"{NAME}:kota:{number}", reason=reason, item=item))


CHANNEL = Channel(name=NAME, title="Contoh", settings=BaseSettings, decode=decode)


def page(*numbers: str, outcome: Outcome = "complaint", at: datetime = NOON, padding: int = 0) -> Raw:
    rows = [(number, outcome, at.isoformat()) for number in numbers]
    body = json.dumps({"rows": rows, "isi": "x" * padding}).encode()
    return Raw(NAME, "kota", body, "application/json", NOON)


@dataclass
class Listing:
    """Implements ``History``."""

    given: list[Raw] = field(default_factory=list)
    every: timedelta | None = None
    overlap: timedelta = timedelta()
    nightly: timedelta = DAY

    async def pages(self, since: datetime) -> AsyncIterator[Raw]:
        for one in self.given:
            yield one

    async def close(self) -> None:
        return


class Store:
    """A raw topic, and the part of the vault that reconciling uses."""

    def __init__(self) -> None:
        self.keys = MemoryKeys()
        self.paper = Paper()
        self.blobs = Blobs()
        self.registered: set[str] = set()
        self.starts: list[datetime] = []
        self.intake = RawIntake("jakarta", self.keys, self.paper, self.blobs, FixedClock())

    def since(self, channel: str, moment: datetime) -> Iterator[list[Message]]:
        assert channel == NAME
        self.starts.append(moment)
        for one in self.paper.records:
            yield [message_of(one)]

    def find_keys(self, ids: Collection[str]) -> Mapping[str, bytes]:
        return {one: self.keys.secrets[one] for one in ids if one in self.keys.secrets}

    def get_blob(self, name: str) -> bytes | None:
        return dict(zip((f"blob-{n}" for n in range(9)), self.blobs.kept.values(), strict=False)).get(name)

    def hash_of(self, *parts: str) -> str:
        return "h" + parts[0].rpartition(":")[2]

    def lookup(self, item_keys: Iterable[str]) -> Known:
        known = Registered.__new__(Registered)
        return Known(items={one: known for one in item_keys if one in self.registered})


def message_of(one: Outbound) -> Message:
    return Message(topic=one.topic, partition=0, offset=0, key=one.key, value=one.value or b"", headers=one.headers)


async def compare(store: Store, *listed: Raw, mend: MemoryIntake | None = None) -> Report:
    return await reconcile(CHANNEL, Listing(list(listed)), store, store, since=NOON - DAY, mend=mend)


async def test_nothing_is_missing_whatever_the_pages_were() -> None:
    store = Store()
    await store.intake.accept(page("1"))
    await store.intake.accept(page("2", "3"))
    found = await compare(store, page("3", "2"), page("1"))
    assert found.words() == "0 missing of 3"


async def test_what_is_missing_is_told_by_its_hash_and_time_alone() -> None:
    store = Store()
    await store.intake.accept(page("1"))
    found = await compare(store, page("1", "2"), page("2", "3", at=NOON - timedelta(hours=1)))
    lines = found.words().splitlines()
    assert lines[0] == "2 missing of 3"
    assert lines[1:3] == ["  h2  2026-11-23T04:00:00Z", "  h3  2026-11-23T04:00:00Z"]
    assert "lubang" not in found.words()


async def test_only_what_citizens_sent_counts() -> None:
    found = await compare(
        Store(), page("1", outcome="receipt"), page("2", outcome="ignored"), page("3", outcome="edit")
    )
    assert found.words().startswith("1 missing of 1")


async def test_large_records_are_read_from_their_blob() -> None:
    store = Store()
    await store.intake.accept(page("1", padding=BLOB_FROM))
    assert headers.BLOB in store.paper.records[0].headers
    assert not (await compare(store, page("1"))).missing
    store.blobs.kept.clear()
    found = await compare(store, page("1"))
    assert (len(found.missing), found.unreadable) == (1, 1)


async def test_an_erased_person_is_neither_missing_nor_brought_back() -> None:
    store, mended = Store(), MemoryIntake()
    await store.intake.accept(page("1"))
    store.keys.secrets.clear()
    store.registered.add("h1")
    found = await compare(store, page("1"), mend=mended)
    assert (found.missing, found.erased, mended.raws) == ((), 1, [])
    assert "erased people" in found.words()


async def test_altered_records_are_counted_not_fatal() -> None:
    store = Store()
    await store.intake.accept(page("1"))
    one = store.paper.records[0]
    store.paper.records = [Outbound(one.topic, one.key, (one.value or b"")[:-1], one.headers)]
    assert (await compare(store, page("1"))).unreadable == 1


async def test_mending_hands_over_the_pages_that_hold_what_is_missing() -> None:
    store, mended = Store(), MemoryIntake()
    await store.intake.accept(page("1"))
    listed = [page("1"), page("1", "2"), page("3")]
    found = await compare(store, *listed, mend=mended)
    assert (mended.raws, found.mended) == (listed[1:], 2)
    for raw in mended.raws:
        await store.intake.accept(raw)
    assert not (await compare(store, *listed)).missing


async def test_the_topic_is_read_from_the_oldest_listed_message_on() -> None:
    store = Store()
    await compare(store, page("1", at=NOON - 9 * DAY), page("2"))
    assert store.starts == [NOON - 9 * DAY - timedelta(hours=1)]
    await compare(store, page("1", at=datetime(1, 1, 2, tzinfo=UTC)))
    assert store.starts[1] == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("text", "length"), [("90m", timedelta(minutes=90)), ("24h", DAY), ("7d", 7 * DAY)])
def test_windows(text: str, length: timedelta) -> None:
    assert window(text) == length


@pytest.mark.parametrize("text", ["", "24", "0h", "-1d", "1w", "24 h", "２4h", "99999d"])
def test_what_is_no_window_says_how_to_write_one(text: str) -> None:
    with pytest.raises(CannotReconcile, match="90m, 24h or 7d"):
        window(text)


@pytest.mark.parametrize(
    ("words", "said"), [(["nihil"], "there are"), (["counter"], "no listing"), (["counter", "--since", "x"], "24h")]
)
def test_a_command_that_cannot_compare_says_what_to_do(words: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["reconcile", *words])
    assert result.exit_code == 2
    assert said in result.output


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[CoreSettings]:
    """The broker of ``make test-real``, else the embedded stand-in on a free port."""
    given = os.environ.get("TANGGAP_TEST_KAFKA")
    if given:
        yield CoreSettings(kafka=given, _env_file=None)
        return
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [str(resources.files("noida_db") / "noida-db"), "start", "--data-dir", str(tmp_path), "--only", "kafka",
               "--kafka-port", str(port)]  # fmt: skip
    with (tmp_path / "log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield CoreSettings(kafka=f"127.0.0.1:{port}", _env_file=None)
    process.terminate()
    process.wait(15)


@pytest.mark.integration
async def test_records_are_found_by_time_on_a_broker(broker: CoreSettings) -> None:
    store = Store()
    now = datetime.now(UTC).replace(microsecond=0)
    topic = f"{TOPIC}-{time.time_ns()}"
    admin = KafkaAdminClient(bootstrap_servers=broker.kafka)
    admin.create_topics([NewTopic(topic, 3, 1)])
    admin.close()
    for number in range(40):
        await store.intake.accept(page(str(number), at=now))
    producer = KafkaProducer(bootstrap_servers=broker.kafka, acks="all")
    for number, one in reversed(list(enumerate(store.paper.records))):
        at = now - timedelta(hours=number)
        producer.send(topic, one.value, headers=headers.to_wire(one.headers), partition=number % 3,
                      timestamp_ms=int(at.timestamp() * 1000))  # fmt: skip
    producer.flush(10)
    producer.close()
    kafka = KafkaRaw(broker, lambda name: topic)
    seen = [one.headers[headers.KEY_ID] for batch in kafka.since(NAME, now - timedelta(hours=9)) for one in batch]
    assert sorted(seen) == sorted(f"k{number}" for number in range(10))
    offsets = KafkaOffsets(broker)
    try:
        assert (offsets.first(topic), offsets.last(topic)) == (now - timedelta(hours=39), now)
        found = TrafficReader().read(offsets, topic, now + timedelta(seconds=1))
    finally:
        offsets.close()
    assert (found.last, found.last_hour, found.usual) == (now, 1, None)
    assert sum(found.recent) in {24, 25}
