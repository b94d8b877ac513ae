"""Masks what is personal before a text travels (DESIGN, promise 8; UU 27/2022).

Recall goes before precision for telephones, NIK and e-mail. Streets and places of the complaint stay, so do the city's
own accounts and ticket numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from .personal_numbers import Cues, number_spans
from .persons import Persons
from .phrases import Phrases
from .plates import Plates
from .tables import DATA, DataError, load_yaml, words
from .text import LIMIT, Lexicon, Tokens

Span = tuple[int, int, str]

# Each begins only where a word begins and repeats only disjoint classes: linear on any text.
_EMAIL = re.compile(r"(?<![\w.+%\-])[\w.+%\-]{1,64}+@[\w\-]{1,63}+(?:\.[\w\-]{1,63}+){1,6}+")
_SPELLED_EMAIL = re.compile(
    r"(?<![\w.+%\-])[\w.+%\-]{1,64}+ {0,2}"
    r"(?:@|[(\[{] {0,1}(?:at|et) {0,1}[)\]}]| at (?=\w{1,30}+ {0,1}(?:\.|dot|titik))) {0,2}"
    r"\w[\w\-]{0,62}+ {0,2}(?:[.,]|[(\[{] {0,1}(?:dot|titik) {0,1}[)\]}]|dot|titik) {0,2}"
    r"(?:com|co|id|net|org|go|ac|sch|info|me|my)\b(?: {0,1}\. {0,1}id\b)?",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w@/.])@(\w{2,50}+(?:\.\w{1,50}+)*+)")
_PROFILE = re.compile(
    r"\b(?:wa\.me/|t\.me/|(?:instagram|facebook|twitter|x|tiktok)\.com/@?)[\w.+\-]{2,80}+", re.IGNORECASE
)
_ADDRESS_GAP = re.compile(r"[ .,:/\-']{0,3}")
_ADDRESS_WORDS = 25
_LABELS = frozenset({"ALAMAT", "SUREL", "AKUN", "TELEPON", "NIK", "REKENING", "NOMOR", "PLAT", "NAMA"})
"""Names of placeholders: in a text masked before they are no names of people."""
MARGIN = 300
"""Characters beyond the cut that are looked at, so that what stands across it is found."""


class Masker:
    """Finds personal data by the tables of ``penyamaran.yaml``."""

    def __init__(
        self, persons: Persons, cues: Cues, homes: Phrases[str], address: frozenset[str], plates: Plates,
        kept: frozenset[str], lexicon: Lexicon,
    ) -> None:  # fmt: skip
        self._persons = persons
        self._cues = cues
        self._homes = homes
        self._address = address
        self._plates = plates
        self._kept = kept
        self._lexicon = lexicon

    @classmethod
    def load(
        cls, lexicon: Lexicon, ordinary: frozenset[str], local: frozenset[str], path: Path | None = None
    ) -> Masker:
        """From ``penyamaran.yaml``; ``ordinary`` are words that are no names and ``local`` those of
        the city's names, both in matching form. Raises ``DataError``."""
        path = path or DATA / "penyamaran.yaml"
        data = load_yaml(path)

        def listed(key: str) -> list[str]:
            return list(words(f"{path}: {key}", data.get(key)))

        def forms(key: str) -> frozenset[str]:
            return frozenset(form for word in listed(key) for form in lexicon.phrase(word))

        def phrases(key: str) -> Phrases[str]:
            table: Phrases[str] = Phrases()
            for word in listed(key):
                if not (found := lexicon.phrase(word)):
                    raise DataError(f"{path}: {key}: '{word}' has no word to match by")
                table.add(found, word)
            return table

        lower = {
            key: frozenset(part for word in listed(key) for part in word.lower().split())
            for key in ("rekening", "nomor_pribadi", "telepon")
        }
        persons = Persons(
            cues=phrases("isyarat_nama"), titles=forms("sebutan"), never=forms("bukan_nama"), places=forms("tempat"),
            given=frozenset(listed("nama_umum")), dotted=frozenset(listed("sebutan_singkat")),
            ordinary=ordinary, local=local,
        )  # fmt: skip
        cues = Cues(
            account=lower["rekening"], paper=lower["nomor_pribadi"] - {"id", "no", "nomor"}, phone=lower["telepon"]
        )
        kept = frozenset(word.lower() for key in ("akun_tetap", "surel_tetap") for word in listed(key))
        plates = Plates(phrases("pelat"), frozenset(listed("bukan_akhir_pelat")), frozenset(listed("bukan_awal_pelat")))
        return cls(persons, cues, phrases("isyarat_alamat"), forms("bagian_alamat"), plates, kept, lexicon)

    def mask(self, tokens: Tokens, names: Sequence[str], limit: int = LIMIT) -> str:
        """The text of ``tokens`` masked and cut at ``limit``; ``names`` are the author's known names."""
        spans: list[Span] = [(*home, "ALAMAT") for home in self.homes(tokens)]
        spans.extend(self._spans(tokens.text, tokens, names))
        return _replaced(tokens.text, spans, limit)

    def homes(self, tokens: Tokens) -> tuple[tuple[int, int], ...]:
        """Spans of somebody's home address in the text of ``tokens``."""
        return tuple(self._home_spans(tokens))

    def _spans(self, text: str, tokens: Tokens, names: Sequence[str]) -> Iterator[Span]:
        if "@" in text or " at " in text or "(at" in text or "[at" in text:
            for pattern in (_EMAIL, _SPELLED_EMAIL):
                for match in pattern.finditer(text):
                    if match.group().lower().rstrip(".") not in self._kept:
                        yield (*match.span(), "SUREL")
            for match in _HANDLE.finditer(text):
                if match.group(1).lower() not in self._kept:
                    yield (*match.span(), "AKUN")
        for match in _PROFILE.finditer(text):
            yield (*match.span(), "AKUN")
        yield from number_spans(text, self._cues)
        for start, end in self._plates.spans(tokens):
            yield start, end, "PLAT"
        for start, end in self._persons.spans(tokens, self._lexicon, names):
            yield start, end, "NAMA"

    def _home_spans(self, tokens: Tokens) -> Iterator[tuple[int, int]]:
        """After "alamat saya" and the like, names, numbers and parts of an address, up to the first ordinary word."""
        for hit in self._homes.find(tokens.forms):
            last = hit.end
            while last < min(len(tokens.forms), hit.end + _ADDRESS_WORDS) and self._of_address(
                tokens, last, first=last == hit.end
            ):
                last += 1
            forms = tokens.forms[hit.end : last]
            # "saya tinggal di Tebet" names no house; that takes a number or a street.
            if any(form.isdigit() or form in ("jl", "jalan", "gg", "no") for form in forms):
                yield tokens.starts[hit.end], tokens.ends[last - 1]

    def _of_address(self, tokens: Tokens, index: int, *, first: bool) -> bool:
        gap = tokens.text[tokens.ends[index - 1] : tokens.starts[index]]
        if not first and _ADDRESS_GAP.fullmatch(gap) is None:
            return False
        form = tokens.forms[index]
        return form in self._address or form[0].isdigit() or form not in self._persons.ordinary


def _replaced(text: str, spans: list[Span], limit: int) -> str:
    """Placeholders for the spans; of those that overlap the earlier, and of equal starts the longer, wins."""
    parts: list[str] = []
    position = 0
    for start, end, label in sorted(spans, key=lambda span: (span[0], -span[1], span[2])):
        if start >= limit:
            break
        if end <= position or text[start:end] in _LABELS:
            continue
        parts.append(text[position : max(start, position)])
        parts.append(f"[{label}]" if start >= position else "")
        position = end
    if position < limit:
        parts.append(text[position:limit])
    return "".join(parts)
