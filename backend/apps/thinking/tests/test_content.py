import uuid
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.thinking import content
from apps.thinking.models import Step

ID = "0b5a7d3e-3c55-4c0c-9c11-0e6b5f0d3a01"
OTHER = "0b5a7d3e-3c55-4c0c-9c11-0e6b5f0d3a02"

storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
items = st.lists(
    st.fixed_dictionaries(
        {"text": storable},
        optional={
            "id": st.uuids().map(str),
            "struck": st.booleans(),
            "origin": st.none() | st.uuids().map(str),
        },
    ),
    max_size=5,
    unique_by=lambda item: item.get("id", uuid.uuid4()),
)
types = st.sampled_from(list(content.SHAPES))


@st.composite
def contents(draw):
    """(type, content as a client may send it)"""
    type = draw(types)
    shape = content.SHAPES[type]
    optional = {**dict.fromkeys(shape.texts, storable), **dict.fromkeys(shape.lists, items)}
    raw = draw(st.fixed_dictionaries({}, optional=optional))
    ids = [item["id"] for name in shape.lists for item in raw.get(name, []) if "id" in item]
    return type, raw if len(ids) == len(set(ids)) else {}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["items", "must", "theme", "text", "id", "struck", "origin", "x"]), inner)
    ),
    max_leaves=8,
)


def reason(type, raw):
    with pytest.raises(content.ContentError) as error:
        content.clean(type, raw)
    return error.value.path, error.value.reason


def test_it_works():
    cleaned = content.clean("mvp", {"must": [{"id": ID.upper(), "text": "一覧", "origin": OTHER}], "later": []})

    assert cleaned == {
        "must": [{"id": ID, "text": "一覧", "struck": False, "origin": OTHER}],
        "optional": [],
        "later": [],
    }


def test_types_are_those_of_the_model_in_its_order():
    assert list(content.SHAPES) == Step.Type.values


@pytest.mark.parametrize("type", content.SHAPES)
def test_empty_is_the_shape_with_nothing_in_it(type):
    assert content.clean(type, {}) == content.empty(type)
    assert not content.is_filled(type, content.empty(type))
    assert content.plain_text(type, content.empty(type)) == ""


def test_an_item_without_an_id_gets_one():
    first, second = content.clean("flow", {"items": [{"text": "a"}, {"text": "b", "id": None}]})["items"]

    assert uuid.UUID(first["id"]) != uuid.UUID(second["id"])


def test_texts_are_kept_as_they_were_typed():
    assert content.clean("overview", {"theme": "  一行目\n\n二行目 "})["theme"] == "  一行目\n\n二行目 "


def test_limits_are_allowed():
    content.clean("overview", {"theme": "あ" * content.TEXT_LENGTH})
    content.clean("flow", {"items": [{"text": "あ" * content.ITEM_LENGTH}]})
    content.clean("extract", {"ui": [{"text": ""}] * 250, "data": [{"text": ""}] * 250})


@pytest.mark.parametrize(
    ("type", "raw", "path", "why"),
    [
        ("overview", None, "", "required"),
        ("overview", [], "", "not_an_object"),
        ("overview", "text", "", "not_an_object"),
        ("overview", {"items": []}, "items", "unknown_key"),
        ("overview", {"k" * 1_000_000: ""}, "k" * 40, "unknown_key"),
        ("overview", {"theme": None}, "theme", "required"),
        ("overview", {"theme": 3}, "theme", "not_text"),
        ("overview", {"theme": ["a"]}, "theme", "not_text"),
        ("overview", {"theme": "a\x00b"}, "theme", "unstorable_characters"),
        ("overview", {"theme": "a\ud83d"}, "theme", "unstorable_characters"),
        ("overview", {"theme": "a" * 20_001}, "theme", "too_long"),
        ("flow", {"items": None}, "items", "required"),
        ("flow", {"items": {}}, "items", "not_a_list"),
        ("flow", {"items": ["a"]}, "items.0", "not_an_object"),
        ("flow", {"items": [None]}, "items.0", "required"),
        ("flow", {"items": [{}]}, "items.0.text", "required"),
        ("flow", {"items": [{"text": "a"}] * 3 + [{"text": "a" * 2_001}]}, "items.3.text", "too_long"),
        ("flow", {"items": [{"text": "a\x00"}]}, "items.0.text", "unstorable_characters"),
        ("flow", {"items": [{"text": "a", "colour": "red"}]}, "items.0.colour", "unknown_key"),
        ("flow", {"items": [{"text": "a", "struck": "yes"}]}, "items.0.struck", "not_a_boolean"),
        ("flow", {"items": [{"text": "a", "struck": None}]}, "items.0.struck", "required"),
        ("flow", {"items": [{"text": "a", "id": 7}]}, "items.0.id", "not_an_id"),
        ("flow", {"items": [{"text": "a", "id": "7"}]}, "items.0.id", "not_an_id"),
        ("flow", {"items": [{"text": "a", "id": f"{{{ID}}}"}]}, "items.0.id", "not_an_id"),
        ("flow", {"items": [{"text": "a", "origin": "there"}]}, "items.0.origin", "not_an_id"),
        ("flow", {"items": [{"text": "a", "id": ID}, {"text": "b", "id": ID}]}, "items.1.id", "repeated_id"),
        ("mvp", {"must": [{"text": "", "id": ID}], "later": [{"text": "", "id": ID}]}, "later.0.id", "repeated_id"),
        ("flow", {"items": [{"text": ""}] * 501}, "items", "too_many"),
        ("extract", {"ui": [{"text": ""}] * 250, "data": [{"text": ""}] * 251}, "data", "too_many"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(type, raw, path, why):
    assert reason(type, raw) == (path, why)


@pytest.mark.parametrize(
    ("type", "raw", "limit"),
    [
        ("overview", {"theme": "a" * 20_001}, 20_000),
        ("flow", {"items": [{"text": "a" * 2_001}]}, 2_000),
        ("extract", {"ui": [{"text": ""}] * 250, "data": [{"text": ""}] * 251}, 500),
        ("overview", {"theme": 3}, None),
    ],
)
def test_what_is_too_much_names_its_limit(type, raw, limit):
    with pytest.raises(content.ContentError) as error:
        content.clean(type, raw)

    assert error.value.limit == limit


@settings(max_examples=50, deadline=None)
@given(contents())
def test_cleaning_twice_changes_nothing(sent):
    type, raw = sent
    once = content.clean(type, raw)

    assert content.clean(type, once) == once
    assert list(once) == [*content.SHAPES[type].texts, *content.SHAPES[type].lists]


@settings(max_examples=50, deadline=None)
@given(contents())
def test_plain_text_has_every_word_and_says_whether_it_is_filled(sent):
    type, raw = sent
    cleaned = content.clean(type, raw)
    text = content.plain_text(type, cleaned)

    for value in cleaned.values():
        for words in [value] if isinstance(value, str) else [item["text"] for item in value]:
            assert words.strip() in text
    assert content.is_filled(type, cleaned) == bool(text)


@settings(max_examples=50, deadline=None)
@given(types, anything)
def test_whatever_is_sent_is_cleaned_or_refused(type, raw):
    with suppress(content.ContentError):
        content.clean(type, raw)


@settings(max_examples=50, deadline=None)
@given(contents())
def test_carrying_over_keeps_the_words_and_names_their_origin(sent):
    type, raw = sent
    last = content.clean(type, raw)
    carried = content.carry_over(last)

    assert content.clean(type, carried) == carried
    assert content.plain_text(type, carried) == content.plain_text(type, last)
    for name in content.SHAPES[type].lists:
        for before, after in zip(last[name], carried[name], strict=True):
            assert after["origin"] == before["id"] != after["id"]
            assert (after["text"], after["struck"]) == (before["text"], before["struck"])


@pytest.mark.parametrize(
    ("title", "blank"),
    [
        ("", True),
        (" \u3000\t", True),
        ("\u200b\u2060\ufeff", True),
        ("\u200ba", False),
        ("👩\u200d🔬", False),
        ("…", False),
    ],
)
def test_what_cannot_be_seen_is_blank(title, blank):
    assert content.is_blank(title) == blank


def test_plain_text_has_a_line_for_each_item():
    cleaned = content.clean("extract", {"ui": [{"text": " 一覧 "}, {"text": ""}], "flow": [{"text": "承認"}]})

    assert content.plain_text("extract", cleaned) == "一覧\n承認"


def test_struck_out_items_count_as_written():
    cleaned = content.clean("extract", {"ui": [{"text": "紙の控え", "struck": True}]})

    assert content.is_filled("extract", cleaned)
    assert content.plain_text("extract", cleaned) == "紙の控え"


def test_blanks_do_not_count_as_written():
    assert not content.is_filled("overview", content.clean("overview", {"theme": " \n　"}))
    assert not content.is_filled("flow", content.clean("flow", {"items": [{"text": " "}]}))
