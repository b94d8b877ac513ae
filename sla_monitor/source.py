"""Strict reading of the room's YAML files: every complaint names the file and the line."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path

import yaml


class DataError(ValueError):
    """A data file says something we cannot follow. The message begins with ``file:line:`` and ends with what to do."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}")
        self.path = path
        self.line = line


class Node:
    """A value of a YAML file that knows where it stands. Lines count from 1."""

    def __init__(self, path: Path, node: yaml.Node) -> None:
        self._path = path
        self._node = node

    @property
    def line(self) -> int:
        """Line of the value's beginning."""
        return int(self._node.start_mark.line) + 1

    def error(self, problem: str) -> DataError:
        """An error about this value, to be raised by the caller."""
        return DataError(self._path, self.line, problem)

    def mapping(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Node]:
        """Keys and values; raises ``DataError`` for a missing, unknown or repeated key."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self.error(f"expected keys and values: {', '.join(required)}")
        known = [*required, *optional]
        found: dict[str, Node] = {}
        for key_node, value in self._node.value:
            key = Node(self._path, key_node)
            name = key.text()
            if name not in known:
                raise key.error(f"unknown key {name!r}{suggest(name, known)}")
            if name in found:
                raise key.error(f"key {name!r} stands twice: remove one")
            found[name] = Node(self._path, value)
        if missing := [name for name in required if name not in found]:
            raise self.error(f"missing key {missing[0]!r}: add it")
        return found

    def items(self) -> Iterator[Node]:
        """Members of a list."""
        if not isinstance(self._node, yaml.SequenceNode):
            raise self.error("expected a list")
        return (Node(self._path, member) for member in self._node.value)

    def text(self) -> str:
        """A non-empty text, as it is written."""
        if not isinstance(self._node, yaml.ScalarNode) or not self._node.value.strip():
            raise self.error("expected a text")
        return str(self._node.value).strip()

    def choice(self, allowed: Collection[str], what: str) -> str:
        """A text out of ``allowed``; ``what`` names the kind of thing in the message."""
        value = self.text()
        if value not in allowed:
            raise self.error(f"unknown {what} {value!r}{suggest(value, allowed)}")
        return value

    def integer(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self.text()
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise self.error(f"expected a whole number from {low} to {high}, not {value!r}")
        return int(value)

    def flag(self) -> bool:
        """``true`` or ``false``."""
        return self.choice(("true", "false"), "truth value") == "true"

    def day(self) -> date:
        """A date, written 2026-11-23."""
        value = self.text()
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise self.error(f"expected a date such as 2026-11-23, not {value!r}") from error


def read(path: Path) -> Node:
    """The document in ``path``. Raises ``DataError`` when the file is away, empty or not YAML."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except OSError as error:
        raise DataError(path, 1, f"cannot be read ({error.strerror}): put the file back") from error
    except UnicodeDecodeError as error:
        raise DataError(path, 1, "is not UTF-8: save it as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DataError(path, line, f"is not YAML ({error.problem}): check indentation and quotes") from error
    if node is None:
        raise DataError(path, 1, "is empty: put the last good version back")
    return Node(path, node)


def suggest(word: str, known: Collection[str]) -> str:
    """The end of a message about an unknown word: the nearest known one, or all of them."""
    near = difflib.get_close_matches(word, known, n=1)
    return f": did you mean {near[0]!r}?" if near else f": use one of {', '.join(sorted(known))}"
