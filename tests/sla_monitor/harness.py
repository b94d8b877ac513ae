"""Facts, a clock and an in-memory frame for the monitor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pipeline.stage import Message
from schemas.base import Record, encode
from schemas.case import Fact, FactKind
from schemas.events import SlaEvent
from schemas.ids import derived_id
from schemas.topics import PROGRESS, SLA, Topic
from sla_monitor.policy import Policy
from sla_monitor.stage import SlaStage

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
LURAH = "KEL:31.74.07.1003"


def make_fact(kind: FactKind, hours: float = 0, *, learned: float | None = None, seq: int = 0, **more: object) -> Fact:
    """A fact ``hours`` after ``START``, learned then unless ``learned`` says later."""
    at = START + timedelta(hours=hours)
    values: dict[str, object] = {
        "id": derived_id(kind, str(hours), str(seq), str(more)),
        "tenant": "jakarta",
        "at": at,
        "recorded_at": START + timedelta(hours=learned) if learned is not None else at,
        "kind": kind,
        "ticket_id": "t1",
        "seq": seq,
        "cause": "c",
        "number": "JK2611230001",
        "channel": "whatsapp",
        "status": "menunggu",
    }
    return Fact(**{**values, **more})  # type: ignore[arg-type]


class FakeClock:
    """Stands where it is put."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment


class Frame:
    """What the batch frame does: outputs, then table; and it can lose either, as a crash would."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.clock = FakeClock()
        self.rows: dict[str, bytes] = {}
        self.sent: list[SlaEvent] = []
        self.dead: list[str] = []
        self._staged: dict[str, bytes] = {}
        self.stage = SlaStage(policy, self.clock)

    def get(self, key: str) -> bytes | None:
        return self._staged.get(key, self.rows.get(key))

    def put(self, key: str, value: bytes) -> None:
        self._staged[key] = value

    def delete(self, key: str) -> None:
        raise AssertionError("the monitor forgets nothing")

    def send(self, topic: Topic, key: str, record: Record) -> None:
        assert topic is SLA
        assert isinstance(record, SlaEvent)
        assert key == record.ticket_id
        self.sent.append(record)

    def send_sealed(self, topic: Topic, key: str, plain: bytes, headers: Mapping[str, str]) -> str:
        raise AssertionError("nothing of the monitor's is sealed")

    def dead_letter(self, message: Message, reason: str, detail: str = "") -> None:
        self.dead.append(reason)

    async def take(self, *facts: Fact | bytes, lose_table: bool = False) -> list[SlaEvent]:
        """One batch; returns what it sent."""
        before = len(self.sent)
        messages = [
            Message(PROGRESS.name, 0, offset, "t1", fact if isinstance(fact, bytes) else encode(fact))
            for offset, fact in enumerate(facts)
        ]
        await self.stage.process(messages, self, _Out(self))
        self._finish(lose_table)
        return self.sent[before:]

    async def tick(self, hours: float, *, lose_table: bool = False) -> list[SlaEvent]:
        """One tick at ``hours`` after ``START``; returns what it sent."""
        before = len(self.sent)
        self.clock.moment = START + timedelta(hours=hours)
        await self.stage.tick(0, self.clock.moment, self, _Out(self))
        self._finish(lose_table)
        return self.sent[before:]

    def _finish(self, lose_table: bool) -> None:
        if not lose_table:
            self.rows |= self._staged
        self._staged = {}

    def restart(self, policy: Policy | None = None) -> None:
        """A new process finds the table as it was written."""
        self.stage = SlaStage(policy or self.policy, self.clock)
        self.stage.recovered(0, iter(list(self.rows.items())))


class _Out:
    """The outbox as the stage sees it."""

    def __init__(self, frame: Frame) -> None:
        self.send = frame.send
        self.send_sealed = frame.send_sealed
        self.dead = frame.dead_letter


def said(events: list[SlaEvent]) -> list[tuple[str, str | None, int | None]]:
    """Kind, clock and percent of events."""
    return [(event.kind, event.clock, event.percent) for event in events]
