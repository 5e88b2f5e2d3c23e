from apps.thinking import linking, trash
from apps.thinking.models import Node
from conftest import refused


def test_it_works(alice, as_alice, project, node):
    linking.link(node, Node.objects.create(owner=alice, title="誤差"))

    response = as_alice.get(f"/api/v1/projects/{project.pk}/graph/")

    assert response.status_code == 200
    body = response.json()
    assert body.keys() == {"project", "rounds", "nodes", "links"}
    assert [row["title"] for row in body["nodes"]] == [node.title, "誤差"]
    assert len(body["links"]) == 1


def test_of_a_project_in_the_trash(as_alice, project):
    trash.move_to_trash(project)

    refused(as_alice.get(f"/api/v1/projects/{project.pk}/graph/"), 404, "RES_001")
