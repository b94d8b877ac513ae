"""Words and phrases of a rule, matched in a text."""

from __future__ import annotations

import re
from collections.abc import Sequence

CLITICS = "(?:nya|lah|kah|pun)?"
"""Endings that people hang on any word: "trotoarnya" says "trotoar"."""

_NOT_WORD = re.compile(r"[\W_]+")


def plain(text: str) -> str:
    """``text`` in lower case with single spaces instead of everything that is neither letter nor digit."""
    return _NOT_WORD.sub(" ", text.casefold()).strip()


class Words:
    """A set of words and phrases. ``coret*`` also matches longer words that begin so; others match whole words."""

    def __init__(self, entries: Sequence[str]) -> None:
        """Raises ``ValueError`` for an entry without a letter or digit, or with ``*`` elsewhere than at its end."""
        self.entries = tuple(entries)
        self._pattern = re.compile("|".join(f"\\b{_pattern(entry)}\\b" for entry in _longest_first(entries)) or r"(?!)")

    def found(self, plain_text: str) -> tuple[str, ...]:
        """What of the set stands in ``plain_text`` (of :func:`plain`), each once, in order of appearance."""
        return tuple(dict.fromkeys(self._pattern.findall(plain_text)))


def _longest_first(entries: Sequence[str]) -> list[str]:
    return sorted(entries, key=len, reverse=True)


def _pattern(entry: str) -> str:
    stem = entry.removesuffix("*")
    if "*" in stem:
        raise ValueError(f"{entry!r}: * may stand only at the end of a word")
    words = plain(stem)
    if not words:
        raise ValueError(f"{entry!r} has no letter or digit")
    return re.escape(words) + (r"\w*" if entry.endswith("*") else CLITICS)
