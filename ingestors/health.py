"""The health of a channel from its numbers and from what its vendor says. Pure: no I/O, no clock.

**Silence.** Deliveries are compared with the mean of the same hours of the week in up to four past weeks. Were they
independent of each other, their number in a window with mean m would follow Poisson's law; a channel is silent when a
number as low as the one seen, or lower, has a probability under 1 in 1,000. The window starts at one hour and grows to
24, so a busy channel is found silent within the hour (m = 7 suffices for none at all) and one with seven deliveries a
day within the day. Rarer ones are never called silent: for them the probe and `tanggap reconcile` must do. Reports come
in bursts (a flood), so real numbers vary more than Poisson's: after an unusual week the alarm may be early, which a
look settles. Less than one week of history says nothing.

Counted are deliveries, not messages: a webhook's batch and a page of a listing are one record each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pipeline.channel import Probe

WINDOW: Final = 24
"""Hours."""
WEEKS: Final = 4
UNLIKELY: Final = 0.001
TOKEN_SOON: Final = 14
"""Days before its end from which a token is to be renewed: a long-lived one of Meta's takes a person to do it."""
BUDGET_SOON: Final = 0.9


@dataclass(frozen=True)
class Traffic:
    """Deliveries of a channel. ``recent`` and each of ``weeks`` count hour by hour, the newest first; ``weeks`` holds
    the same 24 hours one, two … weeks earlier, as far as the channel's first record reaches."""

    last: datetime | None
    last_hour: int
    recent: tuple[int, ...]
    weeks: tuple[tuple[int, ...], ...] = ()

    @property
    def usual(self) -> tuple[float, ...] | None:
        """Mean of each hour; None without a whole week of history."""
        if not self.weeks:
            return None
        return tuple(sum(hours) / len(self.weeks) for hours in zip(*self.weeks, strict=True))


@dataclass(frozen=True)
class Silence:
    """``hours`` is the window that decided, ``seen`` and ``expected`` what it holds."""

    hours: int
    seen: int
    expected: float


@dataclass(frozen=True)
class Condition:
    """``code`` is for programs; ``words`` and ``todo`` are for operations, in Indonesian; ``tint`` as in portal.css."""

    code: str
    words: str
    tint: str
    todo: str = ""


def at_most(seen: int, mean: float) -> float:
    """Probability of ``seen`` or fewer by Poisson's law; ``mean`` is not negative."""
    if mean <= 0:
        return 1.0
    terms = (math.exp(n * math.log(mean) - mean - math.lgamma(n + 1)) for n in range(seen + 1))
    return min(1.0, math.fsum(terms))


def silence(recent: Sequence[int], usual: Sequence[float] | None) -> Silence | None:
    """The shortest window with unlikely few deliveries; None when there is none, or no history to compare with."""
    seen, expected = 0, 0.0
    for hours, (count, mean) in enumerate(zip(recent[:WINDOW], (usual or ())[:WINDOW], strict=False), start=1):
        seen, expected = seen + count, expected + mean
        if seen < expected and at_most(seen, expected) < UNLIKELY:
            return Silence(hours, seen, expected)
    return None


def days_left(expires: datetime, now: datetime) -> float:
    """Days until a token ends; negative afterwards."""
    return (expires - now) / timedelta(days=1)


def without_credentials(probe: Probe) -> bool:
    """A probe that was told nothing of our access had nothing to ask with."""
    return probe.accepted is None and probe.subscribed is None and probe.token_expires_at is None


def condition(name: str, traffic: Traffic | None, probe: Probe | None, now: datetime, *, asked: bool) -> Condition:
    """The worst that is known of the channel ``name``.

    ``asked`` tells whether the channel can be probed at all; a ``probe`` of None then means that it was not answered.
    """
    return _access(name, probe, now) or _traffic(traffic) or _lesser(name, traffic, probe, now, asked)


def _access(name: str, probe: Probe | None, now: datetime) -> Condition | None:
    """What keeps messages out for certain."""
    if probe is None:
        return None
    variables = f"TANGGAP_{name.upper()}_…"
    if probe.token_expires_at is not None and probe.token_expires_at <= now:
        todo = f"Perbarui token di {variables}; yang terlewat diambil menyusul (runbook channel-token)."
        return Condition("token-expired", "token sudah habis", "merah", todo)
    if probe.accepted is False:
        todo = f"Periksa kredensial {variables} (runbook channel-token)."
        return Condition("refused", "kredensial ditolak", "merah", todo)
    if probe.subscribed is False:
        todo = "Langganan di penyedia mati: aktifkan kembali (runbook channel-unsubscribed)."
        return Condition("unsubscribed", "tidak berlangganan", "merah", todo)
    return None


def _traffic(traffic: Traffic | None) -> Condition | None:
    found = silence(traffic.recent, traffic.usual) if traffic is not None else None
    if found is None:
        return None
    todo = (
        f"{found.seen} kiriman dalam {found.hours} jam, biasanya {found.expected:.0f}: periksa jalan masuknya "
        "(runbook channel-silent)."
    )
    return Condition("silent", "sunyi", "merah", todo)


def _lesser(name: str, traffic: Traffic | None, probe: Probe | None, now: datetime, asked: bool) -> Condition:
    """What still lets messages in, then what is merely not known."""
    if asked and probe is None:
        return Condition("unanswered", "tidak terjawab", "kuning", "Penyedia tidak menjawab; ditanya lagi sendiri.")
    told = _told(name, probe, now) if probe is not None else None
    if told is not None:
        return told
    if traffic is None:
        return Condition("unread", "belum terbaca", "abu", "Kafka belum menjawab; dibaca lagi sendiri.")
    if traffic.usual is None:
        return Condition("young", "belum cukup data", "abu", "Kesunyian dapat dinilai setelah seminggu.")
    return Condition("healthy", "sehat", "hijau")


def _told(name: str, probe: Probe, now: datetime) -> Condition | None:
    """What the vendor told that will be trouble."""
    left = days_left(probe.token_expires_at, now) if probe.token_expires_at else math.inf
    if left <= TOKEN_SOON:
        todo = f"Perbarui token sebelum habis, lalu ganti TANGGAP_{name.upper()}_… (runbook channel-token)."
        return Condition("token-soon", f"token habis {math.ceil(left)} hari lagi", "kuning", todo)
    used = budget(probe)
    if used is not None and used >= BUDGET_SOON:
        todo = "Anggaran di penyedia hampir habis: tambah anggaran, atau perjarang penarikan."
        return Condition("budget", "anggaran hampir habis", "kuning", todo)
    if without_credentials(probe):
        todo = f"Isi TANGGAP_{name.upper()}_… bila kanal ini dipakai (.env.example)."
        return Condition("no-credentials", "tanpa kredensial", "abu", todo)
    if probe.problem:
        return Condition("problem", f"perlu dilihat: {probe.problem}", "kuning", "Arti kodenya di docs/reasons.md.")
    return None


def budget(probe: Probe) -> float | None:
    """Used share of the vendor's budget; None where it is not told."""
    if probe.used is None or not probe.limit or probe.limit < 0 or not math.isfinite(probe.used / probe.limit):
        return None
    return max(0.0, probe.used / probe.limit)
