"""Header fields of a mail, read from bytes in linear time.

The parsers of ``email.policy.default`` raise on 11-byte headers and need a minute for a 100 KB From; those of compat32
are quadratic in places. A mail is hostile input, so this room reads the few fields it needs itself: RFC 5322 (fields,
mailboxes, message ids), RFC 2047 (encoded words), RFC 2231 (parameters). Nothing here raises but ``Refused``.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import unquote_to_bytes

from .charsets import clean_line, decode_text
from .reasons import HEADER_TOO_BIG

BLOCK_LIMIT: Final = 64 * 1024
FIELD_LIMIT: Final = 8 * 1024

NEEDED: Final = frozenset({
    "from", "reply-to", "subject", "date", "message-id", "content-type", "content-transfer-encoding",
    "content-disposition", "return-path", "auto-submitted", "precedence", "list-id", "x-autoreply", "x-autorespond",
    "x-autoresponder", "x-tanggap-loop",
})  # fmt: skip
SHORTENED: Final = frozenset({"in-reply-to", "references", "to", "cc", "delivered-to", "x-original-to"})
"""Honest mails have these at any length (a long thread, four hundred recipients): the first 8 KB are read."""

_NAME = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_PARAM = re.compile(r';\s*([^\s=;"]{1,60})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"]*))', re.DOTALL)
_SECTION = re.compile(r"([^*]+)\*(\d{1,2})(\*?)\Z")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,500})>")
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"?|\\(.)|([(),;:<>])|([^"\\(),;:<>]+)', re.DOTALL)
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@[\w.-]{1,255}")

_DATE_WORDS: Final = {
    "mei": "May", "agu": "Aug", "agt": "Aug", "agustus": "Aug", "okt": "Oct", "oktober": "Oct", "des": "Dec",
    "desember": "Dec", "peb": "Feb", "nop": "Nov", "januari": "Jan", "februari": "Feb", "maret": "Mar", "juni": "Jun",
    "juli": "Jul", "wib": "+0700", "wita": "+0800", "wit": "+0900",
}  # fmt: skip
"""Indonesian months and zones that phones and old gateways write into Date."""


class Refused(Exception):
    """The mail is beyond a limit; ``reason`` is the code of the dead letter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Headers:
    """The needed fields of one header block, as raw text."""

    def __init__(self, fields: Mapping[str, list[str]], count: int) -> None:
        self._fields = fields
        self.count = count
        """Fields in the block, needed or not; 0 means that this is no header block."""

    def first(self, name: str) -> str | None:
        """The first field of that (lower-case) name; None if there is none."""
        found = self._fields.get(name)
        return found[0] if found else None

    def all(self, name: str) -> list[str]:
        """All fields of that name in order."""
        return self._fields.get(name, [])


def read_headers(data: bytes, start: int, end: int) -> tuple[Headers, int]:
    """The header block at ``start`` and where the body begins. Raises ``Refused`` beyond the limits.

    A line that is no field ends the block and belongs to the body (a citizen's gateway that forgets the blank line).
    Only LF ends a line, with or without CR: a bare CR never makes a new field.
    """
    fields: dict[str, list[str]] = {}
    pieces: list[bytes] = []
    name, count, pos = "", 0, start
    edge = min(end, start + BLOCK_LIMIT + 1)
    if data.startswith((b"From ", b">From "), start, end):
        pos = _after_line(data, start, edge, end)
    while pos < end:
        following = _after_line(data, pos, edge, end)
        line = data[pos:following].rstrip(b"\r\n")
        if line[:1] in (b" ", b"\t") and count:
            pieces.append(line)
        else:
            _keep(fields, name, pieces)
            name, pieces = "", []
            found = _NAME.match(line)
            if found is None:
                return Headers(fields, count), pos if line else following
            name, pieces, count = found[1].decode("ascii").lower(), [line[found.end() :]], count + 1
        pos = following
    _keep(fields, name, pieces)
    return Headers(fields, count), end


def _after_line(data: bytes, pos: int, edge: int, end: int) -> int:
    stop = data.find(b"\n", pos, edge)
    if stop >= 0:
        return stop + 1
    if edge < end:
        raise Refused(HEADER_TOO_BIG)
    return end


def _keep(fields: dict[str, list[str]], name: str, pieces: list[bytes]) -> None:
    if name not in NEEDED and name not in SHORTENED:
        return
    value = b"".join(pieces).strip()
    if len(value) > FIELD_LIMIT:
        if name in NEEDED:
            raise Refused(HEADER_TOO_BIG)
        value = value[:FIELD_LIMIT]
    fields.setdefault(name, []).append(decode_text(value, "utf-8"))


def words(value: str) -> str:
    """``value`` with its RFC 2047 encoded words decoded, on one clean line.

    Neighbours of one charset are joined before decoding: mailers cut UTF-8 characters in two.
    """
    done: list[str] = []
    pending, charset, pos = b"", "", 0
    for found in _WORD.finditer(value):
        between = value[pos : found.start()]
        this = found[1].partition("*")[0].lower()
        if pending and (between.strip() or this != charset):
            done.append(decode_text(pending, charset))
            pending = b""
        if between.strip() or not pos:
            done.append(between)
        pending += _encoded(found[2], found[3])
        charset, pos = this, found.end()
    done.append(decode_text(pending, charset) if pending else "")
    done.append(value[pos:])
    return clean_line("".join(done))


def _encoded(how: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if how in "qQ":
        return binascii.a2b_qp(data, header=True)
    return base64_bytes(data)


_NOT_BASE64: Final = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))


def base64_bytes(data: bytes) -> bytes:
    """Base64 as mails have it: foreign characters are skipped, missing padding and a torn tail are forgiven."""
    letters = data.translate(None, _NOT_BASE64)
    try:
        return binascii.a2b_base64(letters)
    except binascii.Error:
        letters = letters.replace(b"=", b"")
        if len(letters) % 4 == 1:
            letters = letters[:-1]
        return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """``text/plain; charset=utf-8`` as ("text/plain", {"charset": "utf-8"}); RFC 2231 values joined and decoded."""
    plain: dict[str, str] = {}
    extended: dict[str, list[tuple[int, bool, str]]] = {}
    for found in _PARAM.finditer(value):
        name = found[1].lower()
        text = re.sub(r"\\(.)", r"\1", found[2], flags=re.DOTALL) if found[2] is not None else found[3].strip()
        section = _SECTION.match(name)
        if section:
            extended.setdefault(section[1], []).append((int(section[2]), bool(section[3]), text))
        elif name.endswith("*"):
            extended.setdefault(name[:-1], []).append((0, True, text))
        else:
            plain.setdefault(name, text)
    for name, sections in extended.items():
        plain[name] = _joined(sorted(sections, key=lambda section: section[0]))
    return value.partition(";")[0].strip().lower(), plain


def _joined(sections: list[tuple[int, bool, str]]) -> str:
    charset, data = "utf-8", b""
    for index, (_, percent, text) in enumerate(sections):
        if percent and index == 0 and text.count("'") >= 2:
            declared, _, text = text.split("'", 2)  # noqa: PLW2901 - the value proper follows charset and language
            charset = declared or charset
        data += unquote_to_bytes(text) if percent else text.encode("utf-8", "replace")
    return decode_text(data, charset)


def mailbox(value: str) -> tuple[str | None, str | None]:
    """Name and lower-cased address of the first mailbox in ``value`` that has a usable address; None for what lacks.

    Quoted text and comments never count as the address: ``"a@b" <c@d>`` is from c@d.
    """
    name: str | None = None
    for phrase, angle in _mailboxes(value):
        text = words(phrase) or None
        found = _ADDRESS.fullmatch((angle if angle is not None else phrase).strip())
        if found:
            return (text if angle is not None else None), found[0].lower()
        name = name or text
    decoded = _ADDRESS.search(words(value)) if "=?" in value else None
    return name, decoded[0].lower() if decoded else None


def _mailboxes(value: str) -> list[tuple[str, str | None]]:
    """Each mailbox as its phrase (unquoted, comments dropped) and what stood between angle brackets."""
    found: list[tuple[str, str | None]] = []
    phrase, angle, depth = "", None, 0
    inside = False
    for quoted, escaped, special, plain in _TOKEN.findall(value):
        if special in ("(", ")") and special:
            depth = max(0, depth + (1 if special == "(" else -1))
        elif depth:
            continue
        elif special == "<":
            angle, inside = "", True
        elif special == ">":
            inside = False
        elif special in (",", ";") and special:
            found.append((phrase, angle))
            phrase, angle, inside = "", None, False
        elif special == ":" and not inside:
            phrase = ""
        elif inside:
            angle = (angle or "") + (escaped or special or plain)
        elif angle is None:
            phrase += re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) or escaped or plain
    found.append((phrase, angle))
    return found


def is_address(text: str) -> bool:
    """Whether ``text`` is one plain mail address."""
    return _ADDRESS.fullmatch(text) is not None


def base_address(address: str) -> str:
    """``address`` in lower case without its plus tag: dki+JK2611230001@jakarta.go.id is dki@jakarta.go.id."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def message_ids(value: str | None) -> list[str]:
    """The message ids in a Message-ID, In-Reply-To or References field, without angle brackets."""
    if not value:
        return []
    found = [each for each in _MESSAGE_ID.findall(value) if each.isprintable()]
    bare = value.strip()
    if not found and "@" in bare and len(bare) <= 500 and bare.isprintable() and not re.search(r"[\s<>]", bare):
        return [bare]
    return found


def date(value: str | None) -> datetime | None:
    """The instant of a Date field in UTC; None if it is missing, has no zone or cannot be read."""
    if not value:
        return None
    text = re.sub(r"[A-Za-z]+", lambda word: _DATE_WORDS.get(word[0].lower(), word[0]), value[:100])
    text = text.partition(",")[2] or text
    try:
        moment = parsedate_to_datetime(text.strip())
        if moment.tzinfo is None and "-0000" in text:
            moment = moment.replace(tzinfo=UTC)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        # The stdlib's date parser raises all of these on hostile dates (crashers 11 and 17).
        return None
