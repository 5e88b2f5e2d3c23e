import pytest

from apps.core.errors import RuleBroken
from apps.thinking import trash
from apps.thinking.models import Node, NodeLink, Project, Round, Step

pytestmark = pytest.mark.django_db


def kept():
    return [model.objects.kept().count() for model in (Project, Round, Step, Node, NodeLink)]


@pytest.fixture
def link(alice, node):
    free = Node.objects.create(owner=alice, title="Anywhere")
    return NodeLink.objects.create(owner=alice, from_node=node, to_node=free)


def test_a_project_goes_with_everything_that_belongs_to_it_and_comes_back_with_it(project, link):
    assert kept() == [1, 1, 5, 2, 1]

    trash.move_to_trash(project)
    assert kept() == [0, 0, 0, 1, 0]
    assert project.version == 2

    trash.restore(project)
    assert kept() == [1, 1, 5, 2, 1]
    assert project.version == 3


def test_a_node_that_went_before_its_project_does_not_come_back_with_it(project, node):
    trash.move_to_trash(node)
    trash.move_to_trash(project)

    trash.restore(project)

    assert kept() == [1, 1, 5, 0, 0]


def test_a_node_takes_its_links_along(node, link):
    trash.move_to_trash(node)
    assert not NodeLink.objects.kept().exists()

    trash.restore(node)
    assert NodeLink.objects.kept().get() == link


def test_a_node_does_not_come_back_without_its_project(project, node):
    trash.move_to_trash(node)
    trash.move_to_trash(project)

    with pytest.raises(RuleBroken):
        trash.restore(Node.objects.get(pk=node.pk))


def test_restoring_what_is_not_in_the_trash_changes_nothing(project):
    trash.restore(project)

    assert Project.objects.get(pk=project.pk).version == 1
