from io import StringIO

import pytest
import yaml
from django.core.management import call_command

from apps.thinking import content, linking
from apps.thinking.models import Node


@pytest.fixture(scope="session")
def description():
    """One that is valid, and made without a warning."""
    output = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=output)
    return yaml.safe_load(output.getvalue())


@pytest.fixture(scope="session")
def components(description):
    return description["components"]["schemas"]


@pytest.mark.parametrize("type", content.SHAPES)
def test_each_step_has_its_own_content(components, type):
    name = type.capitalize()
    shape = content.SHAPES[type]

    read, written = components[f"{name}Content"], components[f"{name}ContentRequest"]

    assert set(read["properties"]) == set(read["required"]) == {*shape.texts, *shape.lists}
    assert set(written["properties"]) == {*shape.texts, *shape.lists}
    assert "required" not in written
    for text in shape.texts:
        assert read["properties"][text] == {"type": "string", "maxLength": content.TEXT_LENGTH}
    for items in shape.lists:
        assert read["properties"][items]["items"] == {"$ref": "#/components/schemas/Item"}
        assert written["properties"][items]["items"] == {"$ref": "#/components/schemas/ItemRequest"}


def test_a_step_is_told_by_its_type(components):
    step = components["Step"]

    assert step["discriminator"]["propertyName"] == "type"
    assert list(step["discriminator"]["mapping"]) == list(content.SHAPES)
    content_of_flow = components["FlowStep"]["properties"]["content"]
    assert content_of_flow == {"$ref": "#/components/schemas/FlowContent"}


def test_what_is_read_is_complete(components):
    for name in ("Project", "CurrentRound", "Round", "FlowStep", "Node", "NodeDetail", "Link", "Item"):
        assert set(components[name]["required"]) == set(components[name]["properties"]), name


def test_what_is_written_needs_only_what_it_must(components):
    assert components["NewProjectRequest"]["required"] == ["title"]
    assert components["NewNodeRequest"]["required"] == ["title"]
    assert components["ItemRequest"]["required"] == ["text"]
    assert "required" not in components["NewRoundRequest"]
    assert "default" not in str(components["PatchedProjectRequest"]) + str(components["PatchedNodeRequest"])


def test_answers_have_the_shape_that_is_described(as_alice, node, components):
    """Every key that is described, and no other."""
    urls = {
        "Project": f"/api/v1/projects/{node.project_id}/",
        "Round": f"/api/v1/rounds/{node.round_id}/",
        "FlowStep": f"/api/v1/steps/{node.step_id}/",
        "NodeDetail": f"/api/v1/nodes/{node.pk}/",
    }
    for name, url in urls.items():
        assert set(as_alice.get(url).json()) == set(components[name]["properties"]), name


def test_taking_an_image_away_answers_with_the_node(description):
    responses = description["paths"]["/nodes/{id}/image/"]["delete"]["responses"]

    assert list(responses) == ["200", "4XX", "5XX"]
    assert responses["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/NodeDetail"}
    assert "ETag" in responses["200"]["headers"]


def test_the_ring_map_has_the_shape_that_is_described(alice, as_alice, node, components):
    linking.link(node, Node.objects.create(owner=alice, title="Anywhere"))

    body = as_alice.get(f"/api/v1/projects/{node.project_id}/graph/").json()

    for name, value in {"Graph": body, "GraphNode": body["nodes"][0], "GraphLink": body["links"][0]}.items():
        assert set(components[name]["required"]) == set(components[name]["properties"]) == set(value), name
