"""What X costs (docs.x.com, "Pricing", pay-per-use since February 2026), in tenths of a US cent."""

from __future__ import annotations

import re

from ingestors.budget import Budget
from pipeline.channel import Cursors
from pipeline.clock import Clock

from .settings import XSettings

CHANNEL = "x"
DOLLAR = 1000
"""Units."""
FEWEST = 5
"""Posts; a smaller page cannot be asked for (``GET /2/users/{id}/mentions``)."""
ANSWER = 15
ANSWER_WITH_LINK = 200
_LINK = re.compile(r"https?://|\b[\w-]+\.(?:id|com|org|net|info|me)\b", re.IGNORECASE)


def reads(settings: XSettings, cursors: Cursors, clock: Clock) -> Budget:
    """The account for posts read."""
    return Budget(cursors, clock, CHANNEL, "reads", int(settings.monthly_read_dollars * DOLLAR))


def answers(settings: XSettings, cursors: Cursors, clock: Clock) -> Budget:
    """The account for posts and messages sent."""
    return Budget(cursors, clock, CHANNEL, "answers", int(settings.monthly_answer_dollars * DOLLAR))


def price_of_read(settings: XSettings) -> int:
    """Of one post; rounded up, so that the cap holds."""
    return -int(-settings.post_read_dollars * DOLLAR // 1)


def price_of(text: str) -> int:
    """Of one answer. X makes links of bare host names too, so they count as such."""
    return ANSWER_WITH_LINK if _LINK.search(text) else ANSWER
