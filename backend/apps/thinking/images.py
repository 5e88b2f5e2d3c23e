"""Images of nodes: taken apart to their pixels and written anew, so that nothing else that was in the file is kept."""

import io
import secrets
import threading

from django.core.files.base import ContentFile
from django.db import transaction
from PIL import Image, ImageOps

from apps.core.files import discard
from apps.thinking.models import Node

FORMATS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
MAXIMUM = 5 * 1024 * 1024  # bytes
# Four bytes each while it is decoded.
PIXELS = 25_000_000
SIDE = 1600
# One image at a time in each process: at its limit it takes 200 MB while it is decoded, and the container has 1 GB for
# all threads of two processes.
TURN = threading.Lock()


class ImageError(ValueError):
    """A file that is not taken, and why: `unreadable` or `too_many_pixels`."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def clean(data: bytes) -> ContentFile:
    """The image in the same format, at most SIDE pixels wide and high, upright, under a name nobody can guess."""
    written = io.BytesIO()
    try:
        with TURN, Image.open(io.BytesIO(data), formats=list(FORMATS)) as image:
            # The header alone has been read, and says how much memory the pixels would take.
            if image.width * image.height > PIXELS:
                raise ImageError("too_many_pixels")
            format = str(image.format)
            # In place, and copied only when it is small: each copy would take as much again.
            ImageOps.exif_transpose(image, in_place=True)
            mode = "RGBA" if format != "JPEG" and image.has_transparency_data else "RGB"
            large = image if image.mode == mode else image.convert(mode)
            large.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            pixels = large.copy()
        # Comments, colour profiles and the like, which would be written again.
        pixels.info.clear()
        pixels.save(written, format, optimize=True, quality=85)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError("too_many_pixels") from error
    # Whatever Pillow stumbles over in a broken file (there is no end of kinds) is the file's fault.
    except Exception as error:
        raise ImageError("unreadable") from error
    return ContentFile(written.getvalue(), f"{secrets.token_urlsafe(24)}.{FORMATS[format]}")


def name_of(image: ContentFile) -> str:
    """The name under which it is stored; what begins to be written is there even if it cannot be finished."""
    return str(Node.image.field.generate_filename(None, str(image.name)))


def replace(node: Node, image: ContentFile | None) -> None:
    """Gives the node an image, or none; the file of the one before goes when the change is certain."""
    storage, before = node.image.storage, node.image.name
    if not image and not before:
        return
    with transaction.atomic():
        node.image = image or ""
        try:
            node.save()
        except BaseException:
            if image:
                discard(storage, name_of(image))
            raise
        if before:
            transaction.on_commit(lambda: discard(storage, before))
