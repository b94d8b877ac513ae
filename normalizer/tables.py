"""Reads the room's data files; an error names the file, the line or path, and what to do.

The files in ``normalizer/data`` are the city's to change: words, categories, streets, abbreviations. They are read
once, when a :class:`normalizer.reader.Reader` is loaded, and a mistake in them stops the start, not a complaint.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).parent / "data"


class DataError(ValueError):
    """A data file is not as it must be; the message says where and what to do."""


class _Loader(yaml.CSafeLoader):
    """The safe loader, refusing a key that stands twice: YAML would silently keep the last."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise DataError(f"line {key_node.start_mark.line + 1}: '{key}' stands twice; keep one")
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_yaml(path: Path) -> dict[str, Any]:
    """The mapping in ``path``. Raises ``DataError`` when it cannot be read, is not a mapping, or repeats a key."""
    try:
        # A subclass of CSafeLoader: as safe as yaml.safe_load.
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); restore the file") from error
    except (yaml.YAMLError, DataError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {error}") from error
    if not isinstance(data, dict):
        raise DataError(f"{path}: must be a mapping of names to values")
    return data


def mapping(where: str, value: object) -> Mapping[Any, Any]:
    """``value`` as a mapping; ``where`` is its path for the error."""
    if not isinstance(value, dict):
        raise DataError(f"{where}: must be a mapping, found {type(value).__name__}")
    return value


def words(where: str, value: object) -> Iterator[str]:
    """``value`` as a list of non-empty texts. YAML reads bare yes/no/numbers as other types: they must be quoted."""
    if not isinstance(value, list):
        raise DataError(f"{where}: must be a list of words, found {type(value).__name__}")
    for index, word in enumerate(value):
        if not isinstance(word, str) or not word.strip():
            raise DataError(f"{where}[{index}]: '{word}' is not a text; write it in quotes")
        yield word.strip()


def number(where: str, value: object) -> float:
    """``value`` as a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"{where}: '{value}' must be a number")
    return float(value)


def load_csv(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and row of a CSV file with exactly these columns; lines that begin with ``#`` are remarks.

    Raises ``DataError`` when the file cannot be read, its header differs, or a row has too few or too many fields.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); restore the file") from error
    header: list[str] | None = None
    for line_number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = next(csv.reader([line]))
        if header is None:
            header = fields
            if tuple(header) != columns:
                raise DataError(f"{path}, line {line_number}: the columns must be {','.join(columns)}")
            continue
        if len(fields) != len(header):
            raise DataError(f"{path}, line {line_number}: {len(fields)} fields, {len(header)} needed")
        yield line_number, dict(zip(header, fields, strict=True))
