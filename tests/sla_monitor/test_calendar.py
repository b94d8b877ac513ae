"""Working time against a naive minute-by-minute oracle, worked examples, and calendars that lack a year."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays as holidays_package
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_monitor.calendar import Calendar, CalendarGap, WallClock, load_calendars
from sla_monitor.instants import SECOND, from_us, to_us
from sla_monitor.policy import DATA
from sla_monitor.source import DataError

JAKARTA = ZoneInfo("Asia/Jakarta")
MINUTE = 60 * SECOND
OFFICE = load_calendars(DATA / "calendars.yaml")["kantor-jakarta"]


def holidays_of_file() -> set[date]:
    with (DATA / "libur.csv").open(encoding="utf-8") as file:
        return {date.fromisoformat(row["tanggal"]) for row in csv.DictReader(file)}


CLOSED = holidays_of_file()


def open_at(moment: datetime) -> bool:
    """The office hours of data/calendars.yaml, written down a second time."""
    local = moment.astimezone(JAKARTA)
    if local.date() in CLOSED or local.weekday() > 4:
        return False
    minute = local.hour * 60 + local.minute
    return 450 <= minute < (990 if local.weekday() == 4 else 960)


def slow_add(start: datetime, minutes: int) -> datetime:
    moment = start
    while True:
        if open_at(moment):
            minutes -= 1
        moment += timedelta(minutes=1)
        if minutes == 0:
            return moment


BEGINNING = datetime(2026, 1, 1, tzinfo=JAKARTA)
whole_minutes = st.integers(0, 660 * 1440).map(lambda minutes: BEGINNING + timedelta(minutes=minutes))


@settings(max_examples=50, deadline=None)
@given(start=whole_minutes, minutes=st.integers(1, 3000))
def test_a_deadline_in_working_time_is_that_of_counting_minutes(start: datetime, minutes: int) -> None:
    assert from_us(OFFICE.add(to_us(start), minutes * MINUTE)) == slow_add(start, minutes)


@settings(max_examples=50, deadline=None)
@given(start=whole_minutes, length=st.integers(0, 9000))
def test_working_time_between_two_instants_is_that_of_counting_minutes(start: datetime, length: int) -> None:
    counted = sum(open_at(start + timedelta(minutes=minute)) for minute in range(length))
    end = to_us(start) + length * MINUTE
    assert OFFICE.between(to_us(start), end) == counted * MINUTE


@settings(max_examples=50, deadline=None)
@given(offset=st.integers(0, 640 * 86_400 * SECOND), amount=st.integers(1, 200 * 3600 * SECOND))
def test_a_deadline_is_as_far_away_as_it_should_be_to_the_microsecond(offset: int, amount: int) -> None:
    begin = to_us(BEGINNING) + offset
    due = OFFICE.add(begin, amount)
    assert OFFICE.between(begin, due) == amount
    assert OFFICE.between(begin, due - 1) == amount - 1


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-23T07:30", 8.5, "2026-11-23T16:00"),  # a full Monday ends at closing, not next morning
        ("2026-11-27T16:00", 1, "2026-11-30T08:00"),  # the half hour of Friday's longer day, then the weekend
        ("2026-11-28T10:00", 1, "2026-11-30T08:30"),  # on a Saturday
        ("2026-12-23T15:30", 1, "2026-12-28T08:00"),  # cuti bersama, Christmas and a weekend
        ("2026-12-31T15:59:30", 0.5, "2027-01-04T07:59:30"),  # over the turn of the year and New Year's Day
        ("2026-03-17T16:00", 1, "2026-03-25T08:30"),  # Nyepi and Idulfitri
    ],
)
def test_worked_examples(start: str, hours: float, due: str) -> None:
    begin = to_us(datetime.fromisoformat(start).replace(tzinfo=JAKARTA))
    assert from_us(OFFICE.add(begin, int(hours * 3600) * SECOND)) == datetime.fromisoformat(due).replace(tzinfo=JAKARTA)


def test_the_holidays_are_those_that_the_holidays_package_knows() -> None:
    known: set[date] = set()
    for category in ("public", "government"):
        known |= set(holidays_package.country_holidays("ID", years=(2026, 2027), categories=(category,)))
    assert known >= CLOSED


@pytest.mark.parametrize(("year", "named"), [(2025, "2025"), (2028, "2028"), (1950, "1950")])
def test_a_year_without_holidays_is_refused_with_the_file_to_extend(year: int, named: str) -> None:
    start = to_us(datetime(year, 5, 2, tzinfo=JAKARTA))
    with pytest.raises(CalendarGap, match=rf"libur\.csv: calendar 'kantor-jakarta' covers 2026 to 2027, not {named}"):
        OFFICE.add(start, SECOND)


def test_a_deadline_that_runs_into_an_unknown_year_is_refused() -> None:
    with pytest.raises(CalendarGap, match="not 2028"):
        OFFICE.add(to_us(datetime(2027, 12, 31, 16, tzinfo=JAKARTA)), 3600 * SECOND)


CALENDAR = """\
calendars:
  - id: loket
    title: jam loket
    document: papan nama
    timezone: Asia/Jakarta
    holidays: {holidays}
    hours: {{senin: "{monday}"}}
"""


def calendars(
    folder: Path, holidays: str = "none", monday: str = "08:00-12:00, 13:00-16:00", more: str = ""
) -> Calendar:
    path = folder / "calendars.yaml"
    path.write_text(CALENDAR.format(holidays=holidays, monday=monday) + more, encoding="utf-8")
    return load_calendars(path)["loket"]


def test_lunch_breaks_and_dates_before_jakarta_had_its_present_time(tmp_path: Path) -> None:
    loket = calendars(tmp_path)
    monday = datetime(1963, 12, 30, 11, 0, tzinfo=JAKARTA)  # UTC+7:30 until the end of 1963
    assert monday.utcoffset() == timedelta(hours=7, minutes=30)
    assert from_us(loket.add(to_us(monday), 2 * 3600 * SECOND)) == datetime(1963, 12, 30, 14, 0, tzinfo=JAKARTA)


def test_wall_time_is_plain_addition_at_any_date() -> None:
    start = to_us(datetime(1947, 1, 1, tzinfo=UTC))
    assert from_us(WallClock().add(start, 3600 * SECOND)) == datetime(1947, 1, 1, 1, tzinfo=UTC)
    assert WallClock().between(start, start - 5) == 0


def test_a_season_has_its_own_hours(tmp_path: Path) -> None:
    season = '    seasons: [{from: 2027-02-08, to: 2027-03-09, document: SE, hours: {senin: "08:00-15:00"}}]\n'
    loket = calendars(tmp_path, more=season)
    start = to_us(datetime(2027, 3, 1, 14, 30, tzinfo=JAKARTA))
    assert from_us(loket.add(start, 3600 * SECOND)) == datetime(2027, 3, 8, 8, 30, tzinfo=JAKARTA)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"monday": "8-16"}, r"calendars\.yaml:7: expected hours such as 07:30-16:00"),
        ({"monday": "16:00-08:00"}, r"calendars\.yaml:7: hours must go forward"),
        ({"monday": "08:00-12:00, 11:00-16:00"}, r"calendars\.yaml:7: hours must go forward"),
        ({"holidays": "tidak-ada.csv"}, r"tidak-ada\.csv:1: cannot be read"),
        ({"more": "  - id: loket\n"}, r"calendars\.yaml:8: missing key 'title'"),
        ({"more": "    jam: 8\n"}, r"calendars\.yaml:8: unknown key 'jam'"),
        (
            {"more": "    seasons: [{from: 2027-02-08, to: 2027-02-01, document: SE, hours: {}}]\n"},
            r"yaml:8: the season",
        ),
    ],
)
def test_mistakes_in_calendars_are_named_with_file_and_line(
    tmp_path: Path, change: dict[str, str], problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        calendars(tmp_path, **change)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("2026-13-01,X,libur_nasional,SKB\n", r"libur\.csv:2: expected a date"),
        ("2026-01-01,X,libur_nasional,SKB\n2026-01-01,Y,cuti_bersama,SKB\n", r"libur\.csv:3: 2026-01-01 stands twice"),
        ("2026-01-01,X,libur,SKB\n", r"libur\.csv:2: jenis must be"),
        ("2026-01-01,X,libur_nasional,\n", r"libur\.csv:2: nama and skb"),
        (
            "2026-01-01,X,libur_nasional,SKB\n2028-01-01,X,libur_nasional,SKB\n",
            r"libur\.csv:1: holds no holiday of 2027",
        ),
        ("", r"libur\.csv:1: holds no holiday:"),
    ],
)
def test_mistakes_in_holidays_are_named_with_file_and_line(tmp_path: Path, rows: str, problem: str) -> None:
    (tmp_path / "libur.csv").write_text("tanggal,nama,jenis,skb\n" + rows, encoding="utf-8")
    with pytest.raises(DataError, match=problem):
        calendars(tmp_path, holidays="libur.csv")
