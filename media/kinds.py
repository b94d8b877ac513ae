"""What a file is, by its content alone: the vendor's and the sender's word for it count for nothing."""

from __future__ import annotations

from collections.abc import Mapping

PICTURES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "image/avif"})
"""What is made anew for pages, as far as Pillow reads it."""

EXTENSIONS: Mapping[str, str] = {
    "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp", "image/heic": "heic",
    "image/avif": "avif", "video/mp4": "mp4", "video/webm": "webm", "audio/mp4": "m4a", "audio/ogg": "ogg",
    "audio/mpeg": "mp3", "audio/aac": "aac", "audio/amr": "amr", "audio/wav": "wav", "application/pdf": "pdf",
    "application/zip": "zip",
}  # fmt: skip
"""Every kind that is kept, and how its name ends when an officer takes it home. Office documents are ZIP files.

SVG, HTML and other texts are not among them: a browser may run what stands in them."""

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS\x00", "audio/ogg"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"PK\x03\x04", "application/zip"),
    (b"#!AMR", "audio/amr"),
    (b"ID3", "audio/mpeg"),
)
_BRANDS: Mapping[bytes, str] = {
    b"heic": "image/heic", b"heix": "image/heic", b"heim": "image/heic", b"hevc": "image/heic", b"mif1": "image/heic",
    b"msf1": "image/heic", b"avif": "image/avif", b"avis": "image/avif", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4",
}  # fmt: skip
"""Major brands of ISO base media files (ISO/IEC 14496-12; mp4ra.org); the others are films."""


def kind_of(data: bytes) -> str | None:
    """The media type; None for what is not kept."""
    for start, kind in _STARTS:
        if data.startswith(start):
            return kind
    if data[4:8] == b"ftyp" and len(data) >= 12:
        return _BRANDS.get(data[8:12], "video/mp4")
    if data[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(data[8:12])
    return _bare_sound(data)


def _bare_sound(data: bytes) -> str | None:
    """Frames without a container: AAC in ADTS (ISO/IEC 13818-7), or MPEG layer III. UTF-16 begins alike, with FF FE."""
    if len(data) < 4 or data[0] != 0xFF:
        return None
    if data[1] & 0xF6 == 0xF0:
        return "audio/aac"
    return "audio/mpeg" if data[1] & 0xE6 == 0xE2 and data[2] >> 4 not in {0, 15} else None
