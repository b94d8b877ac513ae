"""Files of a ticket on its pages: addresses on the media origin that are rights for an hour.

A photo is what gave an anonymous reporter away (JAKI, July 2021): it is shown to officers who may act on the ticket and
to the reporter, never by a ``lihat`` link.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from schemas.case import Case
from schemas.ticket import AttachmentRef
from vault.model import MediaVariant

from .deps import PortalDeps
from .render import HEADERS

VALID: Final = timedelta(hours=1)
NAMES = {"image": "Gambar", "video": "Video", "audio": "Rekaman suara", "application": "Dokumen"}


@dataclass(frozen=True)
class Shown:
    """One file. ``picture`` and ``download`` are addresses, None where there is none for this reader."""

    name: str
    picture: str | None = None
    download: str | None = None
    kilobytes: int | None = None
    kept: bool = True
    """False while it is still at the vendor."""


def shown(deps: PortalDeps, case: Case, *, officer: bool) -> list[Shown]:
    """The case's files in order. Officers also get those that are no pictures, as downloads, once they are checked."""

    checked = {file.blob for fact in case.history if fact.kind == "attached" for file in fact.evidence}

    def address(blob: str, variant: MediaVariant) -> str | None:
        try:
            path = deps.vault.media_path(case.id, blob, variant, deps.clock.now() + VALID)
        except ValueError:
            # A name that our vault never gives: the page is more than one of its files.
            return None
        return deps.media_url.rstrip("/") + path

    def one(place: int, file: AttachmentRef) -> Shown:
        name = f"{NAMES.get(file.media_type.split('/')[0], 'Berkas')} {place}"
        size = -(-file.size // 1024) if file.size is not None else None
        if file.view is not None:
            return Shown(name, picture=address(file.view, "gambar"), kilobytes=size)
        if officer and file.blob is not None and file.blob in checked:
            return Shown(name, download=address(file.blob, "unduh"), kilobytes=size)
        return Shown(name, kilobytes=size, kept=file.blob is not None)

    return [one(place, file) for place, file in enumerate(case.attachments, 1)]


def headers(deps: PortalDeps) -> dict[str, str]:
    """Of a page with pictures: its policy names the one other origin that they come from."""
    origin = urlsplit(deps.media_url)
    images = f"img-src 'self' {origin.scheme}://{origin.netloc}"
    return {"Content-Security-Policy": HEADERS["Content-Security-Policy"].replace("img-src 'self'", images)}
