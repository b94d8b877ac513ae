"""A faulty search engine, and invented records."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.settings import CoreSettings
from pipeline.stage import Message
from schemas.case import Actor, Case, ClockDue, Fact
from schemas.ticket import Judgement, Place

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

Fault = Callable[["FaultySearch", list[dict[str, Any]], int], tuple[int, Any]]
"""Gets the engine, the actions of one bulk request and its size; returns status and body."""


def conflict_or_created(known: dict[str, tuple[int, Any]], action: dict[str, Any], source: Any) -> dict[str, Any]:
    """What Elasticsearch answers for one action with an external version."""
    ((kind, meta),) = action.items()
    if kind == "delete":
        return {"delete": {"status": 200 if known.pop(meta["_id"], None) else 404}}
    if meta["_id"] in known and known[meta["_id"]][0] >= meta["version"]:
        return {"index": {"status": 409, "error": {"type": "version_conflict_engine_exception"}}}
    known[meta["_id"]] = (meta["version"], source)
    return {"index": {"status": 201}}


@dataclass
class FaultySearch:
    """Just enough of Elasticsearch's bulk API, with the faults given in ``faults`` for one request each."""

    faults: list[Fault] = field(default_factory=list)
    documents: dict[str, tuple[int, Any]] = field(default_factory=dict)
    requests: list[int] = field(default_factory=list)
    """Number of actions of each bulk request."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def answer(self, body: bytes) -> tuple[int, Any]:
        lines = [json.loads(line) for line in body.splitlines()]
        actions: list[dict[str, Any]] = []
        while lines:
            action = lines.pop(0)
            actions.append({"action": action, "source": None if "delete" in action else lines.pop(0)})
        with self.lock:
            self.requests.append(len(actions))
            fault = self.faults.pop(0) if self.faults else FaultySearch.apply
        return fault(self, actions, len(body))

    def apply(self, actions: list[dict[str, Any]], _size: int) -> tuple[int, Any]:
        with self.lock:
            items = [conflict_or_created(self.documents, one["action"], one["source"]) for one in actions]
        errors = any("error" in result for item in items for result in item.values())
        return 200, {"errors": errors, "items": items}


def make_settings(**values: Any) -> CoreSettings:
    """Settings of the environment, with these instead."""
    return CoreSettings(**values)


def make_case(**changes: Any) -> Case:
    """A case of an invented person."""
    base: dict[str, Any] = {
        "id": "tiket1",
        "tenant": "jakarta",
        "at": START + timedelta(hours=2),
        "number": "JK2611230001",
        "seq": 3,
        "status": "proses",
        "channel": "whatsapp",
        "account": "1029384756",
        "received_at": START,
        "opened_at": START - timedelta(minutes=1),
        "author": "p-rahasia",
        "text": "Lampunya mati di depan pasar",
        "intent": Judgement(value="complaint", confidence=0.9),
        "category": Judgement(value="lampu-jalan", confidence=0.8),
        "place": Place(
            method="polygon", confidence=1, kelurahan_code="31.74.07.1003", kelurahan="Selong",
            kecamatan="Kebayoran Baru", kota="Jakarta Selatan", lat=-6.2345, lon=106.8123,
        ),
        "unit": "DBM",
        "unit_name": "Dinas Bina Marga",
        "clocks": (ClockDue(clock="koordinasi", due_at=START + timedelta(hours=6), started_at=START),),
        "due_at": START + timedelta(hours=6),
        "history": (make_fact("received", 1, author="p-rahasia"),),
    }  # fmt: skip
    return Case(**(base | changes))


def make_fact(kind: str, seq: int, **changes: Any) -> Fact:
    base: dict[str, Any] = {
        "id": f"fakta{seq}", "tenant": "jakarta", "at": START, "kind": kind, "ticket_id": "tiket1", "seq": seq,
        "cause": f"sebab{seq}", "number": "JK2611230001", "channel": "whatsapp", "status": "proses",
        "recorded_at": START, "actor": Actor(role="citizen", account="p-rahasia"),
    }  # fmt: skip
    return Fact(**(base | changes))


def make_message(value: bytes = b"{}", **changes: Any) -> Message:
    base: dict[str, Any] = {"topic": "crm.cases", "partition": 0, "offset": 7, "key": "tiket1", "value": value}
    return Message(**(base | {"timestamp": START} | changes))


def eventually(check: Callable[[], Any], seconds: float = 30) -> Any:
    """The first true result of ``check``; fails when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        result = check()
        if result:
            return result
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)
