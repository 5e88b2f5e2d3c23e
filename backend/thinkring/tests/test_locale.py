from pathlib import Path

import pytest
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
    # Babel reads the contexts of a compiled catalogue as bytes.
    return {
        (
            message.context.decode() if isinstance(message.context, bytes) else message.context,
            message.id,
        ): message.string
        for message in catalog
        if message.id
    }


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
    sentences = [message for message in catalog if message.id and message.id.endswith(".")]

    assert [message.string for message in sentences if not message.string.endswith("。")] == []


def test_the_compiled_catalogue_is_current(catalog):
    with (MESSAGES / "django.mo").open("rb") as file:
        compiled = read_mo(file)

    assert strings(compiled) == strings(catalog)
