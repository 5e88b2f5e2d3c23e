import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

BACKEND = Path(__file__).resolve().parents[2]
MESSAGES = BACKEND / "locale/ja/LC_MESSAGES"


@pytest.fixture(scope="module")
def catalog():
    with (MESSAGES / "django.po").open("rb") as file:
        return read_po(file, locale="ja")


def strings(catalog):
    # Of a compiled catalogue, Babel reads contexts as bytes, and plurals as lists.
    return {
        (
            message.context.decode() if isinstance(message.context, bytes) else message.context,
            *(tuple(text) if isinstance(text, list) else text for text in (message.id, message.string)),
        )
        for message in catalog
        if message.id
    }


def plain(catalog):
    """Those that are one sentence in either language, and those that are two in English."""
    for message in catalog:
        if message.id:
            one = [text if isinstance(text, str) else text[0] for text in (message.id, message.string)]
            yield Message(one[0], one[1])


def sentences_in(folder):
    found = extract_from_dir(BACKEND / folder, keywords={**DEFAULT_KEYWORDS, "pgettext_lazy": ((1, "c"), 2)})
    return {(context, id) for _file, _line, id, _comments, context in found}


def test_it_works(catalog):
    """What the code says is what the catalogue has, no more and no less: `make messages`."""
    known = {(message.context, message.id) for message in catalog if message.id}
    assert known == sentences_in("apps") | sentences_in("thinkring")


def test_every_sentence_is_translated(catalog):
    assert [message.id for message in catalog if not message.string or message.fuzzy] == []


def test_placeholders_are_kept(catalog):
    assert list(catalog.check()) == []


def test_japanese_punctuation(catalog):
    sentences = [message for message in plain(catalog) if message.id.endswith(".")]

    assert [message.string for message in sentences if not message.string.endswith("。")] == []


def test_japanese_numbers(catalog):
    """Nothing stands between a number and its word, and thousands are separated: 20,000文字."""
    number = r"(?<![\w.:-])[\d,]+|%\((?:byte|column|count|line|number)\)[sd]|{max_\w+[:,]*}"
    spaced = re.compile(rf"(?:{number}) [ぁ-んァ-ヶ一-龠]|[ぁ-んァ-ヶ一-龠] (?:{number})(?![\w:-])")
    long = re.compile(r"(?<![\d-])\d{4,}(?!\d|-)|{max_length}")

    assert [message.string for message in plain(catalog) if spaced.search(message.string)] == []
    assert [message.string for message in plain(catalog) if long.search(message.string)] == []


def test_the_compiled_catalogue_is_current(catalog):
    with (MESSAGES / "django.mo").open("rb") as file:
        compiled = read_mo(file)

    assert strings(compiled) == strings(catalog)
