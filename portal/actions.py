"""What may be done to a ticket on its page, and the command each form makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.case import CommandKind

from .forms import Form
from .orders import Order

LONGEST = 3000
"""Characters of a report, a question or a result."""
FURTHEST = timedelta(days=366)
"""How far an estimated completion may lie ahead."""

BEFORE_WORK = frozenset({"menunggu", "koordinasi", "disposisi"})
AT_A_UNIT = BEFORE_WORK | {"proses", "menunggu_warga"}
OPEN = AT_A_UNIT | {"tinjauan"}


@dataclass(frozen=True)
class Action:
    """One form, offered at some ``stages``. ``field`` is its text field (None: without); ``needs_text``: not empty.

    ``officer``: for officers too; ``desk_any``: for the desk on tickets of every unit, not only its own.
    """

    kind: CommandKind
    title: str
    button: str
    stages: frozenset[str]
    field: str | None = None
    needs_text: bool = True
    hint: str = ""
    unit: bool = False
    until: bool = False
    officer: bool = True
    desk_any: bool = True


ACTIONS: Mapping[str, Action] = {
    "tugaskan": Action("assign", "Tugaskan", "Tugaskan", OPEN, "Catatan untuk unit", False, unit=True, officer=False),
    "terima": Action("accept", "Terima laporan", "Terima dan kerjakan", BEFORE_WORK, desk_any=False),
    "kabar": Action(
        "progress", "Kabar perkembangan", "Simpan kabar", AT_A_UNIT, "Apa yang sudah dilakukan?",
        hint="Dibaca oleh pelapor pada halaman lacaknya.", desk_any=False,
    ),
    "tanya": Action(
        "ask", "Tanya pelapor", "Kirim pertanyaan", OPEN, "Pertanyaan",
        hint="Dikirim kepada pelapor lewat kanal asalnya.",
    ),
    "perpanjang": Action(
        "extend", "Ubah estimasi selesai", "Simpan estimasi", AT_A_UNIT, "Alasan",
        hint="EWS: untuk pekerjaan yang memang berat.", until=True, desk_any=False,
    ),
    "alihkan": Action("forward", "Alihkan ke unit lain", "Alihkan", AT_A_UNIT, "Alasan pengalihan", unit=True),
    "selesai": Action(
        "close", "Selesaikan", "Tutup laporan", OPEN, "Hasil tindak lanjut",
        hint="Tulis apa yang dikerjakan, di mana, dan kapan.",
    ),
}  # fmt: skip
"""In the order the page shows them."""


def order_of(name: str, form: Form, units: Mapping[str, str], now: datetime) -> Order:
    """The order of a posted form; what is wrong with it stands in ``form.problems``."""
    action = ACTIONS[name]
    text = None
    if action.field is not None:
        text = form.text("teks", action.field, LONGEST, least=5 if action.needs_text else 0) or None
    unit = form.choice("unit", "Unit", units) if action.unit else None
    until = None
    if action.until:
        until = form.moment("hingga", "Estimasi selesai", now, now + FURTHEST)
        if until is None:
            form.problems.setdefault("hingga", "Estimasi selesai belum diisi.")
    seen = form.number("versi", "Versi", 1, 1_000_000)
    nonce = form.nonce("sekali")
    return Order(action.kind, nonce, seen, text, unit, units[unit] if unit else None, until)
