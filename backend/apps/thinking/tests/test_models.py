from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from apps.thinking import content, rounds
from apps.thinking.models import Node, NodeLink, NodeRename, Project, RefusedKeyword, Round, Step, StepRevision

pytestmark = pytest.mark.django_db

# SQLite cannot add keys over two columns to a table.
needs_postgresql = pytest.mark.usefixtures("postgresql")


def refused(constraint: str):
    """The database itself refuses, by this constraint."""
    # SQLite names a check, but of a unique constraint only the columns.
    named = constraint if connection.vendor == "postgresql" or "unique" not in constraint else "UNIQUE"
    return pytest.raises(IntegrityError, match=named)


@pytest.fixture
def nodes(alice):
    return [Node.objects.create(owner=alice, title=title) for title in "ab"]


@pytest.fixture
def link(alice, nodes):
    return NodeLink.objects.create(owner=alice, from_node=nodes[0], to_node=nodes[1])


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"title": ""}, "project_title_not_empty"),
        ({"status": "done"}, "project_status_known"),
        ({"version": 0}, "project_version_positive"),
    ],
)
def test_project(project, values, constraint):
    with refused(constraint), transaction.atomic():
        Project.objects.filter(pk=project.pk).update(**values)


def test_two_projects_may_share_a_title(alice, project):
    rounds.start_project(alice, project.title)


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"number": 0}, "round_number_one_to_five"),
        ({"number": 6}, "round_number_one_to_five"),
        ({"version": 0}, "round_version_positive"),
    ],
)
def test_round(round, values, constraint):
    with refused(constraint), transaction.atomic():
        Round.objects.filter(pk=round.pk).update(**values)


def test_a_round_number_comes_once_in_a_project(project):
    with refused("round_number_unique"), transaction.atomic():
        Round.objects.create(project=project, number=1)


@pytest.mark.parametrize(
    ("values", "constraint"),
    [({"type": "dream"}, "step_type_known"), ({"version": 0}, "step_version_positive")],
)
def test_step(steps, values, constraint):
    with refused(constraint), transaction.atomic():
        Step.objects.filter(pk=steps["flow"].pk).update(**values)


def test_a_step_type_comes_once_in_a_round(round):
    with refused("step_type_unique"), transaction.atomic():
        Step.objects.create(round=round, type="flow", content=content.empty("flow"))


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"title": ""}, "node_title_not_empty"),
        ({"project": None}, "node_round_needs_project"),
        ({"round": None}, "node_step_needs_round"),
        ({"version": 0}, "node_version_positive"),
    ],
)
def test_node(node, values, constraint):
    with refused(constraint), transaction.atomic():
        Node.objects.filter(pk=node.pk).update(**values)


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"to_node": F("from_node")}, "link_two_nodes"),
        ({"weight": Decimal("0.0")}, "link_weight_range"),
        ({"weight": Decimal("1.1")}, "link_weight_range"),
        ({"origin": "guessed"}, "link_origin_known"),
        ({"version": 0}, "link_version_positive"),
    ],
)
def test_link(link, values, constraint):
    with refused(constraint), transaction.atomic():
        NodeLink.objects.filter(pk=link.pk).update(**values)


@pytest.mark.parametrize("weight", ["0.1", "0.5", "1.0"])
def test_every_weight_from_a_tenth_to_one(link, weight):
    NodeLink.objects.filter(pk=link.pk).update(weight=Decimal(weight))

    link.refresh_from_db()
    assert str(link.weight) == weight


@pytest.mark.parametrize("ends", [(0, 1), (1, 0)])
def test_a_pair_has_one_link_whichever_way_round(alice, nodes, link, ends):
    with refused("link_pair_unique"), transaction.atomic():
        NodeLink.objects.create(owner=alice, from_node=nodes[ends[0]], to_node=nodes[ends[1]])


def check_keys():
    """They are deferred to the end of the transaction, which in a test never comes."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@needs_postgresql
class TestKeysOverTwoColumns:
    def test_a_round_follows_the_one_before_it(self, project):
        Round.objects.create(project=project, number=3)
        with refused("round_follows_previous"):
            check_keys()

    def test_a_round_in_the_middle_cannot_go(self, project):
        second = rounds.start_next_round(project)
        rounds.start_next_round(project)
        check_keys()
        with refused("round_follows_previous"), transaction.atomic():
            second.delete()

    def test_the_project_of_a_node_is_its_owners(self, alice, other_project):
        Node.objects.create(owner=alice, title="a", project=other_project)
        with refused("node_project_of_owner"):
            check_keys()

    def test_the_round_of_a_node_is_its_projects(self, alice, project):
        other = rounds.start_project(alice, "Another").rounds.get()
        Node.objects.create(owner=alice, title="a", project=project, round=other)
        with refused("node_round_of_project"):
            check_keys()

    def test_the_step_of_a_node_is_its_rounds(self, alice, project, steps):
        second = rounds.start_next_round(project)
        Node.objects.create(owner=alice, title="a", project=project, round=second, step=steps["flow"])
        with refused("node_step_of_round"):
            check_keys()

    @pytest.mark.parametrize("end", ["from_node", "to_node"])
    def test_both_ends_of_a_link_are_its_owners(self, link, end, other_node):
        NodeLink.objects.filter(pk=link.pk).update(**{end: other_node})
        with refused(f"link_{end}_of_owner"):
            check_keys()

    def test_an_account_goes_with_everything_it_has(self, alice, project, node, link):
        rounds.start_next_round(project)
        alice.delete()
        check_keys()
        assert not NodeLink.objects.exists()
        assert not Project.objects.exists()


def test_a_write_increments_the_version(project):
    project.title = "別の題"
    project.save()

    project.refresh_from_db()
    assert project.version == 2


def test_steps_know_their_place(steps):
    assert [steps[type].position for type in Step.Type.values] == [1, 2, 3, 4, 5]


def test_rows_are_their_owners(alice, bob, node, link, other_node):
    for model in (Project, Round, Step, Node, NodeLink):
        mine = set(model.objects.owned_by(alice))
        others = set(model.objects.owned_by(bob))
        assert not mine & others
        assert mine | others == set(model.objects.all())


@needs_postgresql
def test_the_previous_release_can_delete_what_has_newer_rows(alice, project, steps, node):
    """It knows nothing of the tables that have come since: of those, the database deletes the rows."""
    step = steps["flow"]
    StepRevision.objects.create(
        step=step, version=1, content={}, written_by=alice, begun_at=timezone.now(), written_at=timezone.now()
    )
    NodeRename.objects.create(node=node, old_title="a", new_title="b")
    RefusedKeyword.objects.create(project=project, word="a")

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM thinking_node")
        cursor.execute("DELETE FROM thinking_step")
        cursor.execute("DELETE FROM thinking_round")
        cursor.execute("DELETE FROM thinking_project")
        cursor.execute("DELETE FROM accounts_user")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    assert not StepRevision.objects.exists()
    assert not NodeRename.objects.exists()
    assert not RefusedKeyword.objects.exists()
