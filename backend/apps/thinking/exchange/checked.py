"""The fields of a record (see records.py), each as what it has to be; a FileProblem where one is not."""

import base64
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from django.core.files.base import ContentFile
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from apps.thinking import content, images
from apps.thinking.exchange.problems import UNKNOWN, FileProblem
from apps.thinking.exchange.records import Record
from apps.thinking.models import Project
from apps.thinking.problems import (
    CONTENT,
    NOT_A_LIST,
    NOT_AN_ID,
    NOT_AN_OBJECT,
    REQUIRED,
    TOO_LONG,
)

NOT_ALLOWED = ("not_allowed", _("This value is not allowed here."))
NOT_A_TIME = ("invalid", _("This must be a time with its zone, for example 2026-01-31T09:00:00+09:00."))
NOT_AN_IMAGE = ("invalid", _("This must be a PNG, JPEG or WebP image of at most 5 MB and 25 million pixels."))
NO_SUCH_ROUND = ("not_allowed", _("The project has no such round."))
STEP_WITHOUT_ROUND = ("not_allowed", _("A step needs its round."))

IMAGE_LENGTH = (images.MAXIMUM + 2) // 3 * 4  # in base64


def image(record: Record, path: str) -> ContentFile | None:
    if record.get("image") is None:
        return None
    try:
        data = base64.b64decode(text(record, path, "image", IMAGE_LENGTH), validate=True)
        if len(data) > images.MAXIMUM:
            raise FileProblem(f"{path}.image", TOO_LONG)
        return images.clean(data)
    except ValueError as error:
        # An ImageError, or one of the two kinds that base64 raises.
        raise FileProblem(f"{path}.image", NOT_AN_IMAGE) from error


def keys(record: Any, allowed: set[str], path: str) -> None:
    if not isinstance(record, dict):
        raise FileProblem(path, NOT_AN_OBJECT)
    for key in record:
        if key not in allowed:
            raise FileProblem(f"{path}.{key[:40]}", UNKNOWN)


def given(record: Record, path: str, key: str, read, *more) -> Record:
    """{key: value} as `read` finds it; nothing if the record says nothing of it."""
    return {key: read(record, path, key, *more)} if key in record else {}


def items(record: Record, path: str, key: str) -> list:
    value = record.get(key, [])
    if not isinstance(value, list):
        raise FileProblem(f"{path}.{key}", NOT_A_LIST)
    return value


def storable(path: str, value: Any, maximum: int) -> str:
    with _problem_at(path):
        return content.text("", value, maximum)


def text(record: Record, path: str, key: str, maximum: int) -> str:
    return storable(f"{path}.{key}", record.get(key), maximum)


def title(record: Record, path: str, key: str) -> str:
    title = text(record, path, key, content.TITLE_LENGTH).strip()
    if not title:
        raise FileProblem(f"{path}.{key}", REQUIRED)
    return title


def choice(record: Record, path: str, key: str, allowed: Iterable[str]) -> str:
    value = record.get(key)
    if not isinstance(value, str) or value not in allowed:
        raise FileProblem(f"{path}.{key}", NOT_ALLOWED)
    return value


def is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def id(record: Record, path: str, key: str) -> uuid.UUID:
    value = record.get(key)
    if not isinstance(value, str) or not content.UUID.fullmatch(value):
        raise FileProblem(f"{path}.{key}", REQUIRED if value is None else NOT_AN_ID)
    return uuid.UUID(value)


def time(record: Record, path: str, key: str) -> datetime:
    try:
        time = parse_datetime(text(record, path, key, 40))
        if time and time.tzinfo:
            return time.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        pass
    raise FileProblem(f"{path}.{key}", NOT_A_TIME)


def weight(record: Record, path: str, key: str) -> Decimal:
    value = record[key]
    if is_integer(value) or isinstance(value, float):
        weight = Decimal(str(value))
        if content.LEAST_WEIGHT <= weight <= content.MOST_WEIGHT and not weight * 10 % 1:
            return weight.quantize(Decimal("0.1"))
    raise FileProblem(f"{path}.{key}", NOT_ALLOWED)


def step_content(value: Any, type: str, path: str) -> content.Content:
    with _problem_at(path):
        return content.clean(type, value)


@contextmanager
def _problem_at(path: str) -> Iterator[None]:
    try:
        yield
    except content.ContentError as error:
        raise FileProblem(f"{path}.{error.path}".rstrip("."), CONTENT[error.reason]) from error


def place(record: Record, path: str, project: Project | None, places: dict) -> dict[str, Any]:
    """Where the node was born, as the file says; its project is the one in which the file has it."""
    if project is None and (record.get("round") is not None or record.get("step") is not None):
        raise FileProblem(f"{path}.round", NO_SUCH_ROUND)
    if "round" not in record and "step" not in record:
        return {"project": project}
    number, type = record.get("round"), record.get("step")
    if number is not None and (not is_integer(number) or number not in places):
        raise FileProblem(f"{path}.round", NO_SUCH_ROUND)
    if type is not None and number is None:
        raise FileProblem(f"{path}.step", STEP_WITHOUT_ROUND)
    round, steps = places[number] if number is not None else (None, {})
    if type is not None and (not isinstance(type, str) or type not in steps):
        raise FileProblem(f"{path}.step", NOT_ALLOWED)
    return {"project": project, "round": round, "step": steps[type] if type else None}
