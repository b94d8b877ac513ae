"""Which rule counts, and that a mistake in the file is named with its line."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sla_monitor.instants import to_us
from sla_monitor.policy import DATA, Policy, load_policy
from sla_monitor.source import DataError

NOW = to_us(datetime(2026, 11, 23, tzinfo=UTC))

RULE = """\
  - id: {id}
    clock: koordinasi
    title: Uji
    document: SE 1/2026
    source: https://example.go.id
    effective_from: {since}
    limit: {limit}
    calendar: {calendar}
    starts_on: [received]
    meets_on: [routed]
    warn_percent: [50, 75, 90]
"""


def write(folder: Path, text: str) -> Policy:
    for name in ("calendars.yaml", "libur.csv"):
        shutil.copy(DATA / name, folder / name)
    (folder / "policy.yaml").write_text(text, encoding="utf-8")
    return load_policy(folder)


def rule(
    name: str = "a", since: str = "2019-01-01", limit: str = "6 jam", calendar: str = "wall", more: str = ""
) -> str:
    return RULE.format(id=name, since=since, limit=limit, calendar=calendar) + more


def test_the_shipped_policy_has_the_three_clocks_with_their_documents(policy: Policy) -> None:
    assert [(r.clock, r.limit_text, r.document, r.calendar.name) for r in policy.rules] == [
        ("koordinasi", "6 jam", "SE Sekda 40/2019", "wall"),
        ("lurah", "24 jam", "SE Sekda 61/SE/2018", "wall"),
        ("penyelesaian", "7 hari", "SE Sekda 40/2019", "wall"),
    ]
    assert all(r.warn_percent == (50, 75, 90) for r in policy.rules)


@pytest.mark.parametrize(
    ("unit", "channel", "category", "chosen"),
    [
        (None, "whatsapp", "banjir", "darurat"),
        (None, "whatsapp", "taman", "umum"),
        (None, "sp4n", "taman", "sp4n"),
        ("KEL:31.74.07.1003", "sp4n", None, "sp4n"),
    ],
)
def test_the_first_rule_that_applies_counts(
    tmp_path: Path, unit: str | None, channel: str, category: str | None, chosen: str
) -> None:
    policy = write(
        tmp_path,
        "rules:\n"
        + rule("darurat", limit="30 menit", more="    applies: {categories: [banjir, kebakaran]}\n")
        + rule("sp4n", limit="5 jam", more="    applies: {channels: [sp4n]}\n")
        + rule("umum"),
    )
    found = policy.rule_for("koordinasi", "received", NOW, unit, channel, category)
    assert found is not None
    assert found.id == chosen


def test_a_rule_counts_for_tickets_from_its_day_on_in_jakarta(tmp_path: Path) -> None:
    policy = write(tmp_path, "rules:\n" + rule("baru", since="2026-12-01") + rule("lama"))
    midnight = to_us(datetime(2026, 11, 30, 17, tzinfo=UTC))
    before, after = (policy.rule_for("koordinasi", "received", at, None, None, None) for at in (midnight - 1, midnight))
    assert (before and before.id, after and after.id) == ("lama", "baru")


def test_no_rule_in_force_means_no_clock(policy: Policy) -> None:
    assert policy.rule_for("koordinasi", "received", to_us(datetime(1950, 1, 1, tzinfo=UTC)), None, None, None) is None


def test_the_fingerprint_changes_with_the_rules_and_their_calendars_only(tmp_path: Path) -> None:
    working = "rules:\n" + rule(calendar="kantor-jakarta")
    first = write(tmp_path, working).fingerprint
    assert write(tmp_path, "# catatan\n" + working).fingerprint == first
    assert write(tmp_path, working.replace("6 jam", "7 jam")).fingerprint != first
    with (tmp_path / "libur.csv").open("a", encoding="utf-8") as file:
        file.write("2027-12-31,Libur tambahan,libur_nasional,SKB baru\n")
    assert load_policy(tmp_path).fingerprint != first


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r"policy\.yaml:1: is empty"),
        ("rules: []\n", r"policy\.yaml:1: holds no rule"),
        ("rules:\n  - [\n", r"policy\.yaml:3: is not YAML"),
        ("aturan: []\n", r"policy\.yaml:1: unknown key 'aturan'"),
        ("rules: satu\n", r"policy\.yaml:1: expected a list"),
        ("rules:\n  - satu\n", r"policy\.yaml:2: expected keys and values"),
        ("rules:\n" + rule(limit="6"), r"policy\.yaml:8: expected a limit such as"),
        ("rules:\n" + rule(limit="0 jam"), r"policy\.yaml:8: expected a limit such as"),
        ("rules:\n" + rule(limit="2 hari", calendar="kantor-jakarta"), r"yaml:8: a working day is not 24 hours"),
        ("rules:\n" + rule(calendar="kantor-jakrta"), r"policy\.yaml:9: .*did you mean 'kantor-jakarta'"),
        ("rules:\n" + rule(since="15-11-2019"), r"policy\.yaml:7: expected a date"),
        ("rules:\n" + rule("A B"), r"policy\.yaml:2: expected small letters"),
        ("rules:\n" + rule().replace("[routed]", "[ruted]"), r"yaml:11: .*'ruted': did you mean 'routed'"),
        ("rules:\n" + rule().replace("[routed]", "[]"), r"policy\.yaml:11: is empty"),
        ("rules:\n" + rule().replace("75", "40"), r"policy\.yaml:12: percentages must rise"),
        ("rules:\n" + rule().replace("90", "100"), r"policy\.yaml:12: expected a whole number from 1 to 99"),
        ("rules:\n" + rule().replace("title", "titel"), r"policy\.yaml:4: unknown key 'titel': did you mean 'title'"),
        ("rules:\n" + rule().replace("    title: Uji\n", ""), r"policy\.yaml:2: missing key 'title'"),
        ("rules:\n" + rule(more="    limit: 7 jam\n"), r"policy\.yaml:13: key 'limit' stands twice"),
        ("rules:\n" + rule(more="    extension: ya\n"), r"policy\.yaml:13: unknown truth value 'ya'"),
        ("rules:\n" + rule(more="    pauses_on: [asked]\n"), r"policy\.yaml:13: a pause would never end"),
        (
            "rules:\n" + rule(more="    pauses_on: [asked]\n    resumes_on: [answered, asked]\n"),
            r"policy\.yaml:13: 'asked' cannot both",
        ),
        ("rules:\n" + rule() + rule(), r"policy\.yaml:13: rule 'a' stands twice"),
        ("rules:\n" + rule() + rule("b", since="2020-01-01"), r"yaml:13: rule 'b' can never apply, 'a' above"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        write(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"calendars\.yaml:1: cannot be read"):
        load_policy(tmp_path)
