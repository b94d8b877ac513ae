"""Pictures made anew: nothing but pixels, upright, bounded; and what a file is by its content."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from media.kinds import EXTENSIONS, PICTURES, kind_of
from media.pictures import MAX_SIDE, made_anew
from tests.media.desk import jpeg


def opened(data: bytes | None) -> Image.Image:
    assert data is not None
    return Image.open(io.BytesIO(data))


def saved(image: Image.Image, form: str, **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


def test_position_and_device_are_gone() -> None:
    before = jpeg()
    assert Image.open(io.BytesIO(before)).getexif().get_ifd(0x8825)
    after = made_anew(before)
    picture = opened(after)
    assert (picture.format, dict(picture.getexif()), set(picture.info) & {"exif", "xmp", "comment", "icc_profile"}) == (
        "JPEG", {}, set(),
    )  # fmt: skip
    assert after is not None
    for trace in (b"Exif", b"Telepon Siti", b"GPS", b"http://ns.adobe.com"):
        assert trace not in after


def test_text_and_profile_of_a_png_are_gone() -> None:
    note = PngImagePlugin.PngInfo()
    note.add_text("Author", "Siti Contoh")
    note.add_itxt("XML:com.adobe.xmp", "<x>Siti Contoh</x>")
    data = saved(Image.new("RGB", (9, 9)), "PNG", pnginfo=note) + b"Siti Contoh <script>"
    after = made_anew(data)
    assert after is not None
    assert b"Siti" not in after
    assert b"script" not in after


@pytest.mark.parametrize(("orientation", "size"), [(1, (64, 48)), (3, (64, 48)), (6, (48, 64)), (8, (48, 64))])
def test_it_stands_upright(orientation: int, size: tuple[int, int]) -> None:
    assert opened(made_anew(jpeg(orientation=orientation))).size == size


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (1601, 10)])
def test_it_is_no_larger_than_a_page_needs(size: tuple[int, int]) -> None:
    picture = opened(made_anew(jpeg(*size)))
    assert max(picture.size) == MAX_SIDE
    assert abs(picture.width / picture.height - size[0] / size[1]) < 0.02 * size[0] / size[1]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_every_kind_of_pixels(mode: str) -> None:
    assert opened(made_anew(saved(Image.new(mode, (20, 10)), "PNG"))).mode == "RGB"


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP", "JPEG", "AVIF"])
def test_every_format_that_is_a_picture(form: str) -> None:
    data = saved(Image.new("RGB", (20, 10), "red"), form)
    assert kind_of(data) in PICTURES
    red, green, blue = opened(made_anew(data)).getpixel((5, 5))  # type: ignore[misc] # three bands
    assert red > 200
    assert max(green, blue) < 60


def test_glass_is_laid_on_white() -> None:
    data = saved(Image.new("RGBA", (8, 8), (0, 0, 0, 0)), "PNG")
    assert opened(made_anew(data)).getpixel((4, 4)) == (255, 255, 255)


def bomb(side: int) -> bytes:
    """``side`` by ``side`` black dots in a few kilobytes (reliability.md, section 2.4)."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    line = b"\0" * (1 + (side + 7) // 8)
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    packed = zlib.compress(line * side, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [7_000, 13_000, 30_000])
def test_a_bomb_is_not_unpacked(side: int) -> None:
    data = bomb(side)
    assert len(data) < 200_000
    tracemalloc.start()
    try:
        assert made_anew(data) is None
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_photo_of_the_largest_size_is_made_anew() -> None:
    assert opened(made_anew(jpeg(8_000, 5_000))).size == (1600, 1000)
    assert made_anew(jpeg(8_001, 5_000)) is None


def test_layers_count_twice() -> None:
    assert made_anew(saved(Image.new("RGBA", (5_001, 4_000)), "PNG", compress_level=1)) is None


@pytest.mark.parametrize("cut", [0, 3, 20, 100, 400])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP"])
def test_broken_pictures_raise_nothing(form: str, cut: int) -> None:
    data = saved(Image.effect_noise((60, 60), 40), form)
    after = made_anew(data[:cut])
    assert after is None or after.startswith(b"\xff\xd8")


@pytest.mark.parametrize("data", [b"%PDF-1.7", b"<svg/>", b"", b"%!PS-Adobe", b"P6 1 1 255 abc", b"GIF89a"])
def test_formats_that_nobody_sends_are_not_even_tried(data: bytes) -> None:
    assert made_anew(data) is None


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (jpeg(), "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"GIF89a...", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"\0\0\0\x18ftypheic....", "image/heic"),
        (b"\0\0\0\x18ftypavif....", "image/avif"),
        (b"\0\0\0\x18ftypisom....", "video/mp4"),
        (b"\0\0\0\x18ftyp3gp4....", "video/mp4"),
        (b"\0\0\0\x18ftypM4A ....", "audio/mp4"),
        (b"OggS\0\2....OpusHead", "audio/ogg"),
        (b"ID3\x04......", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"#!AMR\n", "audio/amr"),
        (b"%PDF-1.4\n", "application/pdf"),
        (b"PK\x03\x04....", "application/zip"),
        (b"\x1aE\xdf\xa3....", "video/webm"),
        (b"<!DOCTYPE html>", None),
        (b"  <svg xmlns=", None),
        (b"MZ\x90\0", None),
        (b"\x7fELF", None),
        (b"#!/bin/sh", None),
        (b"\xff\xe0", None),
        (b"\xff\xff\xff\xff", None),
        (b"", None),
        (b"\xff", None),
        (b"\0\0\0\x18ftyp", None),
        ("Kepada Yth. Gubernur".encode("utf-16"), None),
    ],
)
def test_the_content_says_what_it_is(data: bytes, kind: str | None) -> None:
    assert kind_of(data) == kind
    assert kind is None or kind in EXTENSIONS
