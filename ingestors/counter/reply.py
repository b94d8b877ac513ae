"""Answers to a counter's complaint: none are sent. The slip, handed over at once, is the answer."""

from __future__ import annotations

from pipeline.channel import Cursors
from pipeline.clock import Clock

from .settings import CounterSettings


def sender(settings: CounterSettings, cursors: Cursors, clock: Clock) -> None:
    """Always None: answers are recorded for the officer to see, never sent."""
