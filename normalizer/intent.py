"""What a message wants: complaint, question, suggestion, praise, chatter, spam, or nothing.

The errors do not weigh the same. A remark taken for a complaint costs an officer a minute; a complaint taken for
chatter is lost. So chatter, praise and spam need evidence of their own and the absence of any sign of a problem, and
what fits nothing is a complaint with low confidence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from schemas.ticket import Intent, Judgement

from .phrases import Phrases
from .tables import DATA, DataError, load_yaml, mapping, number, words
from .text import Lexicon, Tokens

_GROUPS: dict[str, Intent] = {
    "aduan": "complaint",
    "pertanyaan": "question",
    "saran": "suggestion",
    "pujian": "praise",
    "obrolan": "chatter",
    "spam": "spam",
}
_NAMES = {"question": "pertanyaan", "suggestion": "saran", "praise": "pujian", "chatter": "obrolan", "spam": "spam"}
_TICKET_NUMBER = re.compile(r"\bJK\s?\d{10,12}\b", re.IGNORECASE)
_SAY_SOMETHING = re.compile(r"[^\W_]")
_LINK = re.compile(r"https?://\S++", re.IGNORECASE)

_CLEAR = 3.0
"""Evidence of one strong word: what decides between complaint, question and suggestion."""
_ENOUGH = 2.0
_LEAST_TOPIC = 3.0
"""From here on the words name something the city looks after, so the message is not idle."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the other steps found: the topic's strength, whether a place or our ticket number is named."""

    topic: float
    place: bool


class _Evidence:
    """Weights and words found, by intent."""

    def __init__(self) -> None:
        self.weight: dict[str, float] = dict.fromkeys(get_args(Intent), 0.0)
        self.words: dict[str, list[str]] = {intent: [] for intent in get_args(Intent)}

    def add(self, intent: str, weight: float, label: str) -> None:
        if label not in self.words[intent]:
            self.weight[intent] += weight
            self.words[intent].append(label)

    def why(self, intent: str) -> tuple[str, ...]:
        return tuple(f"kata '{label}'" for label in self.words[intent][:4])


class Intents:
    """The table of ``niat.yaml`` and the judgement made by it."""

    def __init__(self) -> None:
        self._phrases: Phrases[tuple[str, str, float]] = Phrases()
        self._greetings: set[str] = set()
        self._elsewhere: Phrases[str] = Phrases()
        self._vocabulary: set[str] = set()

    @classmethod
    def load(cls, lexicon: Lexicon, path: Path | None = None) -> Intents:
        """From ``niat.yaml``. Raises ``DataError`` with the path of the entry at fault."""
        path = path or DATA / "niat.yaml"
        data = load_yaml(path)
        table = cls()
        for group, intent in _GROUPS.items():
            for weight, entries in mapping(f"{path}: {group}", data.get(group)).items():
                where = f"{path}: {group}.{weight}"
                value = number(where, weight)
                for entry in words(where, entries):
                    table._phrases.add(_phrase(lexicon, where, entry), (intent, entry, value))
                    table._vocabulary.update(lexicon.phrase(entry))
        for entry in words(f"{path}: sapaan", data.get("sapaan")):
            table._greetings.update(lexicon.phrase(entry))
        for entry in words(f"{path}: daerah_lain", data.get("daerah_lain")):
            table._elsewhere.add(_phrase(lexicon, f"{path}: daerah_lain", entry), entry)
        table._vocabulary |= table._greetings
        return table

    def vocabulary(self) -> set[str]:
        """Every word of the table, in matching form."""
        return set(self._vocabulary)

    def judge(self, tokens: Tokens, context: Context) -> Judgement:
        """The intent of a cleaned text."""
        if _SAY_SOMETHING.search(tokens.text) is None:
            return Judgement(value="empty", confidence=0.99, reasons=("tidak ada kata dalam pesan",))
        if _SAY_SOMETHING.search(_LINK.sub("", tokens.text)) is None:
            return Judgement(value="empty", confidence=0.7, reasons=("hanya berisi tautan",))
        evidence = self._gather(tokens)
        if _TICKET_NUMBER.search(tokens.text):
            evidence.add("complaint", _ENOUGH, "nomor laporan")
        if evidence.weight["complaint"] > 0:
            return self._with_problem(evidence, context)
        return self._without_problem(evidence, context, tokens)

    def _gather(self, tokens: Tokens) -> _Evidence:
        evidence = _Evidence()
        for hit in self._phrases.find(tokens.forms):
            for intent, label, weight in hit.values:
                evidence.add(intent, weight, label)
        for place in self._elsewhere.find(tokens.forms):
            evidence.add("chatter", 1.0, place.values[0])
        if "?" in tokens.text:
            evidence.add("question", 0.5, "?")
        return evidence

    def _with_problem(self, evidence: _Evidence, context: Context) -> Judgement:
        """A sign of a problem or a request is there: never chatter, and praise only for a job that was done."""
        weight = evidence.weight
        problem = weight["complaint"]
        if (
            weight["spam"] >= 2 * _CLEAR
            and problem <= 2 * _ENOUGH
            and not context.place
            and context.topic < _LEAST_TOPIC
        ):
            return _result("spam", weight["spam"] / (weight["spam"] + problem), evidence)
        if weight["praise"] >= _CLEAR + 1 and problem <= 1:
            return _result("praise", 0.6, evidence)
        for intent in ("question", "suggestion"):
            if weight[intent] >= _CLEAR + 1 and weight[intent] > problem * 0.8:
                return _result(intent, min(0.9, weight[intent] / (weight[intent] + problem)), evidence)
        strength = problem + min(context.topic, 5.0) / 2
        return _result("complaint", min(0.98, 0.45 + strength * 0.08), evidence)

    def _without_problem(self, evidence: _Evidence, context: Context, tokens: Tokens) -> Judgement:
        if self._greetings.issuperset(tokens.forms):
            return Judgement(value="chatter", confidence=0.8, reasons=("hanya tutur sapa",))
        intent, confidence = _without_problem(evidence.weight, context)
        if intent == "complaint":
            reason = "maksud tidak jelas: dianggap aduan, perlu dibaca petugas"
            if context.topic > 0:
                reason = "menyebut urusan kota tanpa kata masalah: dianggap aduan"
            return Judgement(value="complaint", confidence=round(confidence, 2), reasons=(reason,))
        return _result(intent, confidence, evidence)


def _without_problem(weight: dict[str, float], context: Context) -> tuple[str, float]:
    """Intent and confidence of a text without any sign of a problem."""
    named = context.topic >= _LEAST_TOPIC
    about = named or context.place
    asked = weight["question"]
    # Any word of the city's business makes it doubtful that a remark is idle.
    idle = weight["chatter"] >= (2 * _CLEAR if context.topic > 0 else _CLEAR) and not about
    rules: tuple[tuple[bool, str, float], ...] = (
        (weight["spam"] >= _CLEAR + 1 and not context.place, "spam", weight["spam"] / (weight["spam"] + 1.5)),
        (weight["suggestion"] >= _CLEAR, "suggestion", 0.5 + weight["suggestion"] * 0.07),
        (weight["praise"] >= _CLEAR, "praise", 0.5 + weight["praise"] * 0.07),
        (asked >= _CLEAR + 1 or (asked >= _ENOUGH and about), "question", 0.4 + asked * 0.08),
        (idle, "chatter", 0.5 + weight["chatter"] * 0.07),
        (context.topic > 0, "complaint", min(0.6, 0.35 + context.topic * 0.05)),
        (asked >= _ENOUGH, "question", 0.45),
    )
    for holds, intent, confidence in rules:
        if holds:
            return intent, min(0.95, confidence)
    return "complaint", 0.25


def _phrase(lexicon: Lexicon, where: str, entry: str) -> tuple[str, ...]:
    forms = lexicon.phrase(entry)
    if not forms:
        raise DataError(f"{where}: '{entry}' has no word to match by")
    return forms


def _result(intent: str, confidence: float, evidence: _Evidence) -> Judgement:
    label = _NAMES.get(intent)
    reasons = evidence.why(intent)
    if label is not None and evidence.weight["complaint"] == 0:
        reasons = (*reasons, "tidak ada kata yang menunjukkan masalah")
    return Judgement(value=intent, confidence=round(confidence, 2), reasons=reasons)
