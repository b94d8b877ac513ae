"""One token trie for a whole table of phrases: a text is walked once, whatever the number of phrases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Hit(NamedTuple, Generic[T]):
    """A phrase found at tokens ``start`` up to, not including, ``end``, with everything that was added for it."""

    start: int
    end: int
    values: list[T]


class _Node(Generic[T]):
    __slots__ = ("children", "values")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.values: list[T] = []


class Phrases(Generic[T]):
    """Phrases (sequences of matching forms) with values."""

    def __init__(self) -> None:
        self._root: dict[str, _Node[T]] = {}

    def add(self, forms: Sequence[str], value: T) -> None:
        """Adds ``value`` to the phrase; a phrase may hold several. Raises ``ValueError`` for one without a word."""
        if not forms:
            raise ValueError("a phrase needs at least one word")
        node = self._root.setdefault(forms[0], _Node())
        for form in forms[1:]:
            node = node.children.setdefault(form, _Node())
        node.values.append(value)

    def find(self, forms: Sequence[str]) -> list[Hit[T]]:
        """All hits from left to right, the longest at each place, none overlapping another."""
        hits: list[Hit[T]] = []
        root, count, position = self._root, len(forms), 0
        while position < count:
            node = root.get(forms[position])
            if node is None:
                position += 1
                continue
            ahead = position + 1
            best: _Node[T] | None = node if node.values else None
            end = ahead
            while ahead < count and (node := node.children.get(forms[ahead])) is not None:
                ahead += 1
                if node.values:
                    best, end = node, ahead
            if best is not None:
                hits.append(Hit(position, end, best.values))
                position = end
            else:
                position += 1
        return hits
