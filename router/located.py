"""YAML with the line of every list entry, so that an error can point at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from .units import RulebookError


def load_located(path: Path, list_name: str) -> tuple[Any, tuple[int, ...]]:
    """The document, and the line (from 1) on which each entry of its top-level list ``list_name`` begins.

    Refuses a key that stands twice in one mapping, of which YAML would silently keep the last.
    Raises ``RulebookError`` with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        data = yaml.load(text, Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise RulebookError(f"{path}: cannot be read as UTF-8 text ({error}): check the path") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RulebookError(f"{path}:{line}: is not YAML ({error.problem}): check indentation and quotes") from error
    except (yaml.YAMLError, ValueError) as error:
        raise RulebookError(
            f"{path}:1: is not YAML ({error}): check for control characters and impossible dates"
        ) from error
    if not isinstance(root, yaml.MappingNode):
        raise RulebookError(f"{path}:1: must be a mapping (version, effective_from, …)")
    _refuse_repeated_keys(root, path)
    return data, _entry_lines(root, list_name)


def _refuse_repeated_keys(node: yaml.Node, path: Path) -> None:
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_repeated_keys(child, path)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, child in node.value:
            if key.value in seen:
                raise RulebookError(f"{path}:{key.start_mark.line + 1}: {key.value!r} stands twice: remove one of them")
            seen.add(key.value)
            _refuse_repeated_keys(child, path)


def _entry_lines(root: yaml.MappingNode, list_name: str) -> tuple[int, ...]:
    for key, child in root.value:
        if key.value == list_name and isinstance(child, yaml.SequenceNode):
            return tuple(entry.start_mark.line + 1 for entry in child.value)
    return ()
