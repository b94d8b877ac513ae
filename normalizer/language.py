"""Language of a text by its function words: Indonesian, Javanese, Sundanese, English or other."""

from __future__ import annotations

from pathlib import Path

from schemas.ticket import Judgement

from .tables import DATA, load_yaml, words
from .text import Tokens

_NAMES = {"id": "Indonesia", "jv": "Jawa", "su": "Sunda", "en": "Inggris"}
_ENOUGH_WORDS = 400
"""A language shows in its first words; the rest of a long text adds nothing."""


class Languages:
    """The word lists of ``bahasa.yaml``."""

    def __init__(self, owners: dict[str, tuple[str, ...]]) -> None:
        self._owners = owners

    @classmethod
    def load(cls, path: Path | None = None) -> Languages:
        """From ``bahasa.yaml``. Raises ``DataError``."""
        path = path or DATA / "bahasa.yaml"
        data = load_yaml(path)
        owners: dict[str, tuple[str, ...]] = {}
        for language in _NAMES:
            for word in words(f"{path}: {language}", data.get(language)):
                owners[word] = tuple(sorted({*owners.get(word, ()), language}))
        return cls(owners)

    def vocabulary(self) -> set[str]:
        """Every word of the lists, as written."""
        return set(self._owners)

    def judge(self, tokens: Tokens) -> Judgement:
        """The language with most words of its own; a word of several languages counts for each in part."""
        counts = dict.fromkeys(_NAMES, 0.0)
        text = tokens.text
        for start, end in list(zip(tokens.starts, tokens.ends, strict=True))[:_ENOUGH_WORDS]:
            owners = self._owners.get(text[start:end].lower())
            if owners:
                for language in owners:
                    counts[language] += 1 / len(owners)
        total = sum(counts.values())
        if not total:
            return Judgement(value="other", confidence=0.3, reasons=("tidak ada kata yang dikenal",))
        best = max(_NAMES, key=lambda language: counts[language])
        # Few known words are weak evidence, however much they agree.
        confidence = counts[best] / (total + 0.5)
        reason = f"{counts[best]:g} dari {total:g} kata tugas berbahasa {_NAMES[best]}"
        return Judgement(value=best, confidence=round(confidence, 2), reasons=(reason,))
