"""Makes pictures anew for pages: what cameras and senders write into files (EXIF, GPS, more) stays behind."""

from __future__ import annotations

import io
import warnings
from typing import Final

from PIL import Image, ImageOps

MAX_PIXELS: Final = 40_000_000
"""13,000 by 13,000 black dots are a file of 20 KB and 822 MB in memory (reliability.md, section 2.4)."""
MAX_SIDE: Final = 1600
QUALITY: Final = 82
FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
_LAYERED = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})

Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# Between that and twice that Pillow only warns; our own check refuses.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def made_anew(data: bytes) -> bytes | None:
    """A JPEG of at most 1600 by 1600 pixels, upright; None for what is no readable picture or too large a one.

    Takes up to a second and some 250 MB for the largest picture: one at a time, in a thread.
    """
    try:
        return _made_anew(data)
    except Exception:
        return None


def _made_anew(data: bytes) -> bytes | None:
    with Image.open(io.BytesIO(data), formats=FORMATS) as found:
        # Pillow scales what has an alpha channel on a copy: half the pixels take the same memory.
        if found.width * found.height > MAX_PIXELS // (2 if found.mode in _LAYERED else 1):
            return None
        found.draft("RGB", (MAX_SIDE, MAX_SIDE))
        found.thumbnail((MAX_SIDE, MAX_SIDE))
        upright = ImageOps.exif_transpose(found)
        if upright.mode in _LAYERED or "transparency" in upright.info:
            layered = upright.convert("RGBA")
            plain = Image.new("RGB", layered.size, "white")
            plain.paste(layered, mask=layered.getchannel("A"))
        else:
            plain = upright.convert("RGB")
        # A picture of pixels alone: nothing of ``info`` (EXIF, XMP, comments, colour profile) comes along.
        clean = Image.new("RGB", plain.size)
        clean.paste(plain)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()
