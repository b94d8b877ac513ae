"""Which time counts: the wall clock, or the working hours of an office.

The arithmetic is on whole microseconds (``sla_monitor.instants``): a cumulative table of working time and two bisects,
exact to the microsecond. Holidays are those of the joint ministerial decrees (SKB) in ``data/libur.csv``.
"""

from __future__ import annotations

import csv
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .instants import DAY, from_us, to_us
from .source import DataError, Node, read

WEEKDAYS = ("senin", "selasa", "rabu", "kamis", "jumat", "sabtu", "minggu")
HOLIDAY_KINDS = ("libur_nasional", "cuti_bersama")
HOLIDAY_COLUMNS = ["tanggal", "nama", "jenis", "skb"]
WITHOUT_HOLIDAYS = range(1945, 2101)
"""Years that a calendar without holidays covers."""

Hours = tuple[tuple[tuple[time, time], ...], ...]
"""Opening hours of the seven weekdays, Monday first; local time."""


class CalendarGap(ValueError):
    """A clock ran into a year that the calendar knows nothing of. The message names the file to extend."""


class Calendar(Protocol):
    """Adds and measures counted time. Instants and amounts are microseconds; amounts are never negative."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    def add(self, start: int, amount: int) -> int:
        """When ``amount`` of counted time will have passed since ``start``. May raise ``CalendarGap``."""

    def between(self, start: int, end: int) -> int:
        """Counted time from ``start`` to ``end``; 0 when ``end`` is not later. May raise ``CalendarGap``."""

    def content(self) -> str:
        """A text that differs whenever the calendar counts differently."""


@dataclass(frozen=True)
class WallClock:
    """Every second counts, day and night, holidays too."""

    name: str = "wall"
    title: str = "jam dinding: siang malam dan hari libur ikut dihitung"

    def add(self, start: int, amount: int) -> int:
        """See ``Calendar``."""
        return start + amount

    def between(self, start: int, end: int) -> int:
        """See ``Calendar``."""
        return max(0, end - start)

    def content(self) -> str:
        """See ``Calendar``."""
        return self.name


@dataclass(frozen=True)
class Season:
    """Other opening hours from ``first`` to ``last`` (both included), as in Ramadan."""

    first: date
    last: date
    hours: Hours


@dataclass(frozen=True)
class _Table:
    """Opening intervals in order, and the working time that lies before the end of each."""

    opens: Sequence[int]
    closes: Sequence[int]
    before: Sequence[int]
    after: Sequence[int]


@dataclass(frozen=True)
class WorkingCalendar:
    """Only opening hours count. ``years`` are those with holiday data, which ``source`` gives (or denies)."""

    name: str
    title: str
    zone: ZoneInfo
    hours: Hours
    seasons: tuple[Season, ...]
    holidays: Mapping[date, str] = field(repr=False)
    years: range
    source: Path

    def add(self, start: int, amount: int) -> int:
        """See ``Calendar``. A start outside opening hours counts from the next opening; a full day ends at closing."""
        if amount == 0:
            return start
        table, target = self._table, self._position(start) + amount
        index = bisect_left(table.after, target)
        if index == len(table.after):
            raise self._gap(self.years.stop)
        return table.opens[index] + target - table.before[index]

    def between(self, start: int, end: int) -> int:
        """See ``Calendar``."""
        return self._position(end) - self._position(start) if end > start else 0

    def content(self) -> str:
        """See ``Calendar``."""
        return repr((self.name, self.zone.key, self.hours, self.seasons, sorted(self.holidays), self.years))

    def _position(self, instant: int) -> int:
        """Working time from the table's beginning to ``instant``."""
        low, high = self._span
        if not low <= instant < high:
            raise self._gap(_year(instant, self.zone))
        table = self._table
        index = bisect_right(table.opens, instant) - 1
        if index < 0:
            return 0
        return table.before[index] + min(instant, table.closes[index]) - table.opens[index]

    def _gap(self, year: int) -> CalendarGap:
        return CalendarGap(
            f"{self.source}: calendar {self.name!r} covers {self.years.start} to {self.years.stop - 1}, not {year}:"
            " add that year's holidays (SKB) to the file"
        )

    @cached_property
    def _span(self) -> tuple[int, int]:
        return self._local(date(self.years.start, 1, 1), time()), self._local(date(self.years.stop, 1, 1), time())

    @cached_property
    def _table(self) -> _Table:
        opens, closes, before, after, total = [], [], [], [], 0
        day = date(self.years.start, 1, 1)
        while day.year < self.years.stop:
            for opening, closing in self.hours_on(day):
                opens.append(self._local(day, opening))
                closes.append(self._local(day, closing))
                before.append(total)
                total += closes[-1] - opens[-1]
                after.append(total)
            day += timedelta(days=1)
        return _Table(opens, closes, before, after)

    def hours_on(self, day: date) -> tuple[tuple[time, time], ...]:
        """Opening hours of ``day``, local time; empty on a holiday."""
        if day in self.holidays:
            return ()
        for season in self.seasons:
            if season.first <= day <= season.last:
                return season.hours[day.weekday()]
        return self.hours[day.weekday()]

    def _local(self, day: date, at: time) -> int:
        return to_us(datetime.combine(day, at, self.zone))


def _year(instant: int, zone: ZoneInfo) -> int:
    try:
        return from_us(instant).astimezone(zone).year
    except OverflowError:
        return 1970 + instant // (365 * DAY)


def load_calendars(path: Path) -> dict[str, Calendar]:
    """All calendars of ``path`` by id, and ``wall``. Holiday files stand beside it. Raises ``DataError``."""
    calendars: dict[str, Calendar] = {"wall": WallClock()}
    for node in read(path).mapping(["calendars"])["calendars"].items():
        calendar = _calendar(node, path)
        if calendar.name in calendars:
            raise node.error(f"calendar {calendar.name!r} stands twice: rename one")
        calendars[calendar.name] = calendar
    return calendars


def _calendar(node: Node, path: Path) -> WorkingCalendar:
    keys = node.mapping(["id", "title", "document", "timezone", "holidays", "hours"], ["seasons"])
    keys["document"].text()
    source, years, holidays = path, WITHOUT_HOLIDAYS, dict[date, str]()
    if (name := keys["holidays"].text()) != "none":
        source = path.parent / name
        holidays = load_holidays(source)
        years = range(min(holidays).year, max(holidays).year + 1)
    hours = _hours(keys["hours"])
    if not any(hours):
        raise keys["hours"].error("no opening hours at all: give at least one day")
    seasons = tuple(_season(season) for season in keys["seasons"].items()) if "seasons" in keys else ()
    return WorkingCalendar(
        keys["id"].text(), keys["title"].text(), _zone(keys["timezone"]), hours, seasons, holidays, years, source
    )


def _zone(node: Node) -> ZoneInfo:
    try:
        return ZoneInfo(node.text())
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise node.error(f"unknown time zone {node.text()!r}: write for example Asia/Jakarta") from error


def _season(node: Node) -> Season:
    keys = node.mapping(["from", "to", "document", "hours"])
    keys["document"].text()
    first, last = keys["from"].day(), keys["to"].day()
    if last < first:
        raise keys["to"].error(f"the season ends before it begins ({first}): swap the dates")
    return Season(first, last, _hours(keys["hours"]))


def _hours(node: Node) -> Hours:
    days = node.mapping((), WEEKDAYS)
    return tuple(_intervals(days[name]) if name in days else () for name in WEEKDAYS)


def _intervals(node: Node) -> tuple[tuple[time, time], ...]:
    """``07:30-12:00, 13:00-16:00`` as pairs of local times, in order and apart."""
    found: list[tuple[time, time]] = []
    for part in node.text().split(","):
        try:
            opening, closing = (time.fromisoformat(edge.strip()) for edge in part.split("-"))
        except ValueError as error:
            raise node.error(f"expected hours such as 07:30-16:00, not {part.strip()!r}") from error
        if closing <= opening or (found and opening < found[-1][1]):
            raise node.error(f"hours must go forward and not overlap: {part.strip()!r}")
        found.append((opening, closing))
    return tuple(found)


def load_holidays(path: Path) -> dict[date, str]:
    """Date and name of every public holiday and cuti bersama in ``path``. Raises ``DataError``.

    CSV with the columns ``tanggal`` (2026-01-01), ``nama``, ``jenis`` (libur_nasional or cuti_bersama) and ``skb``, the
    decree. Every year from the first to the last must have rows: a year without is a gap, not a year without holidays.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames != HOLIDAY_COLUMNS:
                raise DataError(path, 1, f"expected the columns {','.join(HOLIDAY_COLUMNS)}")
            holidays: dict[date, str] = {}
            for row in reader:
                day = _holiday(path, reader.line_num, row, holidays)
                holidays[day] = row["nama"]
    except OSError as error:
        raise DataError(path, 1, f"cannot be read ({error.strerror}): put the file back") from error
    years = {day.year for day in holidays}
    if not years:
        raise DataError(path, 1, "holds no holiday: add the rows of the SKB")
    if gaps := set(range(min(years), max(years))) - years:
        raise DataError(path, 1, f"holds no holiday of {min(gaps)}: add the rows of that year's SKB")
    return holidays


def _holiday(path: Path, line: int, row: Mapping[str, str | None], known: Collection[date]) -> date:
    try:
        day = date.fromisoformat(row["tanggal"] or "")
    except ValueError as error:
        raise DataError(path, line, f"expected a date such as 2026-01-01, not {row['tanggal']!r}") from error
    if day in known:
        raise DataError(path, line, f"{day} stands twice: remove one")
    if row["jenis"] not in HOLIDAY_KINDS:
        raise DataError(path, line, f"jenis must be {' or '.join(HOLIDAY_KINDS)}, not {row['jenis']!r}")
    if not row["nama"] or not row["skb"]:
        raise DataError(path, line, "nama and skb must not be empty: name the holiday and its decree")
    return day
