import uuid
from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.thinking import rounds, trash
from apps.thinking.models import Node, NodeLink, Project, Round, Step
from conftest import refused

URL = "/api/v1/trash/"


@pytest.fixture
def link(alice, node):
    free = Node.objects.create(owner=alice, title="Anywhere")
    return NodeLink.objects.create(owner=alice, from_node=node, to_node=free)


def titles(client):
    return [thing["title"] for thing in client.get(URL).json()["results"]]


def test_it_works(as_alice, project, node):
    as_alice.delete(f"/api/v1/nodes/{node.pk}/")
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        as_alice.delete(f"/api/v1/projects/{project.pk}/")

    page = as_alice.get(URL).json()

    assert page["count"] == 2
    first, second = page["results"]
    project.refresh_from_db()
    node.refresh_from_db()
    assert (first["kind"], first["id"], first["title"], first["project"]) == (
        "project",
        str(project.pk),
        project.title,
        None,
    )
    assert (second["kind"], second["id"], second["title"]) == ("node", str(node.pk), "口頭の確認")
    assert second["project"] == {"id": str(project.pk), "title": project.title}
    assert datetime.fromisoformat(second["deleted_at"].replace("Z", "+00:00")) == node.deleted_at
    assert datetime.fromisoformat(second["expires_at"].replace("Z", "+00:00")) == node.deleted_at + timedelta(days=30)


def test_a_global_node(as_alice, alice):
    trash.move_to_trash(Node.objects.create(owner=alice, title="Anywhere"))

    assert as_alice.get(URL).json()["results"][0]["project"] is None


def test_what_went_along_with_a_project_is_not_listed_by_itself(as_alice, project, node):
    trash.move_to_trash(project)

    assert titles(as_alice) == [project.title]


def test_only_what_was_deleted_and_is_ones_own(as_alice, as_bob, project, node, other_node):
    trash.move_to_trash(other_node)

    assert titles(as_alice) == []
    assert titles(as_bob) == ["Practice"]


def test_what_was_restored_is_not_there(as_alice, project):
    as_alice.delete(f"/api/v1/projects/{project.pk}/")
    as_alice.post(f"/api/v1/projects/{project.pk}/restore/")

    assert titles(as_alice) == []
    refused(as_alice.delete(f"{URL}{project.pk}/"), 404, "RES_006")
    assert Project.objects.filter(pk=project.pk).exists()


def test_pages(as_alice, alice):
    for number in range(5):
        with time_machine.travel(timezone.now() + timedelta(minutes=number)):
            made = rounds.start_project(alice, str(number)) if number % 2 else Node(owner=alice, title=str(number))
            trash.move_to_trash(made)

    page = as_alice.get(URL, {"page_size": 2, "page": 2}).json()

    assert page["count"] == 5
    assert [thing["title"] for thing in page["results"]] == ["2", "1"]


def test_it_asks_twice_whatever_lies_there(as_alice, alice, django_assert_num_queries):
    for number in range(10):
        trash.move_to_trash(Node.objects.create(owner=alice, title=str(number)))

    with django_assert_num_queries(2):
        as_alice.get(URL)


def test_deleting_a_project_for_good(as_alice, project, link, other_project):
    as_alice.delete(f"/api/v1/projects/{project.pk}/")

    response = as_alice.delete(f"{URL}{project.pk}/")

    assert (response.status_code, response.content) == (204, b"")
    assert list(Project.objects.all()) == [other_project]
    assert Round.objects.count() == 1
    assert Step.objects.count() == 5
    assert [node.title for node in Node.objects.all()] == ["Anywhere"]
    assert not NodeLink.objects.exists()
    assert titles(as_alice) == []
    refused(as_alice.post(f"/api/v1/projects/{project.pk}/restore/"), 404, "RES_001")


def test_deleting_a_node_for_good(as_alice, project, node, link):
    as_alice.delete(f"/api/v1/nodes/{node.pk}/")

    assert as_alice.delete(f"{URL}{node.pk}/").status_code == 204

    assert [node.title for node in Node.objects.all()] == ["Anywhere"]
    assert not NodeLink.objects.exists()
    assert Project.objects.filter(pk=project.pk).exists()
    refused(as_alice.delete(f"{URL}{node.pk}/"), 404, "RES_006")


@pytest.mark.parametrize("kind", ["projects", "nodes"])
def test_of_a_stale_version(as_alice, project, node, kind):
    thing = {"projects": project, "nodes": node}[kind]
    before = as_alice.get(f"/api/v1/{kind}/{thing.pk}/").json()
    as_alice.delete(f"/api/v1/{kind}/{thing.pk}/")

    current = refused(as_alice.delete(f"{URL}{thing.pk}/", headers={"If-Match": "1"}), 409, "BIZ_002")["current"]

    assert current == {**before, **{name: current[name] for name in ("deleted_at", "updated_at")}, "version": 2}
    assert titles(as_alice) == [thing.title]
    refused(as_alice.delete(f"{URL}{thing.pk}/", {"version": 1}), 409, "BIZ_002")
    assert as_alice.delete(f"{URL}{thing.pk}/", headers={"If-Match": '"2"'}).status_code == 204


def test_what_is_not_in_the_trash_is_not_deleted(as_alice, project, node):
    for id in [project.pk, node.pk, uuid.uuid4(), "none", "1"]:
        refused(as_alice.delete(f"{URL}{id}/"), 404, "RES_006")

    assert Project.objects.filter(pk=project.pk).exists()
    assert Node.objects.filter(pk=node.pk).exists()


def test_the_trash_of_somebody_else(as_alice, other_project, other_node):
    trash.move_to_trash(other_node)
    trash.move_to_trash(other_project)

    for thing in (other_node, other_project):
        refused(as_alice.delete(f"{URL}{thing.pk}/"), 404, "RES_006")

    assert Project.objects.filter(pk=other_project.pk).exists()
    assert Node.objects.filter(pk=other_node.pk).exists()
