"""What is answered straight from the database is what the serializers of the description say of it."""

import json

import orjson
import pytest
from rest_framework.test import APIClient

from apps.core.reading import _page
from apps.thinking import linking, nodes, rounds
from apps.thinking.api import rows, serializers
from apps.thinking.models import Node, Project, Round, Step
from conftest import refused

pytestmark = pytest.mark.django_db

KINDS = [
    (rows.PROJECTS, serializers.ProjectSerializer, Project),
    (rows.ROUNDS, serializers.RoundSerializer, Round),
    (rows.STEPS, serializers.StepSerializer, Step),
    (rows.NODES, serializers.NodeSerializer, Node),
    (rows.NODE, serializers.NodeDetailSerializer, Node),
]


def written(value):
    return json.loads(orjson.dumps(value, option=orjson.OPT_UTC_Z))


@pytest.mark.parametrize(("kind", "serializer", "model"), KINDS)
def test_the_keys_and_plain_values_are_those_of_the_serializer(kind, serializer, model, node, steps):
    linking.link(node, nodes.create_node(node.owner, title="負担", project=node.project))
    instance = model.objects.order_by("pk").first()

    [row] = kind.all(model.objects.filter(pk=instance.pk))

    fields = serializer().fields
    assert list(row) == list(fields)
    for name, field in fields.items():
        # What only the database counts or names, and links that are read by their ids.
        if hasattr(instance, name) and not hasattr(field, "child") and name not in ("image", "project"):
            value = field.get_attribute(instance)
            assert written(row[name]) == written(None if value is None else field.to_representation(value)), name


def test_what_is_nested_has_the_keys_of_its_serializer(project):
    [row] = rows.PROJECTS.all(Project.objects.filter(pk=project.pk))

    current = written(row["current_round"])
    serializer = serializers.ProjectSerializer().fields["current_round"]
    assert set(current) == set(serializer.fields)
    assert set(current["next_step"]) == set(serializer.fields["next_step"].fields)


def test_an_image_is_an_address_without_a_host(node):
    Node.objects.filter(pk=node.pk).update(image="nodes/abc.webp")

    [row] = rows.NODES.all(Node.objects.filter(pk=node.pk))

    assert row["image"] == "/media/nodes/abc.webp"


class TestLists:
    def test_one_statement_serves_everyone(self, as_alice, as_bob, project, other_project):
        """It is made once, with ids that stand for all."""
        for client, own in ((as_alice, project), (as_bob, other_project)):
            listed = client.get("/api/v1/projects/").json()
            assert [row["id"] for row in listed["results"]] == [str(own.pk)]
            assert listed["count"] == 1
            found = client.get(f"/api/v1/projects/{own.pk}/rounds/").json()["results"]
            assert [row["project"] for row in found] == [str(own.pk)]

    def test_ids_in_the_query(self, alice, as_alice, project):
        other = rounds.start_project(alice, "other")
        for number, place in enumerate((project, other)):
            nodes.create_node(alice, title=str(number), project=place)
        known = _page.cache_info().misses
        as_alice.get(f"/api/v1/nodes/?project={project.pk}&page_size=7")

        found = as_alice.get(f"/api/v1/nodes/?project={other.pk}&page_size=7").json()

        assert [row["title"] for row in found["results"]] == ["1"]
        assert _page.cache_info().misses == known + 1

    @pytest.mark.parametrize("query", ["project={project.pk}", "round={round.pk}", "page=2&round={round.pk}"])
    def test_of_somebody_else(self, as_bob, project, round, node, query):
        code = "RES_001" if "project" in query.split("=")[0] else "RES_002"
        refused(as_bob.get(f"/api/v1/nodes/?{query.format(project=project, round=round)}"), 404, code)

    def test_an_id_that_names_nothing_here_is_said_as_it_was_sent(self, as_alice, project):
        refusal = as_alice.get(f"/api/v1/projects/?status={project.pk}")

        assert refusal.status_code == 422
        assert str(project.pk) in refusal.content.decode()

    def test_what_is_no_filter_makes_no_statement_of_its_own(self, as_alice, project):
        as_alice.get("/api/v1/projects/")
        known = _page.cache_info().misses

        assert as_alice.get(f"/api/v1/projects/?_={project.pk}").json()["count"] == 1
        assert _page.cache_info().misses == known

    @pytest.mark.parametrize("ordering", ["title", "-title", "created_at", "-updated_at"])
    def test_pages_one_after_another_are_the_whole(self, alice, as_alice, project, ordering):
        for number in range(7):
            # Some of the same title, whose ids decide.
            one = nodes.create_node(alice, title=f"誤差 {number // 3}", project=project)
        linking.link(one, nodes.create_node(alice, title="free"))
        url = f"/api/v1/nodes/?ordering={ordering}&page_size="
        whole = as_alice.get(f"{url}100").json()["results"]

        pages = [as_alice.get(f"{url}3&page={number}").json() for number in (1, 2, 3)]

        assert len(whole) == 8
        assert [row for page in pages for row in page["results"]] == whole
        assert {page["count"] for page in pages} == {8}

    def test_a_page_that_is_not_there(self, as_alice, project):
        refused(as_alice.get("/api/v1/projects/?page=2"), 404, "RES_006")
        refused(as_alice.get(f"/api/v1/projects/{project.pk}/rounds/?page=2"), 404, "RES_006")


class TestUnchanged:
    def test_a_list_that_the_client_has_is_not_sent_again(self, as_alice, project, settings):
        tag = as_alice.get("/api/v1/projects/")["ETag"]

        again = as_alice.get("/api/v1/projects/", HTTP_IF_NONE_MATCH=tag)

        assert (again.status_code, again.content) == (304, b"")
        # The page, which is on another host, has to be able to read it.
        settings.CORS_ALLOWED_ORIGINS = ["https://thinkring.test"]
        other = as_alice.get("/api/v1/projects/", HTTP_IF_NONE_MATCH=tag, HTTP_ORIGIN="https://thinkring.test")
        assert (other.status_code, other["Access-Control-Allow-Origin"]) == (304, "https://thinkring.test")
        # As nginx makes it when it compresses.
        assert as_alice.get("/api/v1/projects/", HTTP_IF_NONE_MATCH=f"W/{tag}").status_code == 304

    def test_any_change_is_seen(self, alice, as_alice, project):
        tag = as_alice.get("/api/v1/projects/")["ETag"]
        nodes.create_node(alice, title="a", project=project)

        assert as_alice.get("/api/v1/projects/", HTTP_IF_NONE_MATCH=tag).status_code == 200

    def test_a_version_says_nothing_of_what_is_counted(self, alice, as_alice, project):
        url = f"/api/v1/projects/{project.pk}/"
        tag = as_alice.get(url)["ETag"]
        nodes.create_node(alice, title="a", project=project)

        again = as_alice.get(url, HTTP_IF_NONE_MATCH=tag)

        assert (again.status_code, again.json()["nodes_count"]) == (200, 1)

    def test_nobody_is_told_without_a_token(self, as_alice, project):
        tag = as_alice.get("/api/v1/projects/")["ETag"]

        refused(APIClient().get("/api/v1/projects/", HTTP_IF_NONE_MATCH=tag), 401, "AUTH_001")
