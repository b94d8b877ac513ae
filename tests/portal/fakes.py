"""An invented city: the portal over fakes of everything outside it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from fastapi import FastAPI

from pipeline.errors import Unavailable
from portal import errors
from portal.app import routes
from portal.cases import Inbox, InboxQuery, Numbers, UnitLoad
from portal.deps import ChannelHealth, Health, PortalDeps
from schemas.base import Record
from schemas.case import Actor, Case, ClockDue, Command, Fact, FactKind, Status
from schemas.ticket import Candidate, Judgement, Place
from schemas.topics import Topic
from vault.model import Account, MediaVariant, Original, Role, Scope, Ticket

NOW = datetime(2026, 11, 23, 7, 5, tzinfo=UTC)
UNITS = (("DISHUB", "Dinas Perhubungan"), ("DBM", "Dinas Bina Marga"), ("BIRO-PEM", "Biro Pemerintahan Setda"))
CATEGORIES = (("parkir-liar", "Parkir liar"), ("jalan-rusak", "Jalan rusak"))
PASSWORD = "demo-sandi"
FACT_OF: dict[str, tuple[FactKind, Status]] = {
    "assign": ("assigned", "menunggu"),
    "accept": ("accepted", "proses"),
    "forward": ("forwarded", "koordinasi"),
    "progress": ("progressed", "proses"),
    "ask": ("asked", "menunggu_warga"),
    "answer": ("answered", "proses"),
    "extend": ("extended", "proses"),
    "close": ("resolved", "selesai"),
    "reopen": ("reopened", "proses"),
    "rate": ("rated", "selesai"),
}


def ticket_id(letter: str) -> str:
    return "t" + letter * 26


def channel_of(name: str, title: str, **fields: Any) -> ChannelHealth:
    """A healthy channel that last brought something two hours ago."""
    row = ChannelHealth(
        name=name, title=title, last=NOW - timedelta(hours=2), hour=3, usual=2.5, token_days=None, budget=None,
        state="healthy", words="sehat", tint="hijau", todo="",
    )  # fmt: skip
    row.update(fields)  # type: ignore[typeddict-item]
    return row


@dataclass
class FakeClock:
    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment


@dataclass
class FakeVault:
    """In memory, with the behaviour that ``vault.store.Vault`` documents."""

    tickets: dict[str, Ticket] = field(default_factory=dict)
    tokens: dict[str, tuple[str, Scope]] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    sessions: dict[str, Account] = field(default_factory=dict)
    words: dict[str, list[Original]] = field(default_factory=dict)
    trail: list[tuple[str, str, str, str]] = field(default_factory=list)

    def resolve(self, token: str) -> tuple[str, Scope] | None:
        return self.tokens.get(token)

    def ticket(self, ticket_id: str) -> Ticket | None:
        return self.tickets.get(ticket_id)

    def token(self, ticket_id: str, scope: Scope) -> str:
        return next(token for token, found in self.tokens.items() if found == (ticket_id, scope))

    def originals(self, ticket_id: str, actor: str, reason: str) -> list[Original]:
        self.audit(actor, "original", ticket_id, reason)
        return self.words.get(ticket_id, [])

    def media_path(self, ticket_id: str, blob: str, variant: MediaVariant, expires_at: datetime) -> str:
        return f"/berkas/{ticket_id}/{blob}/{variant}/{int(expires_at.timestamp())}/mac"

    def login(self, username: str, password: str) -> Account | None:
        return self.accounts.get(username) if password == PASSWORD else None

    def open_session(self, account: Account) -> str:
        token = secrets.token_urlsafe(32)
        self.sessions[token] = account
        return token

    def session(self, token: str) -> Account | None:
        return self.sessions.get(token)

    def close_session(self, token: str) -> None:
        self.sessions.pop(token, None)

    def audit(self, actor: str, action: str, subject: str, reason: str) -> None:
        self.trail.append((actor, action, subject, reason))


@dataclass
class FakeCases:
    """Cases by id; ``away`` plays a search that cannot be reached."""

    cases: dict[str, Case] = field(default_factory=dict)
    away: bool = False

    async def get(self, ticket_id: str) -> Case | None:
        self._reach()
        return self.cases.get(ticket_id)

    async def inbox(self, query: InboxQuery, now: datetime) -> Inbox:
        self._reach()
        mine = [case for case in self.cases.values() if query.unit in (None, case.unit)]
        shown = [case for case in mine if case.status in (query.statuses or (case.status,))]
        counts: dict[str, int] = {}
        for case in mine:
            counts[case.status] = counts.get(case.status, 0) + 1
        return Inbox(tuple(shown), len(shown), counts)

    async def numbers(self, now: datetime) -> Numbers:
        self._reach()
        cases = tuple(self.cases.values())
        flood = tuple(max(0, 14 - abs(n - 41)) for n in range(60))
        return Numbers(
            received_today=508,
            open=len(cases),
            late=1,
            at_risk=3,
            review=1,
            statuses={"tinjauan": 1, "menunggu": 4, "koordinasi": 1, "proses": 9, "menunggu_warga": 2},
            units=(
                UnitLoad("DBM", "Dinas Bina Marga", 42, 6),
                UnitLoad("DISHUB", "Dinas Perhubungan", 31, 2),
                UnitLoad("KEL:31.74.07.1003", "Kelurahan Selong", 5, 0),
            ),
            minutes={"whatsapp": flood, "x": (0,) * 50 + (1, 0, 2, 0, 0, 1, 0, 3, 1, 0)},
            hours={
                "whatsapp": tuple(range(5, 29)),
                "x": (2, 1) * 12,
                "email": (1,) * 24,
                "counter": (0,) * 16 + (4,) * 8,
            },
            latest=cases,
        )

    def _reach(self) -> None:
        if self.away:
            raise Unavailable("search")


@dataclass
class FakeCasework:
    """Takes commands, and answers each with its fact, or with a refusal for ``refuse``."""

    cases: FakeCases
    clock: FakeClock
    sent: list[Command] = field(default_factory=list)
    refuse: str | None = None
    silent: bool = False
    away: bool = False

    async def publish(self, topic: Topic, key: str, record: Record) -> None:
        if self.away:
            raise Unavailable("kafka")
        assert topic.name == "crm.commands"
        assert isinstance(record, Command)
        assert key == record.ticket_id
        self.sent.append(record)
        case = self.cases.cases[key]
        if self.silent or any(fact.cause == record.id for fact in case.history):
            return
        kind, status = FACT_OF[record.kind]
        if self.refuse:
            kind, status = "refused", case.status
        unit, name = (record.unit, record.unit_name) if record.unit else (case.unit, case.unit_name)
        fact = fact_of(case, kind, status, record.id, at=self.clock.now(), text=record.text, reason=self.refuse)
        fact = msgspec.structs.replace(fact, unit=unit, unit_name=name, rating=record.rating)
        self.cases.cases[key] = msgspec.structs.replace(
            case,
            seq=fact.seq,
            status=status,
            unit=unit,
            unit_name=name,
            history=(*case.history, fact),
            rating=record.rating,
        )


def fact_of(
    case: Case,
    kind: FactKind,
    status: Status,
    cause: str,
    *,
    at: datetime,
    text: str | None = None,
    reason: str | None = None,
    actor: Actor | None = None,
) -> Fact:
    """The next fact of a case."""
    return Fact(
        id=f"{case.id}-{case.seq + 1}",
        tenant="jakarta",
        at=at,
        kind=kind,
        ticket_id=case.id,
        seq=case.seq + 1,
        cause=cause,
        number=case.number,
        channel=case.channel,
        status=status,
        recorded_at=at,
        unit=case.unit,
        unit_name=case.unit_name,
        text=text,
        reason=reason,
        actor=actor,
    )


def case_of(
    letter: str, number: str, status: Status, unit: str | None, unit_name: str | None, **fields: object
) -> Case:
    """A ticket about cars on a bicycle lane, as casework would have it."""
    received = NOW - timedelta(hours=20)
    case = Case(
        id=ticket_id(letter),
        tenant="jakarta",
        at=NOW,
        number=number,
        seq=0,
        status=status,
        channel="whatsapp",
        account="dki",
        received_at=received,
        opened_at=received,
        author="p" + "x" * 26,
        text="Jalur sepeda di Jl. Gunawarman dipakai buat parkir mobil. Hubungi [nomor disamarkan].",
        category=Judgement(value="parkir-liar", confidence=0.91, reasons=("kata “parkir mobil”",)),
        place=Place(
            method="text",
            confidence=0.8,
            kelurahan="Selong",
            kelurahan_code="31.74.07.1003",
            kecamatan="Kebayoran Baru",
            kota="Jakarta Selatan",
            lat=-6.2366,
            lon=106.8077,
            street="Jl. Gunawarman",
            reasons=("nama jalan dikenal",),
        ),
        unit=unit,
        unit_name=unit_name,
        candidates=(
            Candidate(code="DISHUB", name="Dinas Perhubungan", confidence=0.55),
            Candidate(code="DBM", name="Dinas Bina Marga", confidence=0.3),
            Candidate(code="KEL:31.74.07.1003", name="Kelurahan Selong", confidence=0.1),
        ),
        route_reasons=("kategori parkir liar menjadi tugas Dinas Perhubungan",),
        clocks=(
            ClockDue(clock="koordinasi", due_at=received + timedelta(hours=6), started_at=received, state="met"),
            ClockDue(
                clock="penyelesaian",
                due_at=received + timedelta(days=7),
                started_at=received,
                source="SE Sekda 40/2019",
            ),
        ),
        due_at=received + timedelta(days=7),
    )
    actor = Actor(role="officer", unit=unit, account="akun-rahasia-7")
    trail: tuple[tuple[FactKind, Status, str | None], ...] = (
        ("received", "menunggu", None),
        ("routed", "menunggu", None),
        ("sla_scheduled", "menunggu", None),
        ("accepted", "proses", None),
        ("progressed", "proses", "Petugas sudah di lokasi sejak pagi."),
    )
    length = {"tinjauan": 1, "menunggu": 3}.get(status, 5)
    for n, (kind, then, text) in enumerate(trail[:length]):
        fact = fact_of(case, kind, then, f"sebab-{n}", at=received + timedelta(hours=n), text=text, actor=actor)
        case = msgspec.structs.replace(case, seq=fact.seq, history=(*case.history, fact))
    return msgspec.structs.replace(case, **fields)


class City:
    """Everything the portal is handed, and the application around it."""

    def __init__(self, base_url: str = "http://portal.test") -> None:
        self.clock = FakeClock()
        self.vault = FakeVault()
        self.cases = FakeCases()
        self.casework = FakeCasework(self.cases, self.clock)
        self.forms: list[dict[str, str | None]] = []
        self.decided: dict[str, tuple[str, str]] = {}
        self.decide: Callable[[dict[str, str | None], str], None] = lambda form, key: None
        self.health: Health = {
            "channels": [
                channel_of(
                    "whatsapp",
                    "WhatsApp",
                    state="silent",
                    words="sunyi",
                    tint="merah",
                    hour=0,
                    usual=41.75,
                    todo="0 kiriman dalam 1 jam, biasanya 42: periksa jalan masuknya (runbook channel-silent).",
                ),
                channel_of(
                    "x",
                    "X (Twitter)",
                    state="token-soon",
                    words="token habis 6 hari lagi",
                    tint="kuning",
                    token_days=5.2,
                    budget=0.42,
                    todo="Perbarui token sebelum habis (runbook channel-token).",
                ),
                channel_of("email", "Surel", last=None, hour=None, usual=None),
            ],
            "services": [
                {"name": "normalizer", "state": "jalan", "lag": 3},
                {"name": "router", "state": "mati", "lag": None},
            ],
            "dead_letters": {"email.too-deep": 2},
            "outbox": {"sent": 12, "recorded": 5, "failed": 1},
        }
        people: tuple[tuple[Role, str, str], ...] = (
            ("officer", "DISHUB", "Dinas Perhubungan"),
            ("desk", "BIRO-PEM", "Biro Pemerintahan Setda"),
            ("counter", "KEL:31.74.07.1003", "Kelurahan Selong"),
            ("operations", "BIRO-PEM", "Biro Pemerintahan Setda"),
        )
        for role, unit, unit_name in people:
            self._account(role, unit, unit_name)
        self.deps = PortalDeps(
            tenant="jakarta",
            base_url=base_url,
            vault=self.vault,
            cases=self.cases,
            commands=self.casework,
            submit_counter=self._submit,
            ticket_of_item=self._found,
            mask=lambda text: text.replace("081200000001", "[nomor]"),
            units=UNITS,
            categories=CATEGORIES,
            health=self._health,
            clock=self.clock,
            wait=0.05,
        )
        self.app = FastAPI(openapi_url=None)
        self.app.include_router(routes(self.deps))
        errors.install(self.app)

    def put(self, case: Case, *, account: str = "dki", indexed: bool = True) -> Case:
        """A ticket in the register and, unless told otherwise, in the index. Tokens: ``lihat-``/``pelapor-`` and id."""
        self.vault.tickets[case.id] = Ticket(case.id, case.number, "jakarta", case.channel, account, case.received_at)
        scopes: tuple[Scope, Scope] = ("lihat", "pelapor")
        for scope in scopes:
            self.vault.tokens[f"{scope}-{case.id}"] = (case.id, scope)
        if indexed:
            self.cases.cases[case.id] = case
        return case

    def _account(self, role: Role, unit: str, unit_name: str) -> None:
        self.vault.accounts[role] = Account(f"akun-{role}", role, f"Petugas {role.title()}", role, unit, unit_name)

    async def _submit(self, form: dict[str, str | None]) -> str:
        if self.casework.away:
            raise Unavailable("kafka")
        self.forms.append(form)
        key = f"counter:{form['desk']}:{form['form_id']}"
        self.decide(form, key)
        return key

    async def _found(self, key: str) -> tuple[str, str] | None:
        return self.decided.get(key)

    async def _health(self) -> Health:
        return self.health
