"""The topics: name, key, value, how long they are kept (DESIGN, "Topics and keys").

All topics after raw share one partition count, fixed at creation, and one partitioner (murmur2), so that a ticket's
events meet in one partition whatever topic they stand on.
"""

from __future__ import annotations

from dataclasses import dataclass

from .base import Part
from .case import Case, Command, Fact
from .events import DeadLetter, Reply, SlaEvent
from .item import ItemEvent
from .ticket import Assignment, IncidentFact, Sighting, TicketEvent

FOREVER = -1


@dataclass(frozen=True)
class Topic:
    """``retention_ms`` as Kafka's ``retention.ms``; ``sealed`` values are AES-GCM bytes, key named in a header."""

    name: str
    key: str
    value: type[Part] | None
    sealed: bool = False
    compacted: bool = False
    retention_ms: int = FOREVER
    event_type: str = ""

    def config(self) -> dict[str, str]:
        """Topic configuration for the admin client."""
        if self.compacted:
            return {"cleanup.policy": "compact"}
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}


def raw_topic(channel: str) -> Topic:
    """The topic of a channel's raw bytes: kept whole, sealed, for good."""
    return Topic(f"crm.raw.{channel}", "tenant + entrance account", None, sealed=True, event_type="pengaduan.mentah")


ITEMS = Topic("crm.items", "author pseudonym, else root id", ItemEvent, sealed=True, event_type="pengaduan.butir")
TICKETS = Topic("crm.tickets", "ticket id", TicketEvent, event_type="pengaduan.tiket")
ASSIGNMENTS = Topic("crm.assignments", "ticket id", Assignment, event_type="pengaduan.disposisi")
COMMANDS = Topic("crm.commands", "ticket id", Command, event_type="pengaduan.perintah")
PROGRESS = Topic("crm.progress", "ticket id", Fact, event_type="pengaduan.fakta")
SLA = Topic("crm.sla", "ticket id", SlaEvent, event_type="pengaduan.tenggat")
REPLIES = Topic("crm.replies", "ticket id", Reply, event_type="pengaduan.jawaban")
CASES = Topic("crm.cases", "ticket id", Case, compacted=True, event_type="pengaduan.kasus")
SIGHTINGS = Topic("crm.sightings", "tenant", Sighting, event_type="pengaduan.temuan")
INCIDENTS = Topic("crm.incidents", "ticket id", IncidentFact, event_type="pengaduan.kejadian")
DEADLETTERS = Topic(
    "crm.deadletters", "key of the failed record", DeadLetter, sealed=True, event_type="pengaduan.gagal"
)

SHARED: tuple[Topic, ...] = (
    ITEMS, TICKETS, ASSIGNMENTS, COMMANDS, PROGRESS, SLA, REPLIES, CASES, SIGHTINGS, INCIDENTS, DEADLETTERS,
)  # fmt: skip
