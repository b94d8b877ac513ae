"""Category: weighted words and pairs of words, with the sender's own choice as a mere prior.

Confidence is ``s² / (Σ s² + 4)`` over the scores of all categories: one decisive phrase (5) gives 0.86, a strong one
(3) 0.69, two equal ones share. The sender's choice of a JAKI category is noisy (JAKI reports of 2023 file banners under
"Sampah" and broken lamps under "Keluhan Fasilitas Gedung Pemda"), so it weighs no more than one medium word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.ticket import Judgement

from .phrases import Phrases
from .tables import DATA, DataError, load_yaml, mapping, number, words
from .text import Lexicon, Tokens

OTHER = "lainnya"
_DOUBT = 4.0
_COUNTER_TRUST = 2.0
"""The officer at a counter chooses from our own list, after hearing the citizen."""


@dataclass(frozen=True, slots=True)
class _Pair:
    words: tuple[str, ...]
    label: str
    slug: str
    weight: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Evidence for every category: ``total`` with the sender's choice, ``from_words`` without, ``why`` the words."""

    total: Mapping[str, float]
    from_words: Mapping[str, float]
    why: Mapping[str, list[str]]
    hint: tuple[str, ...]

    @property
    def topic(self) -> float:
        """Strength of the best category by words alone."""
        return max(self.from_words.values(), default=0.0)


class Categories:
    """The table of ``kategori.yaml`` and the judgement made by it."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self._phrases: Phrases[tuple[str, str, float]] = Phrases()
        self._pairs: dict[str, list[_Pair]] = defaultdict(list)
        self._hints: dict[str, dict[str, float]] = defaultdict(dict)
        self._reach = 0
        self._ignored: Phrases[None] = Phrases()
        self._vocabulary: set[str] = set()

    @classmethod
    def load(cls, lexicon: Lexicon, places: Iterable[str] = (), path: Path | None = None) -> Categories:
        """From ``kategori.yaml``; names of ``places`` of several words are read as nothing else.

        Raises ``DataError`` with the path of the entry at fault.
        """
        path = path or DATA / "kategori.yaml"
        data = load_yaml(path)
        table = cls()
        table._reach = int(number(f"{path}: jarak", data.get("jarak")))
        several = (forms for name in places if len(forms := lexicon.phrase(name)) > 1)
        for forms in (*several, *(lexicon.phrase(idiom) for idiom in words(f"{path}: abaikan", data.get("abaikan")))):
            table._ignored.add(forms, None)
        for slug, entry in mapping(f"{path}: kategori", data.get("kategori")).items():
            where = f"{path}: kategori.{slug}"
            fields = mapping(where, entry)
            if not isinstance(fields.get("nama"), str):
                raise DataError(f"{where}.nama: needs a name that people read")
            table.names[slug] = fields["nama"]
            table._hint(slug, slug, 3.0)
            table._hint(fields["nama"], slug, 3.0)
            for choice, weight in mapping(f"{where}.pilihan", fields.get("pilihan")).items():
                table._hint(str(choice), slug, number(f"{where}.pilihan.{choice}", weight))
            for weight, entries in mapping(f"{where}.kata", fields.get("kata")).items():
                table._words(lexicon, slug, f"{where}.kata.{weight}", weight, entries)
        if OTHER not in table.names:
            raise DataError(f"{path}: kategori.{OTHER} is missing; it is what nothing else fits")
        return table

    def _hint(self, choice: str, slug: str, weight: float) -> None:
        self._hints[_key(choice)][slug] = weight

    def _words(self, lexicon: Lexicon, slug: str, where: str, weight: object, entries: object) -> None:
        value = number(where, weight)
        for entry in words(where, entries):
            parts = [lexicon.phrase(part) for part in entry.split("+")]
            if not all(parts):
                raise DataError(f"{where}: '{entry}' has no word to match by")
            for part in parts:
                self._vocabulary.update(part)
            if len(parts) == 1:
                self._phrases.add(parts[0], (slug, entry, value))
                continue
            flat = tuple(form for part in parts for form in part)
            label = entry.replace(" + ", "' dan '")
            self._pairs[flat[0]].append(_Pair(flat, label, slug, value))

    def vocabulary(self) -> set[str]:
        """Every word of the table, in matching form."""
        return set(self._vocabulary)

    def scores(self, tokens: Tokens, chosen: str | None, channel: str | None) -> Scores:
        """Evidence in ``tokens``, plus the sender's choice ``chosen`` (a name of their list, or our slug)."""
        best: dict[tuple[str, str], float] = {}
        forms = self._without_idioms(tokens.forms)
        for hit in self._phrases.find(forms):
            for slug, label, weight in hit.values:
                best[slug, label] = weight
        for pair in self._near(forms):
            best[pair.slug, pair.label] = pair.weight
        found: dict[str, float] = defaultdict(float)
        why: dict[str, list[str]] = defaultdict(list)
        for (slug, label), weight in sorted(best.items(), key=lambda item: (-abs(item[1]), item[0])):
            if weight < 0:
                found[slug] += weight
                continue
            # Repeating the same thing in other words says less each time.
            found[slug] += weight / (1 + 0.5 * min(len(why[slug]), 4))
            why[slug].append(label)
        total = dict(found)
        hints = self._hints.get(_key(chosen), {}) if chosen else {}
        trust = _COUNTER_TRUST if channel == "counter" else 1.0
        for slug, weight in hints.items():
            total[slug] = total.get(slug, 0.0) + weight * trust
        return Scores(total, found, why, tuple(hints))

    def _without_idioms(self, forms: list[str]) -> list[str]:
        """``forms`` with blanks for idioms and places: "berulang kali" is no river, Rawa Buaya no crocodile."""
        hits = self._ignored.find(forms)
        if not hits:
            return forms
        rest = list(forms)
        for hit in hits:
            rest[hit.start : hit.end] = [""] * (hit.end - hit.start)
        return rest

    def _near(self, forms: list[str]) -> list[_Pair]:
        """Pairs of which all words stand within reach of the first."""
        present = set(forms)
        hits: list[_Pair] = []
        for first in present & self._pairs.keys():
            for pair in self._pairs[first]:
                if present.issuperset(pair.words) and self._close(forms, pair.words):
                    hits.append(pair)
        return hits

    def _close(self, forms: list[str], wanted: tuple[str, ...]) -> bool:
        spots = [[i for i, form in enumerate(forms) if form == word][:20] for word in wanted]
        return any(
            all(any(abs(place - start) <= self._reach for place in other) for other in spots[1:]) for start in spots[0]
        )

    def judge(self, scores: Scores, chosen: str | None) -> Judgement:
        """The category of the highest score; ``lainnya`` when nothing points anywhere."""
        ranked = sorted(
            ((value, slug) for slug, value in scores.total.items() if value > 0), key=lambda x: (-x[0], x[1])
        )
        if not ranked:
            reason = "tidak ada kata yang menunjuk ke suatu kategori"
            return Judgement(value=OTHER, confidence=0.1, reasons=(reason, *self._unknown(chosen)))
        top, slug = ranked[0]
        confidence = top * top / (sum(value * value for value, _ in ranked) + _DOUBT)
        reasons = [f"kata '{label}'" for label in scores.why.get(slug, [])[:4]]
        if slug in scores.hint:
            reasons.append(f"pilihan pelapor '{chosen}'")
        if len(ranked) > 1 and ranked[1][0] * 2 > top:
            reasons.append(f"mungkin juga {self.names[ranked[1][1]]}")
        return Judgement(value=slug, confidence=round(confidence, 2), reasons=(*reasons, *self._unknown(chosen)))

    def _unknown(self, chosen: str | None) -> tuple[str, ...]:
        if chosen is None or not chosen.strip() or _key(chosen) in self._hints:
            return ()
        return ("pilihan pelapor tidak ada di daftar kategori",)


def _key(choice: str) -> str:
    return " ".join(choice.casefold().split())
