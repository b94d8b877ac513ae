"""Text as people read it (:func:`clean`), and apart from it the forms that words are matched by (:class:`Lexicon`)."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .tables import DATA, DataError, load_yaml, mapping, words

LIMIT = 20_000
"""Characters of a cleaned text that are examined; a longer one is cut, and the reading says so."""

RAW_LIMIT = 100_000
"""Characters of the raw text that are cleaned: markup and blanks may shrink to a fifth."""

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffd\ud800-\udfff\U000e0000-\U000e007f]"
)
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029\x0b\x0c\x85]")
_TYPOGRAPHIC = re.compile("[\uff01-\uff5e\U0001d400-\U0001d7ff\U0001f130-\U0001f149]|(?![0-9])\\d")
_BLANKS = re.compile(r"[^\S\n]++")
_AROUND_LINE = re.compile(r" ?\n ?")
_EMPTY_LINES = re.compile(r"\n{3,}")
_SHORTENED = re.compile(r"\bhttps?://t\.co/\w*+", re.IGNORECASE)
_LEADING_MENTIONS = re.compile(r"\A(?:@\w++(?![.\w])[\s,:]*+)++")
_TOKEN = re.compile(r"[^\W_]++")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_MAX_MARKS = 3
_LETTER_MARKS = 0x300


def clean(raw: str) -> str:
    """``raw`` as a person should read it: entities decoded, NFC, nothing invisible, blanks single, no t.co links and no
    leading @mentions (X puts the addressees of a reply there). Never longer than its input allows, never raises.

    Letters of typographic alphabets and full-width digits become plain ones, so that numbers in them are masked.
    """
    text = html.unescape(raw[:RAW_LIMIT])
    text = _LINE_ENDS.sub("\n", text)
    text = _INVISIBLE.sub("", text)
    if not text.isascii():
        text = _TYPOGRAPHIC.sub(_plain, text)
        text = unicodedata.normalize("NFC", _fewer_marks(text))
    text = _SHORTENED.sub("", text)
    text = _EMPTY_LINES.sub("\n\n", _AROUND_LINE.sub("\n", _BLANKS.sub(" ", text))).strip()
    return _LEADING_MENTIONS.sub("", text).strip()


def _plain(match: re.Match[str]) -> str:
    char = match.group()
    digit = unicodedata.decimal(char, None)
    return str(digit) if digit is not None else unicodedata.normalize("NFKC", char)


def _fewer_marks(text: str) -> str:
    """At most three combining marks in a row: normalising is quadratic in the length of such a row."""
    kept: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if ord(char) >= _LETTER_MARKS and unicodedata.combining(char) else 0
        if marks <= _MAX_MARKS:
            kept.append(char)
    return "".join(kept)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Matching forms of a text, and for each the span of the text it stands for."""

    text: str
    forms: list[str]
    starts: list[int]
    ends: list[int]

    def written(self, start: int, end: int) -> str:
        """The text from token ``start`` up to, not including, ``end``."""
        return self.text[self.starts[start] : self.ends[end - 1]]


class Lexicon:
    """Abbreviations and spellings of citizens' Indonesian → matching forms. Protected tokens stay as they are."""

    def __init__(self, table: Mapping[str, str], protected: frozenset[str]) -> None:
        self._table = table
        self._protected = protected
        self._cached = lru_cache(maxsize=50_000)(self._compute)

    @classmethod
    def load(cls, path: Path | None = None) -> Lexicon:
        """From ``singkatan.yaml``. Raises ``DataError``."""
        path = path or DATA / "singkatan.yaml"
        data = load_yaml(path)
        protected = frozenset(words(f"{path}: dilindungi", data.get("dilindungi")))
        table: dict[str, str] = {}
        for standard, variants in mapping(f"{path}: baku", data.get("baku")).items():
            for variant in words(f"{path}: baku.{standard}", variants):
                if _TOKEN.fullmatch(variant) is None:
                    raise DataError(f"{path}: baku.{standard}: '{variant}' must be one word in letters and digits")
                if variant in table or variant in protected:
                    raise DataError(f"{path}: baku.{standard}: '{variant}' already has a meaning; keep one")
                table[variant] = str(standard)
        return cls(table, protected)

    def known(self) -> set[str]:
        """Every token the table speaks of, in matching form."""
        return {form for word in (*self._table, *self._protected) for form in self.phrase(word)}

    def phrase(self, text: str) -> tuple[str, ...]:
        """Matching forms of a phrase of a data file: made as those of citizens' texts are, so that they meet."""
        return tuple(self.tokens(text).forms)

    def tokens(self, text: str) -> Tokens:
        """Tokens of a cleaned text. A reduplication (gorong-gorong, jalan2) counts once."""
        forms: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        for match in _TOKEN.finditer(text):
            start, end = match.span()
            for form in self._cached(match.group()):
                if forms and forms[-1] == form and text[ends[-1] : start] == "-":
                    ends[-1] = end
                    continue
                forms.append(form)
                starts.append(start)
                ends.append(end)
        return Tokens(text, forms, starts, ends)

    def _compute(self, written: str) -> tuple[str, ...]:
        token = _STRETCHED.sub(r"\1", written.lower())
        if token in self._protected:
            return (token,)
        if token not in self._table and len(token) > 3 and token[-1] in "2²" and token[:-1].isalpha():
            token = token[:-1]
        if token not in self._table and len(token) >= 6 and token.endswith("nya"):
            token = token[:-3]
        standard = self._table.get(token)
        if standard is not None:
            return tuple(self._stripped(word) for word in standard.split())
        return (self._stripped(token),)

    def _stripped(self, token: str) -> str:
        """Without "di": people write "di perbaiki" and "diperbaiki", "dijalan" and "di jalan"."""
        if len(token) >= 7 and token.startswith("di") and token not in self._protected:
            return token[2:]
        return token
