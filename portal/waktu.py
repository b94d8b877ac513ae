"""Instants as people in Jakarta read them: Waktu Indonesia Barat (WIB, UTC+7), Indonesian names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.clock import JAKARTA

DAYS = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")
MONTHS = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip
AT_RISK = timedelta(hours=24)
"""A ticket due sooner than this counts as at risk."""


def full(moment: datetime) -> str:
    """``Senin, 23 November 2026 pukul 14.05 WIB``."""
    local = moment.astimezone(JAKARTA)
    return f"{DAYS[local.weekday()]}, {local.day} {MONTHS[local.month - 1]} {local.year} pukul {local:%H.%M} WIB"


def brief(moment: datetime) -> str:
    """``23 Nov 2026, 14.05 WIB``."""
    local = moment.astimezone(JAKARTA)
    return f"{local.day} {MONTHS[local.month - 1][:3]} {local.year}, {local:%H.%M} WIB"


def hour(moment: datetime) -> str:
    """``14.05.09 WIB``."""
    return f"{moment.astimezone(JAKARTA):%H.%M.%S} WIB"


def span(length: timedelta) -> str:
    """A duration in its two largest units: ``2 hari 3 jam``, ``5 jam 10 menit``, ``kurang dari semenit``."""
    minutes = int(abs(length).total_seconds() // 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = [f"{n} {unit}" for n, unit in ((days, "hari"), (hours, "jam"), (minutes, "menit")) if n]
    return " ".join(parts[:2]) or "kurang dari semenit"


def left(due: datetime, now: datetime) -> str:
    """``2 hari 3 jam lagi`` or ``lewat 5 jam 10 menit``."""
    return f"{span(due - now)} lagi" if due >= now else f"lewat {span(now - due)}"


def ago(moment: datetime, now: datetime) -> str:
    """``2 jam 5 menit lalu``; ``baru saja`` within a minute, and for a clock that is ahead."""
    return f"{span(now - moment)} lalu" if now - moment >= timedelta(minutes=1) else "baru saja"


def midnight(now: datetime) -> datetime:
    """When the day of ``now`` began in Jakarta, in UTC."""
    return now.astimezone(JAKARTA).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def from_field(value: str) -> datetime:
    """UTC instant of a ``datetime-local`` field meant as Jakarta time. Raises ``ValueError``."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is not None:
        raise ValueError("a zone was given")
    return moment.replace(tzinfo=JAKARTA).astimezone(UTC)


def to_field(moment: datetime) -> str:
    """Value of a ``datetime-local`` field: ``2026-11-23T14:05``."""
    return f"{moment.astimezone(JAKARTA):%Y-%m-%dT%H:%M}"
