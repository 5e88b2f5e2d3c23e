"""No pattern takes long over a text in which somebody wrote the same over and over: the time is that of its length."""

import importlib
import pkgutil
import re
import time
import timeit

import pytest

import apps
from apps.thinking import content, keywords
from apps.thinking.exchange import bodies, markdown, notes
from apps.thinking.models import Step

LENGTH = 20_000
SECONDS = 0.5
# How they are asked that are not sought everywhere in a text.
ASKED = {
    notes.FRONT: re.Pattern.match,
    **dict.fromkeys((bodies.HEADING, bodies.ITEM, bodies.LINK, bodies.PART), re.Pattern.fullmatch),
}
OF_ONE_LINE = [pattern for pattern, ask in ASKED.items() if ask == re.Pattern.fullmatch]
# Those that only ever see so much at once.
SHORT = dict.fromkeys((keywords.ENGLISH, keywords.SENTENCE_END), keywords.SENTENCE_LENGTH)

BEGINNINGS = ["", "## x", "- ", "- [[", "- [[a]] 0.1", "[[", "![[", "1", "a", "id", "id:", "---\n", "%%", "~~", "\\u"]
REPEATED = [
    *"\t\n\r -.:;?!#%&*[]|^~\\/'’\"_(),=1aAàあアー漢。　",
    "[[",
    "]]",
    "%%",
    "\n\n",
    "- ",
    "a ",
    "a, ",
    "---\n",
    "a1",
]


def patterns():
    modules = [importlib.import_module(found.name) for found in pkgutil.walk_packages(apps.__path__, "apps.")
               if not {"tests", "migrations", "management"} & set(found.name.split("."))]  # fmt: skip
    found = {
        value: f"{module.__name__}.{name}"
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern) and value not in SHORT
    }
    return [pytest.param(pattern, id=name) for pattern, name in {**found, **dict.fromkeys(SHORT, "keywords")}.items()]


def seconds(function, *arguments) -> float:
    """
    Of this thread, so that what else the machine does is not counted; and timeit leaves out the garbage collector,
    which goes through what the tests before this one have left.
    """
    return timeit.timeit(lambda: function(*arguments), timer=time.thread_time, number=1)


def everywhere(pattern, text):
    for _found in pattern.finditer(text):
        pass


@pytest.mark.parametrize("pattern", patterns())
def test_the_time_is_that_of_the_length(pattern):
    length = SHORT.get(pattern, LENGTH)
    ask = ASKED.get(pattern, everywhere)
    for beginning in BEGINNINGS:
        for part in REPEATED:
            if pattern in OF_ONE_LINE and "\n" in beginning + part:
                continue
            text = beginning + part * (length // len(part)) + "x\0"
            given = text.encode() if isinstance(pattern.pattern, bytes) else text
            assert seconds(ask, pattern, given) < SECONDS, (beginning, part)


@pytest.mark.parametrize("part", [*REPEATED, "- \n", "- a\n", "## a\n", "- [[a\n", "\n\n- "])
def test_notes_of_one_thing_over_and_over(part):
    for beginning in ["", "## Links %%links%%\n", "- a\n"]:
        body = beginning + part * (100_000 // len(part)) + "x"

        assert seconds(bodies.of_node, body, 1, True) < SECONDS
        assert seconds(list, bodies.of_project(body, 1)) < SECONDS
        for type in Step.Type.values:
            assert seconds(bodies.of_step, type, body, "", {}) < SECONDS


@pytest.mark.parametrize("part", REPEATED)
def test_texts_of_one_thing_over_and_over(part):
    text = "a" + part * (content.TEXT_LENGTH // len(part)) + "b"

    for change in (markdown.escape, markdown.exact, markdown.unescape):
        assert seconds(change, text) < SECONDS
