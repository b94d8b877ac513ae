"""How far each service is behind: committed offsets against the ends of its topics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer

PREFIX = "tanggap-"


@dataclass(frozen=True)
class GroupLag:
    """``lag`` in records, None when the group has never committed; ``alive`` when it has members."""

    name: str
    lag: int | None
    alive: bool


class LagMeter:
    """Asks the broker; blocking, so callers use a thread. Raises kafka-python's errors when the broker is away."""

    def __init__(self, bootstrap: str) -> None:
        servers = bootstrap.split(",")
        self._admin = KafkaAdminClient(bootstrap_servers=servers, client_id="tanggap-lag", request_timeout_ms=5000)
        self._consumer = KafkaConsumer(bootstrap_servers=servers, client_id="tanggap-lag")

    def measure(self, names: Iterable[str]) -> list[GroupLag]:
        """One row a service, in the order of ``names`` (without the prefix of the group id)."""
        groups = {name: f"{PREFIX}{name}" for name in names}
        described = self._admin.describe_groups(list(groups.values()))
        committed = {name: self._committed(group) for name, group in groups.items()}
        partitions = {tp for offsets in committed.values() for tp in offsets}
        ends: dict[Any, int] = self._consumer.end_offsets(list(partitions)) if partitions else {}
        return [
            GroupLag(
                name=name,
                lag=sum(max(0, ends.get(tp, 0) - offset) for tp, offset in offsets.items()) if offsets else None,
                alive=bool(described.get(groups[name], {}).get("members")),
            )
            for name, offsets in committed.items()
        ]

    def close(self) -> None:
        """Closes both connections."""
        self._admin.close()
        self._consumer.close()

    def _committed(self, group: str) -> dict[Any, int]:
        found = self._admin.list_group_offsets(group).get(group, {})
        return {tp: meta.offset for tp, meta in found.items() if meta.offset >= 0}
