"""``tanggap rebuild``: a new index beside the old one, filled from Kafka, put in its place in one step.

Nothing that the live indexer writes meanwhile is lost. It writes through the alias, hence to the old index until the
switch; but each of its records stood on Kafka before it was written. So after the switch the rebuild reads on to the
end of the topic as it is *then*: what went to the old index lies before that end, and versions settle the rest.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from elasticsearch import Elasticsearch, NotFoundError

from pipeline.settings import CoreSettings
from schemas.base import Part

from . import source, templates
from .fill import Filled, Filler
from .views import VIEWS, View
from .writer import IndexMissing, Writer, connect

log = structlog.get_logger(__name__)

ROUNDS = 2
"""Passes before the switch: the second takes what came in during the first, so that the switch shows no old state."""
REFUSED_SHARE = 0.1
"""More refused records than this, and it is the mapping that is wrong, not the records."""


class RebuildFailed(Exception):
    """The old index still stands and serves; the message says what to do."""


class ViewReport(Part, frozen=True, kw_only=True, omit_defaults=False):
    """What became of one view. ``refused`` records cannot stand in the index; each was logged with its position."""

    alias: str
    index: str
    replaced: str | None
    records: int
    refused: int
    documents: int
    seconds: float


class Report(Part, frozen=True, kw_only=True, omit_defaults=False):
    """What ``tanggap rebuild`` prints."""

    views: tuple[ViewReport, ...]


def rebuild(settings: CoreSettings, views: Sequence[View] = VIEWS) -> Report:
    """Rebuilds every view. Raises ``RebuildFailed``, ``TopicsMissing``, ``SearchSetupError``, and the clients' errors.

    A second rebuild at the same time makes the first one fail, not the index.
    """
    client = connect(settings)
    consumer = source.connect(settings)
    try:
        templates.apply(client, views)
        with Writer(client) as writer:
            filler = Filler(consumer, writer, _sleep, lambda: True)
            return Report(views=tuple(_Rebuild(client, filler, view).run() for view in views))
    except IndexMissing as error:
        raise RebuildFailed(
            "the new index disappeared, perhaps by another rebuild: run tanggap rebuild again"
        ) from error
    finally:
        consumer.close(autocommit=False, timeout_ms=2_000)
        client.close()


@dataclass(frozen=True)
class _Rebuild:
    client: Elasticsearch
    filler: Filler
    view: View

    def run(self) -> ViewReport:
        started = time.monotonic()
        old = templates.current(self.client, self.view.alias)
        index, filling = self._create(old)
        total = Filled()
        position = self.filler.beginning(self.view)
        for _ in range(ROUNDS):
            position = self.filler.fill(self.view, filling, position, total)
        if total.refused > total.records * REFUSED_SHARE:
            raise RebuildFailed(
                f"{total.refused} of {total.records} records of {self.view.topic} were refused; the old index stays: "
                f"compare indexer/data/{self.view.template}.json with the records, then run tanggap rebuild again"
            )
        self._switch(old, index, filling)
        self.filler.fill(self.view, self.view.alias, position, total)
        if old is not None:
            self.client.indices.delete(index=old)
        self.client.indices.refresh(index=index)
        documents: int = self.client.count(index=index)["count"]
        log.info("rebuild.finished", topic=self.view.topic, path=index, count=documents)
        return ViewReport(
            alias=self.view.alias, index=index, replaced=old, records=total.records, refused=total.refused,
            documents=documents, seconds=round(time.monotonic() - started, 3),
        )  # fmt: skip

    def _create(self, old: str | None) -> tuple[str, str]:
        """The new index and the alias it is filled through.

        Numbers are never used twice while an older index stands, so a rival's index never takes the name of ours: once
        ours is gone, the switch fails. What an interrupted rebuild left behind is deleted.
        """
        known = templates.versions(self.client, self.view.alias)
        for leftover in known.values():
            if leftover != old:
                self.client.indices.delete(index=leftover)
        index = f"{self.view.alias}-v{max(known, default=0) + 1}"
        filling = f"{self.view.alias}-isi"
        if not templates.create(self.client, index, filling):
            raise RebuildFailed(f"{index} exists: another rebuild is running; wait for it or run tanggap rebuild again")
        self.client.indices.put_settings(index=index, settings={"refresh_interval": "-1"})
        return index, filling

    def _switch(self, old: str | None, index: str, filling: str) -> None:
        refresh = templates.load(self.view.template).settings["refresh_interval"]
        self.client.indices.put_settings(index=index, settings={"refresh_interval": refresh})
        self.client.indices.refresh(index=index)
        actions: list[dict[str, dict[str, object]]] = [
            {"remove": {"index": index, "alias": filling, "must_exist": True}},
            {"add": {"index": index, "alias": self.view.alias, "is_write_index": True}},
        ]
        if old is not None:
            actions.append({"remove": {"index": old, "alias": self.view.alias, "must_exist": True}})
        try:
            self.client.indices.update_aliases(actions=actions)
        except NotFoundError as error:
            raise IndexMissing(self.view.alias) from error


def _sleep(seconds: float) -> bool:
    """The command waits for as long as its operator does; each wait is logged."""
    time.sleep(seconds)
    return True
