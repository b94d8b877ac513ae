"""How a due instant came about, line by line, for officers and citizens: in Indonesian, in Jakarta's time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from pipeline.clock import JAKARTA
from schemas.case import Fact

from .clocks import fold
from .instants import from_us
from .policy import Policy
from .run import Run, Step, StepKind

MONTHS = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip

KINDS = {
    "received": "laporan diterima",
    "withdrawn": "laporan ditarik warga",
    "routed": "unit dipilih otomatis",
    "review": "masuk meja tinjauan",
    "assigned": "unit ditetapkan",
    "accepted": "unit menerima",
    "forwarded": "diteruskan ke unit lain",
    "progressed": "unit melaporkan kemajuan",
    "asked": "unit bertanya kepada warga",
    "answered": "warga menjawab",
    "extended": "estimasi waktu selesai (EWS)",
    "resolved": "dinyatakan selesai",
    "reopened": "laporan dibuka lagi",
}

EFFECTS: dict[StepKind, str] = {
    "start": "penghitungan mulai, tenggat {due}.",
    "pause": "penghitungan dijeda.",
    "resume": "penghitungan dilanjutkan setelah jeda {pause}, tenggat {due}.",
    "extend": "dijanjikan {promised}, tenggat {due}.",
    "refused-extension": "tidak menggeser tenggat, karena diberikan sesudah tenggat lewat.",
    "met": "terpenuhi tepat waktu.",
    "late": "terlambat {delay}.",
    "cancelled": "penghitungan dihentikan, batas ini tidak berlaku lagi.",
    "reopen": "dihitung seolah tidak pernah berhenti, tenggat {due}.",
}


def explain(facts: Iterable[Fact], policy: Policy) -> list[str]:
    """For each clock of the ticket: rule and document, what started, stopped or moved it, and the due instant.

    Raises ``CalendarGap`` when a clock runs into a year without holiday data.
    """
    lines: list[str] = []
    for run in fold(facts, policy).runs:
        lines += _run(run)
    return lines or ["Tidak ada aturan tenggat yang berlaku untuk tiket ini."]


def _run(run: Run) -> list[str]:
    rule = run.rule
    whom = f", untuk {run.unit}" if run.unit is not None else ""
    lines = [
        f"{rule.title}{whom}: aturan {rule.id}, {rule.document} (berlaku sejak {rule.effective_from.isoformat()}).",
        f"  Batas {rule.limit_text}, {rule.calendar.title}.",
    ]
    paused_at = 0
    for step in run.steps:
        lines.append(f"  {moment(step.at)} – {KINDS[step.kind]}: {_effect(step, paused_at)}")
        paused_at = step.at if step.what == "pause" else paused_at
    return [*lines, f"  {_outcome(run)}"]


def _effect(step: Step, paused_at: int) -> str:
    return EFFECTS[step.what].format(
        due=moment(step.due),
        pause=span(step.at - paused_at),
        promised=moment(step.until if step.until is not None else step.due),
        delay=span(step.at - step.due),
    )


def _outcome(run: Run) -> str:
    if run.phase == "paused":
        return "Tenggat bergeser selama jeda berlangsung."
    return f"Tenggat: {moment(run.due)}."


def moment(instant: int) -> str:
    """``instant`` (us) as ``23 November 2026 08.00.00 WIB``, with the fraction of a second where there is one."""
    local = from_us(instant).astimezone(JAKARTA)
    fraction = f",{local.microsecond:06d}".rstrip("0") if local.microsecond else ""
    return f"{local.day} {MONTHS[local.month - 1]} {local.year} {local:%H.%M.%S}{fraction} WIB"


def span(amount: int) -> str:
    """``amount`` (us) as ``1 hari 2 jam 3 menit``, whole seconds."""
    seconds = int(timedelta(microseconds=amount).total_seconds())
    parts = [
        (seconds // 86_400, "hari"),
        (seconds // 3600 % 24, "jam"),
        (seconds // 60 % 60, "menit"),
        (seconds % 60, "detik"),
    ]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "kurang dari 1 detik"
