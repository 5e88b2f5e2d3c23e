import pytest

from apps.thinking.models import Node, Project, Round, Step
from conftest import refused

MODELS = {"projects": Project, "rounds": Round, "steps": Step, "nodes": Node}
BODIES = {
    "projects": {"title": "新しい"},
    "rounds": {"note": "新しい"},
    "steps": {"content": {"items": [{"text": "新しい"}]}},
    "nodes": {"title": "新しい"},
}


@pytest.fixture
def objects(node):
    return {"projects": node.project, "rounds": node.round, "steps": node.step, "nodes": node}


@pytest.fixture(params=MODELS)
def kind(request):
    return request.param


@pytest.fixture
def url(kind, objects):
    return f"/api/v1/{kind}/{objects[kind].pk}/"


def version(kind, url):
    return MODELS[kind].objects.get(pk=url.split("/")[-2]).version


@pytest.mark.parametrize("header", ["1", '"1"', 'W/"1"', " 1 "])
def test_it_works(as_alice, kind, url, header):
    response = as_alice.patch(url, BODIES[kind], headers={"If-Match": header})

    assert response.status_code == 200
    assert response.headers["ETag"] == '"2"'
    assert version(kind, url) == 2


def test_the_version_in_the_body(as_alice, kind, url):
    assert as_alice.patch(url, {**BODIES[kind], "version": 1}).status_code == 200
    refused(as_alice.patch(url, {**BODIES[kind], "version": 1}), 409, "BIZ_002")
    assert version(kind, url) == 2


def test_without_a_version_the_write_is_applied(as_alice, kind, url):
    for _ in range(2):
        assert as_alice.patch(url, BODIES[kind]).status_code == 200
    assert version(kind, url) == 3


def test_a_write_of_nothing_is_a_version_too(as_alice, kind, url):
    before = as_alice.get(url).json()

    after = as_alice.patch(url, {}).json()

    assert after == {**before, "version": 2, "updated_at": after["updated_at"]}
    refused(as_alice.patch(url, BODIES[kind], headers={"If-Match": "1"}), 409, "BIZ_002")


def test_a_stale_write_gets_the_object_as_it_is(as_alice, kind, url):
    current = as_alice.patch(url, BODIES[kind]).json()

    error = refused(as_alice.patch(url, BODIES[kind], headers={"If-Match": "1"}), 409, "BIZ_002")

    assert error["current"] == current
    assert version(kind, url) == 2


def test_the_header_counts_where_both_are_given(as_alice, kind, url):
    refused(as_alice.patch(url, {**BODIES[kind], "version": 1}, headers={"If-Match": "7"}), 409, "BIZ_002")

    assert as_alice.patch(url, {**BODIES[kind], "version": 7}, headers={"If-Match": "1"}).status_code == 200
    assert version(kind, url) == 2


@pytest.mark.parametrize("header", ["x", "", '"', "-1", "1.0", "*", "W/1", "１", "9" * 30])
def test_a_header_that_cannot_be_read(as_alice, kind, url, header):
    refused(as_alice.patch(url, BODIES[kind], headers={"If-Match": header}), 422, "VAL_002", "If-Match")

    assert version(kind, url) == 1


@pytest.mark.parametrize("seen", ["1", 1.5, True, [], {}])
def test_a_body_version_that_cannot_be_read(as_alice, kind, url, seen):
    refused(as_alice.patch(url, {**BODIES[kind], "version": seen}), 422, "VAL_002", "version")

    assert version(kind, url) == 1


@pytest.mark.parametrize("kind", ["projects", "nodes"])
def test_a_stale_delete_and_restore(as_alice, kind, url):
    refused(as_alice.delete(url, headers={"If-Match": "7"}), 409, "BIZ_002")
    refused(as_alice.delete(url, {"version": 7}), 409, "BIZ_002")
    assert as_alice.delete(url, headers={"If-Match": "1"}).status_code == 204

    error = refused(as_alice.post(f"{url}restore/", headers={"If-Match": "1"}), 409, "BIZ_002")

    assert (error["current"]["version"], error["current"]["deleted_at"] is None) == (2, False)
    assert as_alice.post(f"{url}restore/", headers={"If-Match": "2"}).status_code == 200


@pytest.mark.parametrize("action", ["complete", "pend"])
def test_a_stale_action(as_alice, objects, action):
    url = f"/api/v1/projects/{objects['projects'].pk}/{action}/"

    error = refused(as_alice.post(url, headers={"If-Match": "7"}), 409, "BIZ_002")

    assert error["current"]["status"] == "active"
    assert as_alice.post(url, {"version": 1}).status_code == 200


def test_a_page_that_is_open_is_not_outdated_by_autosave(as_alice, objects):
    for kind in ("steps", "rounds", "nodes"):
        assert as_alice.patch(f"/api/v1/{kind}/{objects[kind].pk}/", BODIES[kind]).status_code == 200

    url = f"/api/v1/projects/{objects['projects'].pk}/"
    assert as_alice.patch(url, BODIES["projects"], headers={"If-Match": "1"}).status_code == 200
