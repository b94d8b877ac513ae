"""The agencies of the city (``data/opd.csv``)."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

KINDS = frozenset({"dinas", "satuan", "badan", "inspektorat", "biro", "wilayah", "bumd", "luar"})
"""``luar``: not of the city (PLN, Polda …), so it has no inbox; ``wilayah``: a class of offices, not one office."""

KELURAHAN = "KELURAHAN"
"""In a rule: the kelurahan where the complaint is. Decisions name it ``KEL:<Kemendagri code>``."""

_COLUMNS = ["code", "name", "kind"]
_CODE = re.compile(r"[A-Z][A-Z0-9-]*")


class RulebookError(ValueError):
    """Rules or agencies that cannot be used; the message names the file, the line and what to change."""


@dataclass(frozen=True)
class Unit:
    """An agency: code, official name and kind (one of ``KINDS``)."""

    code: str
    name: str
    kind: str

    @property
    def has_inbox(self) -> bool:
        """Whether complaints can be assigned to it."""
        return self.kind not in {"luar", "wilayah"}


def load_units(path: Path) -> Mapping[str, Unit]:
    """The agencies by code. Raises ``RulebookError`` with file and line."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if header != _COLUMNS:
                raise RulebookError(f"{path}:1: the columns must be {','.join(_COLUMNS)}, not {','.join(header)}")
            units: dict[str, Unit] = {}
            for row in reader:
                unit = _unit(row, f"{path}:{reader.line_num}")
                if unit.code in units:
                    raise RulebookError(f"{path}:{reader.line_num}: {unit.code} is listed twice: remove one line")
                units[unit.code] = unit
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RulebookError(f"{path}: cannot be read as UTF-8 CSV ({error}): check the path and the file") from error
    return units


def _unit(row: list[str], where: str) -> Unit:
    if len(row) != len(_COLUMNS):
        raise RulebookError(f"{where}: {len(row)} fields instead of {len(_COLUMNS)}: quote a name that holds a comma")
    code, name, kind = (field.strip() for field in row)
    if not _CODE.fullmatch(code):
        raise RulebookError(f"{where}: code {code!r} must be capital letters, digits and hyphens")
    if not name:
        raise RulebookError(f"{where}: {code} has no name")
    if kind not in KINDS:
        raise RulebookError(f"{where}: kind {kind!r} of {code} must be one of {', '.join(sorted(KINDS))}")
    return Unit(code, name, kind)
