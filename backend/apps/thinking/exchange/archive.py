"""A zip that somebody sends: every name and size in it is looked at before anything is unpacked."""

import re
import stat
import struct
import zipfile
import zlib
from typing import BinaryIO

from django.utils.translation import gettext_lazy as _

from apps.thinking.exchange.names import key
from apps.thinking.exchange.problems import TWICE, FileProblem

ENTRIES = 100_000
WHOLE = 400 * 1024 * 1024  # bytes, of all files unpacked
RATIO = 200  # of a text that is as packed as a text can be; a bomb is a thousand

NOT_A_ZIP = ("invalid", _("This zip file is broken or was cut off."))
TOO_MANY = ("max_length", _("The zip file has too many files."))
TOO_LARGE = ("max_length", _("This is too large when it is unpacked."))
NAME = (
    "not_allowed",
    _(
        "A file with such a name is not taken: it leads out of the folder, or has characters that are not seen. Rename "
        "the file and make the zip anew."
    ),
)
NOT_A_FILE = (
    "not_allowed",
    _("This is no file but, for example, a link to one. Put the file there instead and make the zip anew."),
)
ENCRYPTED = ("not_allowed", _("This is encrypted. Make the zip anew, without a password."))
COMPRESSION = (
    "not_allowed",
    _("This is compressed in a way that is not read here. Make the zip anew, with the usual compression (Deflate)."),
)
# Of one name the spelling of another: upper and lower case, or accents apart from their letters.
SAME_NAME = _("“%(name)s” has the same name for some systems. Rename one of the two.")

# What zipfile and zlib raise besides their own, for headers and data that are broken.
FAULTS = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, OverflowError, ValueError),
)


def is_zip(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(2) == b"PK"


class Archive:
    """Of a zip that is safe to read: its files by their names."""

    def __init__(self, file: BinaryIO):
        _check_size(file)
        file.seek(0)
        try:
            self.zip = zipfile.ZipFile(file)
        except FAULTS as error:
            raise FileProblem("", NOT_A_ZIP) from error
        self.entries = _checked(self.zip)
        self.names = {key(name): name for name in self.entries}

    def close(self) -> None:
        self.zip.close()

    def read(self, name: str, maximum: int) -> bytes:
        try:
            with self.zip.open(self.entries[name]) as file:
                data = file.read(maximum + 1)
        except FAULTS as error:
            raise FileProblem(name, NOT_A_ZIP) from error
        if len(data) > maximum:
            raise FileProblem(name, TOO_LARGE)
        return data


def _check_size(file: BinaryIO) -> None:
    """Counts what may be entries before zipfile makes an object of each."""
    file.seek(0)
    count, end = 0, b""
    while block := file.read(1024 * 1024):
        count += (end + block).count(b"PK\x01\x02")
        end = block[-3:]
    if count > ENTRIES:
        raise FileProblem("", TOO_MANY)


def _checked(zip: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files by their names, after a look at what each says of itself; nothing is unpacked for that."""
    entries: dict[str, zipfile.ZipInfo] = {}
    names: dict[str, str] = {}
    size = 0
    for info in zip.infolist():
        name = _name(info)
        parts = name.rstrip("/").split("/")
        kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
        shown = name[:200].encode("utf-8", "replace").decode()
        if any(part in ("", ".", "..") for part in parts) or re.search(r"[\x00-\x1f\ud800-\udfff]|^[A-Za-z]:", name):
            raise FileProblem(shown, NAME)
        if any(part.startswith(".") or part == "__MACOSX" for part in parts):
            # What Obsidian and the systems leave there: it is never read.
            continue
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise FileProblem(shown, NOT_A_FILE)
        if info.flag_bits & 1:
            raise FileProblem(shown, ENCRYPTED)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FileProblem(shown, COMPRESSION)
        size += info.file_size
        if size > WHOLE or info.file_size > max(1024 * 1024, RATIO * info.compress_size):
            raise FileProblem(shown, TOO_LARGE)
        if name.endswith("/"):
            continue
        if other := names.get(key(name)):
            raise FileProblem(shown, TWICE if other == name else ("not_allowed", SAME_NAME % {"name": other[:200]}))
        names[key(name)] = name
        entries[name] = info
    return entries


def _name(info: zipfile.ZipInfo) -> str:
    """The name as it was meant: not every program says in which encoding it wrote it."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        raw = name.encode("cp437")
        for encoding in ("utf-8", "cp932"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    # As some programs on Windows part the folders.
    return name.replace("\\", "/")
