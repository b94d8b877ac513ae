"""Street, RT and RW as the text writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .gazetteer import Street
from .phrases import Hit
from .text import Tokens

_NOT_A_NAME = frozenset({"no", "nomor", "rt", "rw", "kel", "kec", "km", "jl", "gg", "kp", "dekat", "arah"})
_MAX_WORDS = 4
_BETWEEN = re.compile(r"[ .\-']{0,3}")
_NUMBERED = re.compile(r"\d{1,3}[a-z]?|[ivx]{1,5}", re.IGNORECASE)

_BOTH = re.compile(r"\brt[\s.:]{0,3}[/&]?\s{0,2}rw[\s.:]{0,3}(\d{1,3})\s{0,2}[/.\-]\s{0,2}(\d{1,3})\b", re.IGNORECASE)
_RT = re.compile(r"\brt[\s.:]{0,3}(\d{1,3})(?:\s{0,2}/\s{0,2}(?:rw[\s.:]{0,3})?(\d{1,3}))?\b", re.IGNORECASE)
_RW = re.compile(r"\brw[\s.:]{0,3}(\d{1,3})\b", re.IGNORECASE)


def rt_rw(text: str, private: Sequence[tuple[int, int]] = ()) -> tuple[str | None, str | None]:
    """RT and RW as three digits ("RT 5/RW 04", "RT.005/04", "rt03 rw014"); none of a ``private`` span."""

    def first(pattern: re.Pattern[str]) -> re.Match[str] | None:
        return next((match for match in pattern.finditer(text) if not _hidden(match.start(), private)), None)

    both = first(_BOTH)
    if both:
        return both.group(1).zfill(3), both.group(2).zfill(3)
    rt, rw = first(_RT), first(_RW)
    ward = rt.group(2) if rt else None
    if ward is None and rw:
        ward = rw.group(1)
    return rt.group(1).zfill(3) if rt else None, ward.zfill(3) if ward else None


def street_in(
    tokens: Tokens,
    known: tuple[Hit[Street], Street] | None,
    private: Sequence[tuple[int, int]],
    vocabulary: frozenset[str],
) -> str | None:
    """The street: of the table if one is named, else the words after "Jl." or "Gg." up to the first ordinary word."""
    if known is not None and not _hidden(tokens.starts[known[0].start], private):
        return f"Jl. {known[1].name}"
    shouting = tokens.text.isupper()
    for index, form in enumerate(tokens.forms):
        if form not in ("jl", "gg", "jalan") or _hidden(tokens.starts[index], private):
            continue
        name = _name(tokens, index + 1, vocabulary)
        # "jalan" is mostly the carriageway; a name after it has a capital.
        if name and (form != "jalan" or (name[0].isupper() and not shouting)):
            return f"{'Gg.' if form == 'gg' else 'Jl.'} {_titled(name)}"
    return None


def _hidden(position: int, private: Sequence[tuple[int, int]]) -> bool:
    return any(start <= position < end for start, end in private)


def _name(tokens: Tokens, first: int, vocabulary: frozenset[str]) -> str:
    text, last = tokens.text, first
    while last < len(tokens.forms) and last - first < _MAX_WORDS:
        gap = text[tokens.ends[last - 1] : tokens.starts[last]]
        written = text[tokens.starts[last] : tokens.ends[last]]
        # A full stop ends the sentence unless it ends an abbreviation: "Jl. H. Nawi".
        if _BETWEEN.fullmatch(gap) is None or ("." in gap and last > first and len(tokens.written(last - 1, last)) > 3):
            break
        numbered = _NUMBERED.fullmatch(written) is not None
        # "Jl. Mawar Merah" goes on with an ordinary word; such a word begins no name.
        named = tokens.forms[last] not in vocabulary or (last > first and written[0].isupper() and not text.isupper())
        if tokens.forms[last] in _NOT_A_NAME or not (numbered or named):
            break
        if numbered and last == first and not written.isalpha():
            break
        if written[0].isdigit() and not numbered:
            break
        last += 1
        if numbered:
            break
    return text[tokens.starts[first] : tokens.ends[last - 1]] if last > first else ""


def _titled(name: str) -> str:
    return " ".join(
        word.upper()
        if _NUMBERED.fullmatch(word)
        else word
        if not word.islower() and not word.isupper()
        else word.capitalize()
        for word in name.split()
    )
