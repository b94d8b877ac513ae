"""Numbers that belong to a person: telephones, NIK and KK, accounts, other papers.

Shapes: NIK and KK have 16 digits (UU 24/2013, pasal 1 and 13); mobile numbers are +62/62/0 then 8 and 8 to 11 more
digits, landlines 0 then a two- or three-digit area code (Fundamental Technical Plan 2000); NPWP has 15 or 16 digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A digit, then digits with at most two separators between: linear, for digits and separators never overlap.
_RUN = re.compile(r"\d(?:[ .\-()_\u2010-\u2015\u00b7]{0,3}\d){5,}+")
_CHUNK = re.compile(r"\d+")
_LETTER_O = re.compile(r"[oO](?<!\w[oO])(?=[ .\-]?8)")
"""The letter in the place of a mobile number's zero; as long as the digit, so that spans stay."""
_DATE = re.compile(r"\d{1,2}[-. ]\d{1,2}[-. ](?:19|20)\d\d(?!\d)")
_DECIMAL = re.compile(r"\d{1,3}\.\d+")
_OUR_NUMBER = re.compile(r"\bjk[ .:\-]?\Z", re.IGNORECASE)
_MONEY = re.compile(r"\b(?:rp|idr)[. ]{0,2}\Z", re.IGNORECASE)
_MOBILE = re.compile(r"(?:62|0)?8[1-9]\d{7,10}")
_MOBILE_BARE = re.compile(r"8[1-9]\d{8,10}")
_LANDLINE = re.compile(r"(?:62|0)(?:21\d{6,8}|[2-7]\d{1,2}\d{6,8})")
_NPWP = re.compile(r"\d\d\.\d{3}\.\d{3}\.\d-\d{3}\.\d{3}")
_NEAR = 30
_WORD = re.compile(r"[^\W\d_]+")
_MAX_DIGITS = 20
_SHORTEST = 6


@dataclass(frozen=True, slots=True)
class Cues:
    """Words (lower case) that tell what a number is, when one stands shortly before it."""

    account: frozenset[str]
    paper: frozenset[str]
    phone: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Chunk:
    start: int
    end: int
    digits: str


def number_spans(text: str, cues: Cues) -> Iterator[tuple[int, int, str]]:
    """Spans of personal numbers with their placeholder's name. Several numbers written in a row are told apart."""
    text = _LETTER_O.sub("0", text)
    for run in _RUN.finditer(text):
        # Digits inside a word (JK2306180342, a link's identifier) are that word's.
        if run.start() and (text[run.start() - 1].isalnum() or text[run.start() - 1] == "_"):
            if _OUR_NUMBER.search(text, max(0, run.start() - 3), run.start()) or not _long_number(run.group()):
                continue
        elif _OUR_NUMBER.search(text, max(0, run.start() - 4), run.start()):
            continue
        if _MONEY.search(text, max(0, run.start() - 5), run.start()):
            continue
        yield from _split(text, run, cues)


def _long_number(run: str) -> bool:
    """Glued to a word ("NIK3174…", "hp0812…"): personal when it is as long as a NIK or begins as a mobile number."""
    digits = "".join(_CHUNK.findall(run))
    return len(digits) >= 16 or _MOBILE.match(digits) is not None


def _split(text: str, run: re.Match[str], cues: Cues) -> Iterator[tuple[int, int, str]]:
    base = run.start()
    chunks = [_Chunk(base + m.start(), base + m.end(), m.group()) for m in _CHUNK.finditer(run.group())]
    before = _words_around(text, run.start(), run.end(), cues)
    position = 0
    while position < len(chunks):
        found = _longest(text, chunks, position, before, cues)
        if found is None:
            position += 1
            continue
        last, label = found
        start = chunks[position].start
        while start and text[start - 1] in "+(":
            start -= 1
        yield start, chunks[last].end, label
        position = last + 1


def _longest(text: str, chunks: list[_Chunk], first: int, before: frozenset[str], cues: Cues) -> tuple[int, str] | None:
    """The most chunks from ``first`` on that together make a number of a person."""
    best: tuple[int, str] | None = None
    digits = ""
    for last in range(first, len(chunks)):
        digits += chunks[last].digits
        if len(digits) > _MAX_DIGITS and last > first:
            break
        written = text[chunks[first].start : chunks[last].end]
        label = _label(
            digits, written, chunks[first], before, cues, plus=text[chunks[first].start - 1 : chunks[first].start]
        )
        if label is not None:
            best = last, label
    return best


def _label(digits: str, written: str, first: _Chunk, before: frozenset[str], cues: Cues, *, plus: str) -> str | None:
    length = len(digits)
    if length < _SHORTEST or _DATE.match(written) or _DECIMAL.fullmatch(written):
        return None
    if length == 16:
        return "REKENING" if before & cues.account else "NIK"
    if _is_phone(digits, first, plus):
        return "TELEPON"
    if _NPWP.fullmatch(written) or len(first.digits) >= 14:
        return "NOMOR"
    return _by_words(length, before, cues)


def _by_words(length: int, before: frozenset[str], cues: Cues) -> str | None:
    """What the words around say of a number without a shape of its own."""
    if before & cues.phone and length <= 15:
        return "TELEPON"
    if length >= 8 and before & cues.account:
        return "REKENING"
    return "NOMOR" if length >= 8 and before & cues.paper else None


def _is_phone(digits: str, first: _Chunk, plus: str) -> bool:
    if plus == "+" and 8 <= len(digits) <= 15:
        return True
    if _MOBILE.fullmatch(digits) and (digits[0] != "8" or _MOBILE_BARE.fullmatch(digits)):
        return True
    # A landline's first group is its area code, or the whole number: "02-11-2023 12" is a date.
    return _LANDLINE.fullmatch(digits) is not None and (len(first.digits) >= 3 or first.digits in ("62",))


def _words_around(text: str, start: int, end: int, cues: Cues) -> frozenset[str]:
    """Words shortly before, and such of an account shortly after ("1500… rekening Mandiri")."""
    before = {word.lower() for word in _WORD.findall(text, max(0, start - _NEAR), start)}
    after = {word.lower() for word in _WORD.findall(text, end, end + _NEAR // 2)}
    return frozenset(before | (after & cues.account))
