"""The commands that need no broker, as a script uses them: bytes in, JSON lines out, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingestors.registry import CHANNELS

ROOT = Path(__file__).parents[2]
OUTCOMES = {"complaint", "reply", "edit", "delete", "receipt", "note", "ignored", "dead"}
ITEM = {"channel", "account", "external_id", "thread", "version", "author", "subject", "text", "sent_at", "location",
        "attachments"}  # fmt: skip
AUTHOR = {"id", "name", "phone", "email", "handle"}
BROKEN_LINES = b'not json\n[1]\n{"tex": 1}\n'


def tanggap(*words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TANGGAP_")}
    return subprocess.run(
        [sys.executable, "-m", "tanggap", *words], input=given, cwd=ROOT, env=clean, capture_output=True, check=False
    )


def rows(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_decode_reads_a_folder_of_each_channel(channel: str) -> None:
    folder = ROOT / "ingestors" / channel / "fixtures"
    found = rows(tanggap("decode", channel, str(folder)))
    assert {row["source"] for row in found} <= {file.name for file in folder.iterdir()}
    assert "complaint" in {row["outcome"] for row in found}
    for row in found:
        assert set(row) >= {"source", "outcome", "reason", "key", "item"}
        assert row["outcome"] in OUTCOMES
        assert (row["reason"] is None) == (row["outcome"] == "complaint"), row
        if row["item"] is not None:
            assert set(row["item"]) >= ITEM
            assert set(row["item"]["author"]) >= AUTHOR
            assert row["item"]["channel"] == channel


def test_decode_reads_a_file_and_standard_input_alike() -> None:
    file = ROOT / "ingestors" / "email" / "fixtures" / "photo_attachment.eml"
    named = rows(tanggap("decode", "email", str(file)))
    piped = rows(tanggap("decode", "email", "-", given=file.read_bytes()))
    assert [row["source"] for row in named] == [file.name]
    assert [row["source"] for row in piped] == ["-"]
    assert [row["key"] for row in named] == [row["key"] for row in piped]
    assert named[0]["item"]["attachments"][0]["sha256"]


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_no_bytes_make_decode_fail(channel: str, tmp_path: Path) -> None:
    for number, given in enumerate((b"", b"\x00\xff\xfe", b"[" * 50_000, b'{"object": 1}')):
        (tmp_path / f"{number}.bin").write_bytes(given)
    found = rows(tanggap("decode", channel, str(tmp_path)))
    assert {row["source"] for row in found} >= {"1.bin", "2.bin"}
    assert all(row["outcome"] in OUTCOMES and row["outcome"] != "complaint" for row in found)


def test_a_mail_that_breaks_the_parser_is_a_line_like_any_other() -> None:
    folder = ROOT / "ingestors" / "email" / "fixtures" / "crashers"
    found = rows(tanggap("decode", "email", str(folder)))
    assert {row["source"] for row in found} == {file.name for file in folder.iterdir()}


def test_an_unknown_channel_names_those_there_are() -> None:
    done = tanggap("decode", "fax")
    assert (done.returncode, done.stdout) == (2, b"")
    assert all(name in done.stderr.decode() for name in CHANNELS)


@pytest.mark.parametrize("words", [("decode", "email"), ("understand",), ("route",), ("sla", "replay")])
def test_a_missing_file_is_named(words: tuple[str, ...], tmp_path: Path) -> None:
    done = tanggap(*words, str(tmp_path / "tidak-ada"))
    assert done.returncode == 2
    assert "tidak-ada" in done.stderr.decode()


def test_understand_reads_each_line_and_reports_the_broken_ones(tmp_path: Path) -> None:
    file = tmp_path / "in.ndjson"
    words = "Jalur sepeda di Jl. Gunawarman dipakai buat parkir mobil, hubungi 081200000001"
    file.write_bytes(json.dumps({"text": words, "channel": "x"}).encode() + b"\n" + BROKEN_LINES)
    good, *bad = rows(tanggap("understand", str(file)))
    assert good["intent"]["value"] == "complaint"
    assert good["category"]["value"] == "parkir-liar"
    assert good["place"]["kelurahan"] == "Selong"
    assert good["language"]["value"] == "id"
    assert all(0 <= good[name]["confidence"] <= 1 for name in ("intent", "category", "place", "language"))
    assert good["category"]["reasons"]
    assert "081200000001" not in good["masked_text"]
    assert [row["line"] for row in bad] == [2, 3, 4]


def test_route_decides_as_the_live_router_would() -> None:
    parking = {"text": "Jalur sepeda di Jl. Gunawarman dipakai buat parkir mobil, tolong ditertibkan @DKIJakarta"}
    vague = {"text": "Tolong dibantu ya"}
    given = b"".join(json.dumps(one).encode() + b"\n" for one in (parking, vague)) + BROKEN_LINES
    found = rows(tanggap("route", given=given))
    assert [row["decision"] for row in found] == ["assigned", "review", "review", "review", "review"]
    assert found[0]["opd"][0]["code"] == "DISHUB"
    assert all(len(row["opd"]) <= 3 and row["reasons"] for row in found)


def test_sla_replay_gives_exact_instants_whatever_the_order() -> None:
    facts = [
        {"ticket_id": "t1", "kind": "received", "at": "2026-11-23T01:00:00Z"},
        {"ticket_id": "t1", "kind": "routed", "at": "2026-11-23T01:05:00Z", "unit": "DISHUB"},
        {"now": "2026-12-10T00:00:00Z"},
    ]
    lines = [json.dumps(one).encode() + b"\n" for one in facts]
    found = rows(tanggap("sla", "replay", given=b"".join(lines)))
    shuffled = rows(tanggap("sla", "replay", given=b"".join([lines[2], lines[1], lines[0], lines[0], BROKEN_LINES])))
    assert [row for row in shuffled if "error" not in row] == found
    assert len([row for row in shuffled if "error" in row]) == 3
    assert {row["kind"] for row in found} >= {"warned", "breached"}
    due = {row["clock"]: row["due_at"] for row in found if row["kind"] == "breached"}
    assert "2026-11-30T01:00:00Z" in due.values()
