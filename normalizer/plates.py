"""Vehicle plates: a registration area, one to four digits, up to three letters (Peraturan Polri 7/2021)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .phrases import Phrases
from .text import Tokens

_PLATE = re.compile(
    r"(?<!\w)(A[ABDEG]?|B[ABDEGHKLMNPR]?|D[ABCDEGHKLMNRSTW]?|E[ABD]?|F|G|H|K[BHTU]?|L|M|N|P[AB]?|R|S|T|W|Z)"
    r"([ .\-]{0,2})(\d{1,4})([ .\-]{0,2})([A-Z]{1,3})(?!\w)",
    re.IGNORECASE,
)
_AFTER_CUE = re.compile(
    r"[ :.=\-]{0,3}(?:\w{1,12}[ :]{1,2}){0,2}([A-Z]{1,2}[ .\-]{0,2}\d{1,4}(?:[ .\-]{0,2}[A-Z]{1,3})?)(?!\w)",
    re.IGNORECASE,
)
_WORD_BEFORE = re.compile(r"(\w{1,20})\W{0,3}\Z")


@dataclass(frozen=True)
class Plates:
    """``cues`` announce a plate; ``not_last`` are words that look like its letters; after ``not_after`` it is none."""

    cues: Phrases[str]
    not_last: frozenset[str]
    not_after: frozenset[str]

    def spans(self, tokens: Tokens) -> Iterator[tuple[int, int]]:
        """Spans of plates in ``tokens.text``."""
        text = tokens.text
        for match in _PLATE.finditer(text):
            if self._is_plate(text, match):
                yield match.span()
        for hit in self.cues.find(tokens.forms):
            found = _AFTER_CUE.match(text, tokens.ends[hit.end - 1])
            if found:
                yield found.span(1)

    def _is_plate(self, text: str, match: re.Match[str]) -> bool:
        area, gap, digits, gap2, letters = match.groups()
        if letters.lower() in self.not_last or (len(gap) > 1 and "." in gap):
            return False
        before = _WORD_BEFORE.search(text, max(0, match.start() - 24), match.start())
        if before and before.group(1).lower() in self.not_after:
            return False
        if (area + letters).isupper():
            return len(digits) >= 2 or not (gap or gap2) or len(letters) >= 2
        # Written small, "b 1234 abc" is a plate and "a 5 m" is not.
        return len(digits) >= 3 and ((area + letters).islower() or area.isupper())
