import pytest

from apps.thinking.models import Node, NodeLink, Project, Step

URL = "/api/v1/account/example/"


def counts():
    return [model.objects.count() for model in (Project, Step, Node, NodeLink)]


@pytest.mark.parametrize("language", ["ja", "en"])
def test_it_works(as_alice, alice, language):
    response = as_alice.post(URL, HTTP_ACCEPT_LANGUAGE=language)

    assert response.status_code == 201
    project = Project.objects.get(pk=response.json()["id"])
    assert (project.owner, project.status) == (alice, "active")
    assert response.json()["rounds_count"] == project.rounds.count() >= 2
    assert not Step.objects.filter(round__project=project, filled=False).exists()
    assert project.nodes.count() >= 5
    assert ("転記" in project.title) is (language == "ja")
    diff = as_alice.get(f"/api/v1/rounds/{project.rounds.first().pk}/diff/?with={project.rounds.last().pk}").json()
    assert any(field["before"] != field["after"] for step in diff["steps"] for field in step["fields"])


def test_again_it_is_the_same_project(as_alice):
    first = as_alice.post(URL)
    before = counts()

    again = as_alice.post(URL)

    assert again.status_code == 200
    assert again.json() == first.json()
    assert again["ETag"] == first["ETag"]
    assert counts() == before


def test_it_is_deleted_like_any_project_and_comes_back_when_it_is_asked_for(as_alice):
    id = as_alice.post(URL).json()["id"]
    as_alice.patch(f"/api/v1/projects/{id}/", {"title": "Mine now"})
    assert as_alice.delete(f"/api/v1/projects/{id}/").status_code == 204
    assert as_alice.get("/api/v1/projects/").json()["count"] == 0

    again = as_alice.post(URL)

    assert (again.status_code, again.json()["title"]) == (200, "Mine now")
    assert as_alice.get("/api/v1/projects/").json()["count"] == 1


def test_everybody_has_their_own(as_alice, as_bob):
    assert as_alice.post(URL).json()["id"] != as_bob.post(URL).json()["id"]
    assert as_alice.get("/api/v1/projects/").json()["count"] == 1
