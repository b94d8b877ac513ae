"""Names of people in a text: the author's own, and those after a cue or a form of address."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .phrases import Phrases
from .text import Lexicon, Tokens

_MAX_WORDS = 4
_WITHIN_NAME = re.compile(r"[ .']{1,2}|-")
_AFTER_CUE = re.compile(r"[ :.,;=\n]{0,4}(?:adalah )?")
_LEAST_PART = 4


@dataclass(frozen=True)
class Persons:
    """The tables of ``penyamaran.yaml`` that concern names, in matching form."""

    cues: Phrases[str]
    titles: frozenset[str]
    never: frozenset[str]
    places: frozenset[str]
    given: frozenset[str]
    dotted: frozenset[str]
    """Abbreviated titles, as written in lower case, after which a full stop ends no sentence."""
    ordinary: frozenset[str]
    local: frozenset[str]
    """Words of the names of kelurahan, kecamatan and kota."""

    def spans(self, tokens: Tokens, lexicon: Lexicon, authors: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Spans of names in ``tokens.text``; ``authors`` are the known names of whoever wrote it."""
        yield from self._authors(tokens, lexicon, authors)
        yield from self._introduced(tokens)
        yield from self._addressed(tokens)

    def _authors(self, tokens: Tokens, lexicon: Lexicon, authors: Sequence[str]) -> Iterator[tuple[int, int]]:
        table: Phrases[bool] = Phrases()
        for author in authors:
            forms = lexicon.phrase(author[:200])
            if not forms:
                continue
            table.add(forms, len(forms) > 1)
            for form in forms if len(forms) > 1 else ():
                if len(form) >= _LEAST_PART and form not in self.ordinary and form not in self.local:
                    table.add((form,), False)
        for hit in table.find(tokens.forms):
            before = tokens.forms[hit.start - 1] if hit.start else ""
            whole = any(hit.values)
            # "Gunawan" may write of Jl. Gunawan; one word that is also an ordinary one may be that.
            form = tokens.forms[hit.start]
            if not whole and (before in self.places or form in self.ordinary or form in self.local):
                continue
            yield tokens.starts[hit.start], tokens.ends[hit.end - 1]

    def _introduced(self, tokens: Tokens) -> Iterator[tuple[int, int]]:
        """After "nama saya", "a.n." and the like: up to four words, the first of which is no ordinary word."""
        for hit in self.cues.find(tokens.forms):
            first = hit.end
            if (
                first >= len(tokens.forms)
                or _AFTER_CUE.fullmatch(tokens.text, tokens.ends[first - 1], tokens.starts[first]) is None
            ):
                continue
            while first < len(tokens.forms) and tokens.forms[first] in self.titles:
                first += 1
            # "nama" alone is also the name of a street or a shop; only "nama:" introduces a person.
            colon = tokens.text[tokens.ends[hit.end - 1] : tokens.starts[hit.end]].strip()
            if hit.end - hit.start == 1 and not colon and not self._is_name(tokens, first):
                continue
            yield from self._name(tokens, first)

    def _addressed(self, tokens: Tokens) -> Iterator[tuple[int, int]]:
        """After "Pak", "Ibu" and the like a capitalised word that is none of the language, or a common given name;
        after "saya" a given name only."""
        for index, form in enumerate(tokens.forms[:-1]):
            if form == "saya":
                if self._is_given(tokens, index + 1) and tokens.text[tokens.ends[index] : tokens.starts[index + 1]] in (
                    " ",
                    ", ",
                ):
                    yield from self._name(tokens, index + 1)
                continue
            if form not in self.titles or (index and tokens.forms[index - 1] in self.places):
                continue
            if (
                tokens.forms[index + 1] not in self.titles
                and self._follows(tokens, index)
                and self._is_name(tokens, index + 1)
            ):
                yield from self._name(tokens, index + 1)

    def _follows(self, tokens: Tokens, index: int) -> bool:
        gap = tokens.text[tokens.ends[index] : tokens.starts[index + 1]]
        return gap == " " or (
            gap in (".", ". ") and tokens.text[tokens.starts[index] : tokens.ends[index]].lower() in self.dotted
        )

    def _is_given(self, tokens: Tokens, index: int) -> bool:
        """A common given name; written small it must not be an ordinary word too."""
        written = tokens.text[tokens.starts[index] : tokens.ends[index]]
        if written.lower() not in self.given:
            return False
        return (written[0].isupper() and not tokens.text.isupper()) or tokens.forms[index] not in self.ordinary

    def _is_name(self, tokens: Tokens, index: int) -> bool:
        if index >= len(tokens.forms):
            return False
        written = tokens.text[tokens.starts[index] : tokens.ends[index]]
        form = tokens.forms[index]
        if form in self.never or not written.isalpha():
            return False
        if self._is_given(tokens, index):
            return True
        return written[0].isupper() and not tokens.text.isupper() and form not in self.ordinary

    def _name(self, tokens: Tokens, first: int) -> Iterator[tuple[int, int]]:
        last = first
        while last < len(tokens.forms) and last - first < _MAX_WORDS:
            written = tokens.text[tokens.starts[last] : tokens.ends[last]]
            form = tokens.forms[last]
            if not written.isalpha() or form in self.never:
                break
            if last > first:
                gap = _WITHIN_NAME.fullmatch(tokens.text, tokens.ends[last - 1], tokens.starts[last])
                if gap is None or not self._continues(tokens, last):
                    break
            elif form in self.ordinary and form not in self.given:
                break
            last += 1
        if last > first:
            yield tokens.starts[first], tokens.ends[last - 1]

    def _continues(self, tokens: Tokens, index: int) -> bool:
        """A following word belongs to the name if it looks like one: a sentence may end without a full stop."""
        gap = tokens.text[tokens.ends[index - 1] : tokens.starts[index]]
        before = tokens.text[tokens.starts[index - 1] : tokens.ends[index - 1]]
        if "." in gap and len(before) > _LEAST_PART:
            return False
        return self._is_name(tokens, index) or (len(before) == 1 and tokens.forms[index] not in self.ordinary)
