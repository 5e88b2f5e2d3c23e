import uuid

import pytest

from apps.thinking import content
from apps.thinking.models import Project, Step
from apps.thinking.problems import CONTENT
from conftest import refused

ID = "0b5a7d3e-3c55-4c0c-9c11-0e6b5f0d3a01"


@pytest.fixture
def urls(steps):
    return {type: f"/api/v1/steps/{step.pk}/" for type, step in steps.items()}


def test_it_works(as_alice, project, steps, urls):
    response = as_alice.patch(urls["mvp"], {"content": {"must": [{"id": ID, "text": "一覧"}]}})

    assert response.status_code == 200
    body = response.json()
    assert body == {
        "id": str(steps["mvp"].pk),
        "project": str(project.pk),
        "round": str(steps["mvp"].round_id),
        "type": "mvp",
        "content": {"must": [{"id": ID, "text": "一覧", "struck": False, "origin": None}], "optional": [], "later": []},
        "filled": True,
        "created_at": body["created_at"],
        "updated_at": body["updated_at"],
        "version": 2,
    }
    assert response.headers["ETag"] == '"2"'
    assert as_alice.get(urls["mvp"]).json() == body
    assert Step.objects.get(pk=steps["mvp"].pk).text == "一覧"


@pytest.mark.parametrize("type", content.SHAPES)
def test_every_type_is_read_as_it_was_written(as_alice, urls, type):
    shape = content.SHAPES[type]
    written = {
        **{name: f"{name}\n二行目" for name in shape.texts},
        **{
            name: [{"id": str(uuid.uuid4()), "text": name, "struck": True, "origin": str(uuid.uuid4())}]
            for name in shape.lists
        },
    }

    as_alice.patch(urls[type], {"content": written})

    assert as_alice.get(urls[type]).json()["content"] == written


def test_the_content_is_whole_what_is_missing_is_empty(as_alice, urls):
    as_alice.patch(urls["overview"], {"content": {"theme": "a", "pain": "b"}})
    as_alice.patch(urls["overview"], {"content": {"pain": "c"}})

    assert as_alice.get(urls["overview"]).json()["content"] == {**content.empty("overview"), "pain": "c"}


def test_the_project_becomes_the_one_last_worked_on_and_keeps_its_version(as_alice, project, urls):
    as_alice.patch(urls["overview"], {"content": {}})

    stored = Project.objects.get()
    assert stored.updated_at > project.updated_at
    assert stored.version == 1


def test_nothing_else_is_written(as_alice, steps, urls):
    body = {"type": "mvp", "filled": True, "round": str(uuid.uuid4()), "text": "a"}

    assert as_alice.patch(urls["flow"], body).status_code == 200

    stored = Step.objects.get(pk=steps["flow"].pk)
    assert (stored.type, stored.filled, stored.text, stored.version) == ("flow", False, "", 2)


@pytest.mark.parametrize(
    ("type", "sent", "code", "field"),
    [
        ("flow", None, "VAL_001", "content"),
        ("flow", [], "VAL_002", "content"),
        ("flow", "text", "VAL_002", "content"),
        ("flow", {"must": []}, "VAL_005", "content.must"),
        ("flow", {"items": "a"}, "VAL_002", "content.items"),
        ("flow", {"items": [{"text": "a"}] * 3 + [{"text": 7}]}, "VAL_002", "content.items.3.text"),
        ("flow", {"items": [{"id": ID}]}, "VAL_001", "content.items.0.text"),
        ("flow", {"items": [{"text": "a" * 2_001}]}, "VAL_003", "content.items.0.text"),
        ("flow", {"items": [{"text": "a\x00"}]}, "VAL_002", "content.items.0.text"),
        ("flow", {"items": [{"text": "a", "id": ID}, {"text": "b", "id": ID}]}, "VAL_005", "content.items.1.id"),
        ("flow", {"items": [{"text": ""}] * 501}, "VAL_003", "content.items"),
        ("mvp", {"later": [{"text": "a", "struck": 1}]}, "VAL_002", "content.later.0.struck"),
        ("overview", {"theme": "a" * 20_001}, "VAL_003", "content.theme"),
        ("overview", {"theme": ["a"]}, "VAL_002", "content.theme"),
    ],
)
def test_content_that_does_not_fit(as_alice, steps, urls, type, sent, code, field):
    refused(as_alice.patch(urls[type], {"content": sent}), 422, code, field)

    assert Step.objects.get(pk=steps[type].pk).content == content.empty(type)


@pytest.mark.parametrize(
    ("type", "sent", "ja", "en"),
    [
        ("overview", {"theme": "a" * 20_001}, "20,000文字までにしてください。", "At most 20,000 characters."),
        ("flow", {"items": [{"text": "a" * 2_001}]}, "2,000文字までにしてください。", "At most 2,000 characters."),
        (
            "extract",
            {"ui": [{"text": ""}] * 250, "data": [{"text": ""}] * 251},
            "1つのステップに入れられる項目は500個までです。",
            "A step takes at most 500 items.",
        ),
    ],
)
def test_what_is_too_much_names_its_limit(as_alice, urls, type, sent, ja, en):
    for language, sentence in (("ja", ja), ("en", en)):
        response = as_alice.patch(urls[type], {"content": sent}, headers={"Accept-Language": language})

        [detail] = refused(response, 422, "VAL_003")["details"]
        assert detail["reason"] == sentence


def test_a_note_that_is_too_long_is_told_in_the_same_words(as_alice, round):
    for language, sentence in (("ja", "20,000文字までにしてください。"), ("en", "At most 20,000 characters.")):
        url, headers = f"/api/v1/rounds/{round.pk}/", {"Accept-Language": language}
        response = as_alice.patch(url, {"note": "a" * 20_001}, headers=headers)

        [detail] = refused(response, 422, "VAL_003", "note")["details"]
        assert detail["reason"] == sentence


@pytest.mark.parametrize("text", [b"a\\u0000", b"a\\ud83d", b"\\udc00"])
def test_characters_that_cannot_be_stored(as_alice, urls, text):
    body = b'{"content": {"theme": "' + text + b'"}}'

    refused(as_alice.patch(urls["overview"], body, content_type="application/json"), 422, "VAL_002", "content.theme")


def test_a_key_that_cannot_be_sent_back(as_alice, urls):
    body = b'{"content": {"\\ud83d": ""}}'

    refused(as_alice.patch(urls["overview"], body, content_type="application/json"), 422, "VAL_005", "content.?")


def test_deeply_nested_content(as_alice, urls):
    body = b'{"content": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"

    response = as_alice.patch(urls["overview"], body, content_type="application/json")

    assert response.json()["error"]["code"] == "VAL_002"
    assert response.status_code in (400, 422)


def test_every_reason_has_its_words():
    words = content.ContentError.__doc__.split(":")[-1].strip(" .\n").replace(",", " ").split()

    assert set(words) == CONTENT.keys()


@pytest.mark.parametrize("id", [uuid.uuid4(), "7"])
def test_an_id_that_is_none(as_alice, id):
    refused(as_alice.get(f"/api/v1/steps/{id}/"), 404, "RES_003")
    refused(as_alice.patch(f"/api/v1/steps/{id}/", {"content": {}}), 404, "RES_003")


@pytest.mark.parametrize("method", ["put", "post", "delete"])
def test_other_methods(as_alice, urls, method):
    refused(getattr(as_alice, method)(urls["flow"], {"content": {}}), 405, "REQ_001")


def test_queries_of_an_autosave(as_alice, urls, django_assert_num_queries):
    as_alice.patch(urls["overview"], {"content": {"theme": "a"}})

    # Begin, lock the project and the step, read and write the history, write, make the project the last worked on, read
    # again, commit.
    with django_assert_num_queries(9):
        as_alice.patch(urls["overview"], {"content": {"theme": "ab"}})


def test_queries_of_a_read(as_alice, urls, django_assert_num_queries):
    with django_assert_num_queries(1):
        as_alice.get(urls["overview"])
