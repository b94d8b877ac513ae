from __future__ import annotations

from tests.casework.office import clock, hours, opened, sla

SIX, WEEK = clock("koordinasi", hours(6)), clock("selesai", hours(168))


def test_the_case_shows_the_earliest_clock_that_runs() -> None:
    office = opened()
    office.take(sla("scheduled", clocks=(WEEK, SIX)))
    assert (office.case.clocks, office.case.due_at) == ((WEEK, SIX), hours(6))
    assert office.facts[-1].clocks == (WEEK, SIX)
    office.take(sla("met", clock="koordinasi", due_at=hours(6)))
    assert (office.case.clocks[1].state, office.case.due_at) == ("met", hours(168))


def test_warned_then_breached_is_dated_as_the_monitor_says() -> None:
    office = opened()
    office.take(sla("scheduled", clocks=(SIX,)), sla("warned", clock="koordinasi", due_at=hours(6), percent=75))
    assert (office.case.clocks[0].state, office.case.due_at, office.facts[-1].percent) == ("warned", hours(6), 75)
    office.take(sla("breached", clock="koordinasi", due_at=hours(6), at=hours(6)))
    assert (office.case.clocks[0].state, office.case.due_at, office.facts[-1].at) == ("breached", None, hours(6))
    office.take(sla("retracted", clock="koordinasi", due_at=hours(6), at=hours(6)))
    assert (office.case.clocks[0].state, office.case.due_at) == ("running", hours(6))
    assert office.kinds[-4:] == ["sla_scheduled", "sla_warned", "sla_breached", "sla_retracted"]


def test_a_warning_of_a_rescheduled_clock_changes_no_clock() -> None:
    office = opened()
    office.take(sla("scheduled", clocks=(SIX,)), sla("scheduled", "s-2", clocks=(clock("koordinasi", hours(9)),)))
    office.take(sla("warned", clock="koordinasi", due_at=hours(6)))
    assert (office.case.clocks[0].state, office.case.due_at) == ("running", hours(9))


def test_a_schedule_without_clocks_ends_them() -> None:
    office = opened()
    office.take(sla("scheduled", clocks=(SIX,)), sla("scheduled", "s-2"))
    assert (office.case.clocks, office.case.due_at) == ((), None)


def test_paused_and_cancelled_clocks_press_nobody() -> None:
    office = opened()
    office.take(sla("scheduled", clocks=(clock("a", hours(1), "paused"), clock("b", hours(2), "cancelled"), WEEK)))
    assert office.case.due_at == hours(168)
