"""Bytes of a mail to clean text: charsets by allow-list with fallbacks, controls and bidi overrides removed."""

from __future__ import annotations

import codecs
import re
import unicodedata
from encodings.aliases import aliases
from typing import Final

_TRUSTED: Final = frozenset({
    "utf_8", "utf_8_sig", "utf_16", "utf_16_be", "utf_16_le", "iso8859_2", "iso8859_3", "iso8859_4", "iso8859_5",
    "iso8859_6", "iso8859_7", "iso8859_8", "iso8859_9", "iso8859_10", "iso8859_13", "iso8859_14", "iso8859_15",
    "iso8859_16", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp437", "cp850",
    "koi8_r", "koi8_u", "mac_roman", "tis_620", "cp874", "gb2312", "gbk", "gb18030", "big5", "hz", "shift_jis",
    "cp932", "euc_jp", "iso2022_jp", "euc_kr", "cp949",
})  # fmt: skip
"""Python has codecs that are no charsets of mails: utf-7 hides markup, punycode is quadratic, others run escapes.
ASCII, Latin-1 and Windows-1252 are left out because mails under these labels are often UTF-8: the fallback tells."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_NAME_LIMIT: Final = 120


def decode_text(data: bytes, charset: str | None, *, torn: bool = False) -> str:
    """``data`` as text. Never raises: an unknown or lying charset falls back to UTF-8, then Windows-1252.

    ``torn`` says that the data was cut at a limit: half a character at its end is then left out.
    """
    for name in (_codec(charset), "utf_8"):
        if name is None:
            continue
        try:
            return codecs.getincrementaldecoder(name)("strict").decode(data, final=not torn)
        except UnicodeError:
            continue
    return data.decode("cp1252", "replace")


def _codec(charset: str | None) -> str | None:
    """The trusted codec for a label, from the alias table: ``codecs.lookup`` remembers every name it fails on."""
    if not charset or len(charset) > 40:
        return None
    label = re.sub(r"[^a-z0-9]+", "_", charset.lower()).strip("_")
    name = aliases.get(label, label)
    return name if name in _TRUSTED else None


def clean(text: str) -> str:
    """Text with LF line ends, without control characters, bidi overrides and zero-width marks that hide or reorder."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).replace("\xa0", " ")


def clean_line(text: str) -> str:
    """``clean`` on one line, blanks collapsed."""
    return " ".join(clean(text).split())


def file_name(name: str | None) -> str | None:
    """A name safe to show and to store: no path, no invisible characters, 120 at most with the extension kept."""
    if not name:
        return None
    base = re.split(r"[/\\]", name)[-1]
    visible = "".join(char for char in base if unicodedata.category(char)[0] != "C")
    text = " ".join(visible.split()).strip(". ")
    if len(text) > _NAME_LIMIT:
        stem, dot, extension = text.rpartition(".")
        tail = dot + extension if dot and len(extension) <= 10 else ""
        text = (stem if tail else text)[: _NAME_LIMIT - len(tail)] + tail
    return text or None
