"""Loads ``data/kata.yaml``: the words that pages use for statuses, facts, channels, refusals and services."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import msgspec
import yaml

from schemas.case import FactKind, Status

Tint = Literal["merah", "jingga", "kuning", "hijau", "biru", "ungu", "abu"]


class StatusWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``langkah`` is the step, 1 to 4, that the tracking page marks."""

    nama: str
    warna: Tint
    langkah: int
    warga: str


class FactWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fact for officers, and for citizens (empty: not shown to them)."""

    petugas: str
    warga: str


class StateWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """State of a service."""

    nama: str
    warna: Tint


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    status: dict[str, StatusWords]
    langkah: tuple[str, str, str, str]
    fakta: dict[str, FactWords]
    kanal: dict[str, str]
    penolakan: dict[str, str]
    jam: dict[str, str]
    layanan: dict[str, str]
    keadaan: dict[str, StateWords]
    kotak_keluar: dict[str, str]

    def refusal(self, reason: str | None) -> str:
        """Why a command was refused, in a sentence."""
        return self.penolakan.get(reason or "", self.penolakan["lain"])


@cache
def words(path: Path = Path(__file__).parent / "data" / "kata.yaml") -> Words:
    """The words. Raises ``ValueError`` naming the file and the place in it."""
    try:
        loaded = msgspec.convert(yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader), Words)
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {error}") from error
    _complete(path, "status", loaded.status, get_args(Status))
    _complete(path, "fakta", loaded.fakta, get_args(FactKind))
    _complete(path, "penolakan", loaded.penolakan, ("lain",))
    for section, sentences in (
        ("status", [s.warga for s in loaded.status.values()]),
        ("fakta", [s for f in loaded.fakta.values() for s in (f.petugas, f.warga)]),
    ):
        for sentence in sentences:
            try:
                sentence.format(unit="", kanal="")
            except (KeyError, IndexError, ValueError) as error:
                raise ValueError(
                    f"{path}: {section}: “{sentence}”: only {{unit}} and {{kanal}} may stand in braces"
                ) from error
    return loaded


def name_channels(titles: Mapping[str, str]) -> None:
    """Names of channels by code, where the file does not give another one."""
    for code, title in titles.items():
        words().kanal.setdefault(code, title)


def _complete(path: Path, section: str, have: Collection[str], need: tuple[str, ...]) -> None:
    missing = [name for name in need if name not in have]
    if missing:
        raise ValueError(f"{path}: {section} lacks {', '.join(missing)}: add them")
