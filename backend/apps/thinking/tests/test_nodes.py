import pytest

from apps.thinking import nodes
from apps.thinking.models import Node, NodeRename, Project

pytestmark = pytest.mark.django_db


def renames(node):
    return list(node.renames.values_list("old_title", "new_title"))


class TestCreate:
    def test_it_works(self, alice, project):
        before = Project.objects.get().updated_at

        node = nodes.create_node(alice, title="誤差", project=project)

        assert Node.objects.get() == node
        assert Project.objects.get().updated_at > before
        assert renames(node) == []


class TestChange:
    def test_another_title_is_remembered(self, node):
        nodes.change_node(node, title="声かけ")
        nodes.change_node(node, title="合図", context="交代のとき")

        assert renames(node) == [("口頭の確認", "声かけ"), ("声かけ", "合図")]

    def test_the_same_title_is_no_renaming(self, node):
        nodes.change_node(node, title=node.title, context="夜")
        nodes.change_node(node, context="朝")

        assert not NodeRename.objects.exists()

    def test_what_changes_nothing_links_nothing(self, node, django_assert_num_queries):
        # Savepoint, write, make the project the last worked on, release.
        with django_assert_num_queries(4):
            nodes.change_node(node, title=node.title)
