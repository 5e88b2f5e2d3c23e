"""The shape and the limits of each step's content, and its plain text. Pure: knows neither Django nor the database."""

import re
import unicodedata
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

TITLE_LENGTH = 255
CATEGORY_LENGTH = 100
TEXT_LENGTH = 20_000  # a node's context and a round's note too
ITEM_LENGTH = 2_000
ITEMS = 500  # in one step, all its lists together
LEAST_WEIGHT, MOST_WEIGHT = Decimal("0.1"), Decimal("1.0")  # of a link, in tenths

Content = dict[str, Any]


class Shape(NamedTuple):
    texts: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


# In the order in which a round passes the steps.
SHAPES = {
    "overview": Shape(texts=("theme", "purpose", "pain", "constraints", "success")),
    "extract": Shape(lists=("ui", "operation", "data", "judgement", "flow", "other")),
    "flow": Shape(lists=("items",)),
    "mvp": Shape(lists=("must", "optional", "later")),
    "expand": Shape(texts=("ideas", "improvements", "automation")),
}

ITEM_KEYS = ("id", "text", "struck", "origin")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
# Unicode's categories of spaces and of characters that control or format, among these the zero-width ones.
INVISIBLE = {"Zs", "Zl", "Zp", "Cc", "Cf"}
# PostgreSQL stores neither NUL nor half of a surrogate pair.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class ContentError(ValueError):
    """Content that is not of its step's shape: where (`items.3.text`), the limit if it is above one, and why:

    required, not_an_object, not_a_list, not_text, not_a_boolean, not_an_id, unstorable_characters, too_long,
    too_many, unknown_key, repeated_id.
    """

    def __init__(self, path: str, reason: str, limit: int | None = None):
        super().__init__(f"{path}: {reason}")
        self.path, self.reason, self.limit = path, reason, limit


def empty(type: str) -> Content:
    """The content of a step in which nothing was written yet."""
    shape = SHAPES[type]
    return {**dict.fromkeys(shape.texts, ""), **{name: [] for name in shape.lists}}


def clean(type: str, raw: Any) -> Content:
    """`raw` in the shape of the step's type, what is missing filled in; ContentError when it does not fit."""
    shape = SHAPES[type]
    _check_object("", raw, (*shape.texts, *shape.lists))
    content = empty(type)
    for name in shape.texts:
        if name in raw:
            content[name] = text(name, raw[name], TEXT_LENGTH)
    left = ITEMS
    seen: set[str] = set()
    for name in shape.lists:
        if name in raw:
            content[name] = _items(name, raw[name], left, seen)
            left -= len(content[name])
    return content


def carry_over(content: Content) -> Content:
    """A copy for the next round: every item a new one that names the item it came from.

    Struck-out items go along, still struck out: that something is not needed is a thought of the last round too, to be
    questioned like the others, and one that was left behind could not be taken up again.
    """
    return {
        name: value
        if isinstance(value, str)
        else [{**item, "id": str(uuid.uuid4()), "origin": item["id"]} for item in value]
        for name, value in content.items()
    }


def plain_text(type: str, content: Content) -> str:
    """The words of the content, a line for each item; struck-out ones too, since they were thought of."""
    return "\n".join(text for text in _texts(type, content) if text)


def is_filled(type: str, content: Content) -> bool:
    """Whether anything is written in it."""
    return any(_texts(type, content))


def _texts(type: str, content: Content) -> Iterator[str]:
    shape = SHAPES[type]
    for name in shape.texts:
        yield content[name].strip()
    for name in shape.lists:
        for item in content[name]:
            yield item["text"].strip()


def _items(path: str, raw: Any, left: int, seen: set[str]) -> list[dict]:
    if not isinstance(raw, list):
        raise ContentError(path, "required" if raw is None else "not_a_list")
    if len(raw) > left:
        raise ContentError(path, "too_many", ITEMS)
    return [_item(f"{path}.{index}", item, seen) for index, item in enumerate(raw)]


def _item(path: str, raw: Any, seen: set[str]) -> dict:
    _check_object(path, raw, ITEM_KEYS)
    if "text" not in raw:
        raise ContentError(f"{path}.text", "required")
    id = _id(f"{path}.id", raw.get("id")) or str(uuid.uuid4())
    if id in seen:
        raise ContentError(f"{path}.id", "repeated_id")
    seen.add(id)
    struck = raw.get("struck", False)
    if not isinstance(struck, bool):
        raise ContentError(f"{path}.struck", "required" if struck is None else "not_a_boolean")
    return {
        "id": id,
        "text": text(f"{path}.text", raw["text"], ITEM_LENGTH),
        "struck": struck,
        "origin": _id(f"{path}.origin", raw.get("origin")),
    }


def _check_object(path: str, raw: Any, keys: tuple[str, ...]) -> None:
    if not isinstance(raw, dict):
        raise ContentError(path, "required" if raw is None else "not_an_object")
    for key in raw:
        if key not in keys:
            # Cut, so that a client's mistake is not sent back whole.
            raise ContentError(f"{path}.{key[:40]}".strip("."), "unknown_key")


def text(path: str, raw: Any, length: int) -> str:
    """`raw` if it is text that can be stored, of at most this length; ContentError if not."""
    if not isinstance(raw, str):
        raise ContentError(path, "required" if raw is None else "not_text")
    if len(raw) > length:
        raise ContentError(path, "too_long", length)
    if UNSTORABLE.search(raw):
        raise ContentError(path, "unstorable_characters")
    return raw


def is_blank(title: str) -> bool:
    """Whether there is nothing in it to be seen."""
    return all(unicodedata.category(character) in INVISIBLE for character in title)


def _id(path: str, raw: Any) -> str | None:
    if raw is None:
        return None
    if not isinstance(raw, str) or not UUID.fullmatch(raw):
        raise ContentError(path, "not_an_id")
    return raw.lower()
