"""Topics on a broker: created once, never shrunk, and a partition count that does not fit is told."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient

from pipeline.settings import CoreSettings
from pipeline.topics import PartitionMismatch, all_topics, apply
from schemas.topics import CASES, PROGRESS, SHARED
from tanggap.standin import StandIn

CHANNELS = ["whatsapp", "papan"]


def test_every_channel_has_its_raw_topic_beside_the_shared_ones() -> None:
    names = [topic.name for topic in all_topics(CHANNELS)]
    assert names == ["crm.raw.whatsapp", "crm.raw.papan", *(topic.name for topic in SHARED)]


def test_facts_are_kept_for_good_and_cases_are_compacted() -> None:
    assert PROGRESS.config() == {"cleanup.policy": "delete", "retention.ms": "-1"}
    assert CASES.config() == {"cleanup.policy": "compact"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[CoreSettings]:
    """The broker that `make test-real` names, else an empty stand-in."""
    given = os.environ.get("TANGGAP_TEST_KAFKA")
    settings = make_settings(tmp_path, given or f"127.0.0.1:{free_port()}")
    if given:
        yield settings
        return
    standin = StandIn(settings)
    await standin.start()
    yield settings
    await standin.stop()


def make_settings(folder: Path, kafka: str, **more: Any) -> CoreSettings:
    search = f"http://127.0.0.1:{free_port()}"
    return CoreSettings(data_dir=folder, kafka=kafka, elasticsearch=search, _env_file=None, **more)


@pytest.mark.integration
async def test_apply_creates_what_is_missing_and_may_be_repeated(broker: CoreSettings, tmp_path: Path) -> None:
    apply(broker, ["whatsapp"])
    apply(broker, CHANNELS)
    assert apply(broker, CHANNELS) == []
    admin = KafkaAdminClient(bootstrap_servers=broker.kafka)
    try:
        assert {topic.name for topic in all_topics(CHANNELS)} <= set(admin.list_topics())
        (found,) = admin.describe_topics([PROGRESS.name])
        assert len(found["partitions"]) == broker.partitions
    finally:
        admin.close()
    with pytest.raises(PartitionMismatch, match=f"TANGGAP_PARTITIONS={broker.partitions}"):
        apply(make_settings(tmp_path, broker.kafka, partitions=broker.partitions + 1), CHANNELS)
