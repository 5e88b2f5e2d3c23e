import contextlib
import io
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from apps.thinking import images


def picture(format="PNG", size=(40, 20), mode="RGB", colour=(200, 30, 30), **options) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, format, **options)
    return file.getvalue()


def opened(file) -> Image.Image:
    return Image.open(io.BytesIO(file.read()))


@pytest.mark.parametrize(("format", "ending"), [("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp")])
def test_it_works(format, ending):
    file = images.clean(picture(format))

    assert file.name.endswith(ending)
    image = opened(file)
    assert (image.format, image.size, image.mode) == (format, (40, 20), "RGB")


def test_a_large_one_is_scaled_and_a_small_one_is_not():
    assert opened(images.clean(picture(size=(3200, 800)))).size == (1600, 400)
    assert opened(images.clean(picture(size=(10, 2000)))).size == (8, 1600)
    assert opened(images.clean(picture(size=(1, 1)))).size == (1, 1)


def test_one_is_decoded_at_a_time(monkeypatch):
    """Several at once, as large as is allowed, would take all the memory."""
    at_once = []
    busy = threading.Semaphore(1)

    def transpose(image, **options):
        at_once.append(not busy.acquire(blocking=False))
        time.sleep(0.05)
        busy.release()

    monkeypatch.setattr(images.ImageOps, "exif_transpose", transpose)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(images.clean, [picture()] * 4))
    with pytest.raises(images.ImageError):
        images.clean(b"none")
    images.clean(picture())

    assert at_once == [False] * 5


def test_names_cannot_be_guessed():
    names = {images.clean(picture()).name for _ in range(5)}

    assert len(names) == 5
    assert all(len(name) >= 32 for name in names)


def test_what_is_transparent_stays_so():
    image = opened(images.clean(picture(mode="RGBA", colour=(1, 2, 3, 0))))

    assert image.mode == "RGBA"
    assert image.getpixel((0, 0))[3] == 0


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK"])
def test_other_kinds_of_colour(mode):
    format = "JPEG" if mode == "CMYK" else "PNG"

    assert opened(images.clean(picture(format, mode=mode, colour=1 if mode != "CMYK" else (0, 0, 0, 0)))).mode == "RGB"


def test_nothing_is_kept_but_the_pixels():
    exif = Image.Exif()
    exif[0x010E] = "at home"
    exif[0x0112] = 6  # lies on its side

    file = images.clean(picture("JPEG", exif=exif, comment=b"<script>"))

    data = file.read()
    assert b"at home" not in data
    assert b"<script>" not in data
    assert Image.open(io.BytesIO(data)).size == (20, 40)


def test_what_hides_behind_an_image_goes():
    assert b"<?php" not in images.clean(picture() + b"<?php").read()


def png(width, height) -> bytes:
    """A file of a few bytes that says it is as large as that."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(5001, 5000), (100_000, 100_000), (2**31 - 1, 1)])
def test_too_many_pixels_are_not_decoded(size):
    with pytest.raises(images.ImageError, match="too_many_pixels"):
        images.clean(png(*size))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        picture("GIF", mode="P", colour=0),
        picture("BMP"),
        picture("TIFF"),
        picture("PNG", size=(400, 400))[:200],
        picture("JPEG", size=(400, 400))[:-300],
        png(100, 100),
    ],
)
def test_what_is_none_or_broken(data):
    with pytest.raises(images.ImageError, match="unreadable"):
        images.clean(data)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([picture("PNG"), picture("JPEG"), picture("WEBP")]), st.integers(0, 700), st.binary(max_size=8))
def test_a_damaged_file_is_taken_or_refused(data, place, damage):
    with contextlib.suppress(images.ImageError):
        images.clean(data[:place] + damage + data[place + len(damage) :])
