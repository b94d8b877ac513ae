"""A city of its own on shared engines: topics, views and group under a random name, and a running indexer."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from elasticsearch import Elasticsearch
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from indexer import service
from indexer.views import VIEWS, View
from pipeline.errors import Unavailable
from pipeline.settings import CoreSettings
from pipeline.stage import Message
from schemas.base import Record, encode
from tests.indexer.doubles import eventually, make_case

PARTITIONS = 3


@dataclass
class City:
    """Everything of one test. ``views`` are those of the product under names of its own."""

    settings: CoreSettings
    search: Elasticsearch
    name: str = field(default_factory=lambda: f"uji-{secrets.token_hex(4)}")
    dead: list[tuple[str, str]] = field(default_factory=list)
    """Key and reason of every dead letter."""
    vault_away: int = 0
    """How many more times a dead letter cannot be made durable."""
    beats: int = 0

    @property
    def views(self) -> tuple[View, ...]:
        return tuple(
            replace(view, topic=f"{self.name}.{view.topic}", alias=f"{self.name}-{view.alias}") for view in VIEWS
        )

    @property
    def cases(self) -> View:
        return self.views[0]

    def create_topics(self) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.settings.kafka)
        admin.create_topics([NewTopic(view.topic, PARTITIONS, 1) for view in self.views])
        admin.close()

    def publish(self, *records: Record, view: View | None = None) -> None:
        self.publish_raw([(record.id, encode(record), []) for record in records], view)

    def publish_raw(self, records: list[tuple[str, bytes | None, list[tuple[str, bytes]]]], view: View | None) -> None:
        producer = KafkaProducer(bootstrap_servers=self.settings.kafka, acks="all")
        topic = (view or self.cases).topic
        for key, value, headers in records:
            producer.send(topic, key=key.encode(), value=value, headers=headers)
        producer.flush(30)
        producer.close()

    def on_dead(self, message: Message, reason: str, _detail: str) -> None:
        if self.vault_away > 0:
            self.vault_away -= 1
            raise Unavailable("vault away")
        self.dead.append((message.key, reason))

    def beat(self) -> None:
        self.beats += 1

    @contextlib.contextmanager
    def running(self, settings: CoreSettings | None = None) -> Iterator[threading.Thread]:
        """The live indexer in a thread; must end within 15 s of being asked."""
        stop = threading.Event()
        thread = threading.Thread(
            target=service.run,
            args=(settings or self.settings, stop),
            kwargs={
                "on_dead": self.on_dead, "beat": self.beat, "views": self.views, "group": f"{self.name}-indexer",
            },
        )  # fmt: skip
        thread.start()
        try:
            yield thread
        finally:
            stop.set()
            thread.join(15)
        assert not thread.is_alive(), "the indexer did not end"

    def versions(self, view: View | None = None) -> dict[str, int]:
        """Version by document id, as a search sees it."""
        alias = (view or self.cases).alias
        if not self.search.indices.exists_alias(name=alias):
            return {}
        self.search.indices.refresh(index=alias)
        hits = self.search.search(index=alias, size=1000, version=True, source=False)["hits"]["hits"]
        return {hit["_id"]: hit["_version"] for hit in hits}

    def sees(self, expected: dict[str, int], view: View | None = None) -> None:
        """Waits until exactly these documents stand in the index."""
        try:
            eventually(lambda: self.versions(view) == expected)
        except AssertionError:
            assert self.versions(view) == expected

    def committed(self) -> int:
        """Sum of the group's offsets on the topic of cases."""
        consumer = KafkaConsumer(bootstrap_servers=self.settings.kafka, group_id=f"{self.name}-indexer")
        partitions = [TopicPartition(self.cases.topic, number) for number in range(PARTITIONS)]
        total = sum(consumer.committed(partition) or 0 for partition in partitions)
        consumer.close()
        return total

    def document(self, document_id: str, view: View | None = None) -> dict[str, Any]:
        source: dict[str, Any] = self.search.get(index=(view or self.cases).alias, id=document_id)["_source"]
        return source

    def remove(self) -> None:
        for index in self.search.indices.get(index=f"{self.name}-*").body:
            self.search.indices.delete(index=index)
        for view in self.views:
            self.search.options(ignore_status=404).indices.delete_index_template(name=view.alias)
        admin = KafkaAdminClient(bootstrap_servers=self.settings.kafka)
        existing = set(admin.list_topics())
        admin.delete_topics([view.topic for view in self.views if view.topic in existing])
        admin.close()


class Line:
    """A TCP line to an engine that can be cut and mended."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: socket.socket | None = None
        self._pairs: set[socket.socket] = set()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def mend(self) -> None:
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", self.port))
        server.listen()
        self._server = server
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()

    def cut(self) -> None:
        if self._server is not None:
            # Wakes the thread in accept(), which a plain close would leave there with the port.
            self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
            self._server = None
        for end in list(self._pairs):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                near, _ = server.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._pairs |= {near, far}
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
        self._pairs.discard(source)
        source.close()


def numbered(count: int, seq: int = 1) -> list[Any]:
    return [make_case(id=f"tiket{number}", seq=seq) for number in range(count)]
