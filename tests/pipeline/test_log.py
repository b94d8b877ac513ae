from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from pipeline import log


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    hook, handlers, level = sys.excepthook, logging.getLogger().handlers[:], logging.getLogger().level
    log.configure("uji")
    yield written
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    sys.excepthook = hook
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


def last(lines: io.StringIO) -> dict[str, object]:
    found: dict[str, object] = json.loads(lines.getvalue().strip().splitlines()[-1])
    return found


def test_a_line_is_ecs_json_with_service_and_event(lines: io.StringIO) -> None:
    structlog.get_logger("x").warning("stage.waiting", stage="unify", attempt=3)
    line = last(lines)
    assert line["message"] == "stage.waiting"
    assert line["log.level"] == "warning"
    assert line["service"] == "uji"
    assert line["stage"] == "unify"


def test_fields_that_nobody_allowed_are_left_out(lines: io.StringIO) -> None:
    structlog.get_logger("x").warning("e", phone="081200000001", text="nama saya Budi", ticket_id="t1")
    assert "081200000001" not in lines.getvalue()
    assert "Budi" not in lines.getvalue()
    assert last(lines)["ticket_id"] == "t1"


def test_an_errors_message_is_never_logged(lines: io.StringIO) -> None:
    try:
        int("telepon 081200000001")
    except ValueError:
        structlog.get_logger("x").exception("stage.failed")
    assert "081200000001" not in lines.getvalue()
    assert str(last(lines)["where"]).startswith("ValueError at test_log.py:")


def test_libraries_are_logged_without_their_words(lines: io.StringIO) -> None:
    logging.getLogger("aiokafka").error("cannot send %s", "081200000001")
    assert "081200000001" not in lines.getvalue()
    assert last(lines)["logger"] == "aiokafka"


def test_line_breaks_and_escape_codes_cannot_forge_a_line(lines: io.StringIO) -> None:
    structlog.get_logger("x").warning("e", reason="a\nb\x1b[31m\x9bc" + "x" * 1000)
    assert len(lines.getvalue().strip().splitlines()) == 1
    reason = str(last(lines)["reason"])
    assert "\x1b" not in reason
    assert len(reason) == log.MAX_VALUE
