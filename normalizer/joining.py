"""Does a message open a ticket or join one? The rules are data (``data/penggabungan.yaml``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import yaml

from schemas.base import Instant, Part
from schemas.item import Item

RULES = Path(__file__).parent / "data" / "penggabungan.yaml"
NUMBER = re.compile(r"(?<![A-Za-z0-9])JK\d{10,14}(?![A-Za-z0-9])", re.IGNORECASE)
"""JK + yyMMdd + four digits or more (CONTRACT, "Ticket numbers")."""
MAX_NUMBERS = 5


class RulesError(Exception):
    """The joining rules cannot be read; the message names the file and what to mend."""


class Windows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds, 0 for never, and the number of words below which a text is a fragment."""

    fragment: int
    continuation: int
    words: int


class JoinRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The windows of every channel."""

    default: Windows
    channels: Mapping[str, Windows]

    def of(self, channel: str) -> Windows:
        """The channel's windows, else the default's."""
        return self.channels.get(channel, self.default)


class Conversation(Part, frozen=True, kw_only=True):
    """The unify stage's memory of one author: their newest ticket on this entrance."""

    ticket_id: str
    last_at: Instant
    withdrawn: tuple[str, ...] = ()
    """Message hashes deleted before we saw the message itself."""


@dataclass(frozen=True)
class Joined:
    """The ticket joined, and why (a code for the log and the tests)."""

    ticket_id: str
    because: str


def load_rules(path: Path = RULES) -> JoinRules:
    """Raises ``RulesError``."""
    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), JoinRules)
    except (OSError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise RulesError(f"{path}: {error}. Mend the file; its head says what each field means.") from error


def quoted_numbers(item: Item) -> list[str]:
    """Our ticket numbers that the message names, upper case, the channel's own field first."""
    found = [item.ticket_number] if item.ticket_number else []
    found += NUMBER.findall(f"{item.subject or ''} {item.text}")[:MAX_NUMBERS]
    return list(dict.fromkeys(number.upper() for number in found))


def joins_window(rules: JoinRules, item: Item, at: datetime, conversation: Conversation | None) -> Joined | None:
    """The author's newest ticket, when the message came soon enough after their last one."""
    if conversation is None or not conversation.ticket_id:
        return None
    windows = rules.of(item.channel)
    gap = abs((at - conversation.last_at).total_seconds())
    if is_fragment(item, windows) and _within(gap, windows.fragment):
        return Joined(conversation.ticket_id, "fragment")
    if _within(gap, windows.continuation):
        return Joined(conversation.ticket_id, "continuation")
    return None


def _within(gap: float, window: int) -> bool:
    """Zero is never: mails carry whole seconds, and two of one second are still two complaints."""
    return window > 0 and gap <= window


def is_fragment(item: Item, windows: Windows) -> bool:
    """A photo, a place or a few words: nothing that could stand as a complaint alone."""
    return len(item.text.split()) < windows.words
