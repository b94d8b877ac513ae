"""Creates the topics (`tanggap topics apply`). Safe to repeat; never shrinks, never deletes."""

from __future__ import annotations

from collections.abc import Sequence

from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import TopicAlreadyExistsError

from schemas.topics import SHARED, Topic, raw_topic

from .settings import CoreSettings


class PartitionMismatch(Exception):
    """A topic exists with another partition count: keys would meet in other partitions than their state."""


def all_topics(channels: Sequence[str]) -> list[Topic]:
    """Every topic of the product for these channels."""
    return [*(raw_topic(name) for name in channels), *SHARED]


def apply(settings: CoreSettings, channels: Sequence[str]) -> list[str]:
    """Creates what is missing; returns the names created.

    Raises ``PartitionMismatch`` when an existing shared topic has another partition count than the settings, and
    kafka-python's errors when the broker cannot be reached.
    """
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka.split(","), client_id="tanggap-topics")
    try:
        existing = set(admin.list_topics())
        topics = all_topics(channels)
        _check(admin, settings, [topic.name for topic in SHARED if topic.name in existing])
        created: list[str] = []
        for topic in topics:
            if topic.name in existing:
                continue
            spec = NewTopic(topic.name, settings.partitions, settings.replication, topic_configs=topic.config())
            try:
                admin.create_topics([spec])
            except TopicAlreadyExistsError:
                continue
            created.append(topic.name)
        return created
    finally:
        admin.close()


def _check(admin: KafkaAdminClient, settings: CoreSettings, names: list[str]) -> None:
    for found in admin.describe_topics(names) if names else []:
        count = len(found["partitions"])
        if count != settings.partitions:
            name = found.get("topic") or found.get("name")
            raise PartitionMismatch(
                f"topic {name} has {count} partitions, TANGGAP_PARTITIONS says {settings.partitions}: "
                f"set TANGGAP_PARTITIONS={count}"
            )
