"""Names of files and folders that every system takes, Obsidian's links included."""

import re
import unicodedata

from django.utils.translation import gettext as _

LENGTH = 150  # bytes, of the 255 that a name may have: room for a number, an ending, and the folders before it

# What Windows or Obsidian's links do not take, what is not seen, and what turns the direction of the text around it.
FORBIDDEN = re.compile(
    r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*#^\[\]\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+'
)
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


def safe(title: str) -> str:
    """The title as a file's name, without its ending."""
    name = FORBIDDEN.sub(" ", unicodedata.normalize("NFC", title))
    # Two of them begin a comment in Obsidian.
    name = re.sub("%%+", "%", " ".join(name.split()))
    name = name.encode()[:LENGTH].decode(errors="ignore").strip(" .")
    if RESERVED.fullmatch(name):
        name = f"_{name}"
    return name or _("Untitled")


def key(name: str) -> str:
    """The same for names that some system takes for one: it knows no case, or writes accents in two."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class Names:
    """Gives out names, none of them twice."""

    def __init__(self, *reserved: str):
        self.taken = {key(name) for name in reserved}
        self.numbers: dict[str, int] = {}

    def give(self, title: str) -> str:
        name = wanted = safe(title)
        number = self.numbers.get(key(wanted), 1)
        while key(name) in self.taken:
            number += 1
            name = f"{wanted} ({number})"
        self.numbers[key(wanted)] = number
        self.taken.add(key(name))
        return name
