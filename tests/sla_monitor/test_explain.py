"""The explanation names rule, document, every step and the due instant, in Jakarta's time."""

from __future__ import annotations

from datetime import timedelta

from sla_monitor.explain import explain
from sla_monitor.policy import Policy
from tests.sla_monitor.harness import LURAH, START, make_fact


def test_a_paused_extended_and_reopened_ticket(policy: Policy) -> None:
    history = [
        make_fact("received", 0),
        make_fact("routed", 1, unit=LURAH),
        make_fact("asked", 24),
        make_fact("answered", 49.5),
        make_fact("extended", 60, until=START + timedelta(days=10)),
        make_fact("resolved", 70),
        make_fact("reopened", 80),
    ]
    assert explain(history, policy) == [
        "Koordinasi ke perangkat daerah yang berwenang: aturan koordinasi-se40-2019, SE Sekda 40/2019"
        " (berlaku sejak 2019-11-15).",
        "  Batas 6 jam, jam dinding: siang malam dan hari libur ikut dihitung.",
        "  23 November 2026 08.00.00 WIB – laporan diterima: penghitungan mulai,"
        " tenggat 23 November 2026 14.00.00 WIB.",
        "  23 November 2026 09.00.00 WIB – unit dipilih otomatis: terpenuhi tepat waktu.",
        "  Tenggat: 23 November 2026 14.00.00 WIB.",
        f"Tindak lanjut oleh lurah, untuk {LURAH}: aturan lurah-se61-2018, SE Sekda 61/SE/2018"
        " (berlaku sejak 2018-01-01).",
        "  Batas 24 jam, jam dinding: siang malam dan hari libur ikut dihitung.",
        "  23 November 2026 09.00.00 WIB – unit dipilih otomatis: penghitungan mulai,"
        " tenggat 24 November 2026 09.00.00 WIB.",
        "  26 November 2026 06.00.00 WIB – dinyatakan selesai: terlambat 1 hari 21 jam.",
        "  Tenggat: 24 November 2026 09.00.00 WIB.",
        "Penyelesaian laporan: aturan penyelesaian-se40-2019, SE Sekda 40/2019 (berlaku sejak 2019-11-15).",
        "  Batas 7 hari, jam dinding: siang malam dan hari libur ikut dihitung.",
        "  23 November 2026 08.00.00 WIB – laporan diterima: penghitungan mulai,"
        " tenggat 30 November 2026 08.00.00 WIB.",
        "  24 November 2026 08.00.00 WIB – unit bertanya kepada warga: penghitungan dijeda.",
        "  25 November 2026 09.30.00 WIB – warga menjawab: penghitungan dilanjutkan setelah jeda 1 hari 1 jam 30 menit,"
        " tenggat 1 Desember 2026 09.30.00 WIB.",
        "  25 November 2026 20.00.00 WIB – estimasi waktu selesai (EWS): dijanjikan 3 Desember 2026 08.00.00 WIB,"
        " tenggat 3 Desember 2026 08.00.00 WIB.",
        "  26 November 2026 06.00.00 WIB – dinyatakan selesai: terpenuhi tepat waktu.",
        "  26 November 2026 16.00.00 WIB – laporan dibuka lagi: dihitung seolah tidak pernah berhenti,"
        " tenggat 3 Desember 2026 08.00.00 WIB.",
        "  Tenggat: 3 Desember 2026 08.00.00 WIB.",
    ]


def test_an_extension_that_came_too_late_says_so(policy: Policy) -> None:
    late = make_fact("extended", 200, until=START + timedelta(days=20))
    lines = explain([make_fact("received", 0), late], policy)
    assert lines[-2].endswith("tidak menggeser tenggat, karena diberikan sesudah tenggat lewat.")


def test_a_pause_that_goes_on_and_a_withdrawal(policy: Policy) -> None:
    received, asked = make_fact("received", 0), make_fact("asked", 1)
    assert explain([received, asked], policy)[-1] == "  Tenggat bergeser selama jeda berlangsung."
    withdrawn = explain([received, make_fact("withdrawn", 1.0001)], policy)
    assert "  23 November 2026 09.00.00,36 WIB – laporan ditarik warga: penghitungan dihentikan," in withdrawn[-2]


def test_a_ticket_without_clocks(policy: Policy) -> None:
    assert explain([], policy) == ["Tidak ada aturan tenggat yang berlaku untuk tiket ini."]
