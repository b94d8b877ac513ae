"""Forms as they are posted: small, URL-encoded, each field once, no control characters; and their fields checked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from fastapi import Request

from . import waktu
from .errors import PageError

MAX_BODY = 64 * 1024
"""Bytes of a whole form; the longest text allowed is 5,000 characters."""
MAX_FIELDS = 40
OLDEST = timedelta(days=366)
"""How far back a counter may date a receipt."""
NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Form:
    """The fields of one form. Each accessor checks one field and notes what is wrong with it in ``problems``."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values
        self.problems: dict[str, str] = {}

    def text(self, name: str, label: str, longest: int, *, least: int = 0) -> str:
        """The trimmed text; ``""`` where there is none."""
        value = self.values.get(name, "").strip()
        if len(value) > longest:
            self.problems[name] = f"{label} paling banyak {longest} huruf; sekarang {len(value)}."
        elif least and not value:
            self.problems[name] = f"{label} belum diisi."
        elif len(value) < least:
            self.problems[name] = f"{label} paling sedikit {least} huruf."
        return value

    def choice(self, name: str, label: str, options: Collection[str], *, required: bool = True) -> str:
        """One of ``options``; ``""`` where nothing was chosen."""
        value = self.values.get(name, "").strip()
        if (value or required) and value not in options:
            self.problems[name] = f"{label}: pilih salah satu dari daftar."
            return ""
        return value

    def number(self, name: str, label: str, lowest: int, highest: int) -> int:
        """A whole number in a range; ``lowest`` where it is wrong."""
        value = self.values.get(name, "").strip()
        if not (value.isascii() and value.isdigit() and len(value) < 10 and lowest <= int(value) <= highest):
            self.problems[name] = f"{label}: isi dengan angka {lowest} sampai {highest}."
            return lowest
        return int(value)

    def moment(self, name: str, label: str, earliest: datetime, latest: datetime) -> datetime | None:
        """UTC instant of a Jakarta-time field between two instants; None where it is empty or wrong."""
        value = self.values.get(name, "").strip()
        if not value:
            return None
        try:
            moment = waktu.from_field(value)
        except (ValueError, OverflowError):
            self.problems[name] = f"{label}: tanggal dan jam tidak terbaca."
            return None
        if not earliest <= moment <= latest:
            self.problems[name] = f"{label}: isi antara {waktu.brief(earliest)} dan {waktu.brief(latest)}."
            return None
        return moment

    def nonce(self, name: str) -> str:
        """A number the server gave out once with the form. Raises ``PageError`` 400 where it is missing or made up."""
        value = self.values.get(name, "")
        if not NONCE.fullmatch(value):
            raise PageError(400, "form")
        return value


async def read(request: Request) -> Form:
    """The posted form. Raises ``PageError`` 400, 413 or 415."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise PageError(415, "content-type")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise PageError(413, "too-large")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
            strict_parsing=bool(body),
        )
    except ValueError:
        raise PageError(400, "form") from None
    values = dict(pairs)
    if len(values) != len(pairs):
        raise PageError(400, "doubled-field")
    return Form({name: _clean(value) for name, value in values.items()})


def _clean(value: str) -> str:
    """NFC with plain line ends. Raises ``PageError`` 400 for control characters, which no keyboard types."""
    value = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n"))
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in value):
        raise PageError(400, "control-character")
    return value
