import json
import math
import random
import uuid
from collections import Counter

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.thinking import content, linking, nodes, rounds, trash
from apps.thinking.api.rows import NODE
from apps.thinking.graph import Spot, graph, layout
from apps.thinking.models import Node, Step

TYPES = Step.Type.values


def spot(round=1, step="flow", is_global=False, recurs=0, id=None):
    return Spot(id or str(uuid.uuid4()), round, step, is_global, recurs)


def polar(point) -> tuple[float, float]:
    """The radius, and the degrees clockwise from the top."""
    x, y = point
    return math.hypot(x, y), math.degrees(math.atan2(x, -y)) % 360


def distance(one, other) -> float:
    return math.dist(one, other)


spots = st.lists(
    st.builds(
        Spot,
        st.uuids().map(str),
        st.integers(1, 5),
        st.none() | st.sampled_from(TYPES),
        st.just(False),
        st.integers(0, 5),
    )
    | st.builds(Spot, st.uuids().map(str), st.none(), st.none(), st.booleans(), st.integers(0, 5)),
    max_size=60,
    unique_by=lambda spot: spot.id,
)


class TestLayout:
    def test_it_works(self):
        one = spot(round=3, step="overview")

        radius, degrees = polar(layout(5, [one], [])[one.id])

        assert radius == pytest.approx(3, abs=0.001)
        assert min(degrees, 360 - degrees) < 36

    @pytest.mark.parametrize(("place", "step"), list(enumerate(TYPES)))
    def test_the_angle_is_the_step(self, place, step):
        cell = [spot(round=2, step=step) for _ in range(100)]

        for point in layout(5, cell, []).values():
            degrees = polar(point)[1]
            assert abs((degrees - 72 * place + 180) % 360 - 180) < 36

    def test_a_word_that_recurs_drifts_inward(self):
        radii = [
            polar(layout(5, [one], [])[one.id])[0] for one in (spot(round=2, recurs=number) for number in range(6))
        ]

        assert radii == [pytest.approx(radius, abs=0.001) for radius in (2, 2, 1.9, 1.8, 1.7, 1.6)]

    def test_without_a_round_it_is_near_the_centre(self):
        one = spot(round=None, step=None, recurs=5)

        assert polar(layout(5, [one], [])[one.id])[0] == pytest.approx(0.5, abs=0.001)

    def test_a_global_node_is_outside_near_what_it_is_linked_to(self):
        friends = [spot(round=1, step="mvp"), spot(round=2, step="mvp")]
        free = spot(round=None, step=None, is_global=True)
        crowd = [spot(round=None, step=None, is_global=True) for _ in range(11)]

        places = layout(3, [*friends, free, *crowd], [(free.id, friends[0].id), (friends[1].id, free.id)])

        radius, degrees = polar(places[free.id])
        assert radius == pytest.approx(3.7, abs=0.001)
        # In the middle of its slot, of which the ring has sixteen.
        mean = sum(polar(places[friend.id])[1] for friend in friends) / 2
        assert abs(degrees - mean) <= 360 / 32 + 0.1

    def test_opposite_directions_have_no_mean(self):
        free = spot(round=None, step=None, is_global=True)

        assert polar(layout(1, [free], [(free.id, str(uuid.uuid4()))])[free.id])[0] == pytest.approx(1.7, abs=0.001)

    @pytest.mark.parametrize("number", [2, 10, 40])
    def test_nodes_of_one_part_do_not_overlap_as_long_as_there_is_room(self, number):
        for ring in range(1, 6):
            cell = [spot(round=ring) for _ in range(number)]

            points = list(layout(5, cell, []).values())

            nearest = min(distance(one, other) for place, one in enumerate(points) for other in points[:place])
            assert nearest > (0.09 if number < 40 or ring > 2 else 0.03)

    def test_no_two_stand_on_the_same_point_in_a_crowd(self):
        cell = [spot(round=random.randint(1, 5), step=random.choice(TYPES), recurs=1) for _ in range(5000)]  # noqa: S311

        places = layout(5, cell, [])

        assert Counter(places.values()).most_common(1)[0][1] == 1
        assert all(0.5 < polar(point)[0] < 5.4 for point in places.values())

    @given(spots)
    def test_the_same_input_gives_the_same_places(self, cell):
        places = layout(5, cell, [])

        assert layout(5, cell, []) == places
        assert places.keys() == {one.id for one in cell}
        assert all(math.isfinite(x) and math.isfinite(y) and math.hypot(x, y) < 6.2 for x, y in places.values())

    @settings(max_examples=50)
    @given(spots, st.integers(1, 5), st.sampled_from(TYPES))
    def test_a_further_node_leaves_the_others_where_they_are_unless_its_part_is_full(self, cell, round, step):
        before = layout(5, cell, [])

        after = layout(5, [*cell, spot(round=round, step=step)], [])

        moved = {one.id for one in cell if after[one.id] != before[one.id]}
        here = {one.id for one in cell if (one.round, one.step) == (round, step)}
        assert moved <= here
        # Slots double when three quarters are taken: from 3, 6, 12, 24 nodes to one more, or from 1 to 2.
        assert not moved or len(here) in (1, 3, 6, 12, 24, 48)


pytestmark = pytest.mark.django_db


def write(step, **values):
    rounds.write_step(step, content.clean(step.type, values), by=step.round.project.owner)


class TestGraph:
    @pytest.fixture
    def free(self, alice, node):
        """A global node that is linked to the project's."""
        free = Node.objects.create(owner=alice, title="誤差")
        linking.link(node, free)
        return free

    def test_it_works(self, project, node, free):
        answer = graph(project)

        assert (answer["project"], answer["rounds"]) == (str(project.pk), 1)
        own, other = answer["nodes"]
        assert {**own, "x": 0, "y": 0} == {
            "id": str(node.pk),
            "title": node.title,
            "round": 1,
            "step": "flow",
            "global": False,
            "recurs": 0,
            "x": 0,
            "y": 0,
        }
        assert (other["id"], other["global"], other["round"], other["step"]) == (str(free.pk), True, None, None)
        link = node.links_from.get()
        assert answer["links"] == [
            {"id": str(link.pk), "from": str(node.pk), "to": str(free.pk), "weight": 0.5, "origin": "manual"}
        ]

    def test_a_project_without_nodes(self, project):
        assert graph(project) == {"project": str(project.pk), "rounds": 1, "nodes": [], "links": []}

    def test_links_between_what_is_shown_and_no_others(self, alice, project, node, free):
        second = Node.objects.create(owner=alice, title="負担")
        unlinked = Node.objects.create(owner=alice, title="Elsewhere")
        stranger = Node.objects.create(owner=alice, title="Stranger", project=rounds.start_project(alice, "Another"))
        linking.link(second, node)
        between = linking.link(second, free)[0]
        linking.link(unlinked, free)
        linking.link(stranger, node)

        answer = graph(project)

        assert {row["title"] for row in answer["nodes"]} == {node.title, "誤差", "負担"}
        assert len(answer["links"]) == 3
        assert str(between.pk) in {link["id"] for link in answer["links"]}

    def test_what_was_removed_or_lies_in_the_trash_is_not_there(self, alice, project, node, free):
        gone = Node.objects.create(owner=alice, title="Gone", project=project)
        linking.link(gone, node)
        trash.move_to_trash(gone)
        linking.remove(node.links_from.get())

        answer = graph(project)

        assert [row["title"] for row in answer["nodes"]] == [node.title]
        assert answer["links"] == []

    def test_a_global_node_is_not_there_for_a_node_in_the_trash(self, project, node, free):
        linking.link(node, free)
        linking.link(free, Node.objects.create(owner=node.owner, title="Another", project=project))
        for own in Node.objects.filter(project=project):
            assert str(free.pk) in [shown["id"] for shown in graph(project)["nodes"]]
            trash.move_to_trash(own)

        assert graph(project)["nodes"] == []

    def test_how_often_a_word_recurs(self, project, node, steps):
        write(steps["overview"], theme="夜勤の口頭の確認を減らす")
        assert graph(project)["nodes"][0]["recurs"] == 1

        rounds.start_next_round(project)
        rounds.start_next_round(project)
        assert graph(project)["nodes"][0]["recurs"] == 3

        write(Step.objects.get(round__number=3, type="overview"), theme="やめた")
        assert graph(project)["nodes"][0]["recurs"] == 2

    def test_spelled_in_another_way_it_is_the_same_word(self, alice, project, steps):
        Node.objects.create(owner=alice, project=project, title="ﾛｯﾄ")
        Node.objects.create(owner=alice, project=project, title="QF")
        write(steps["overview"], theme="ろっととqf-12")

        assert [row["recurs"] for row in graph(project)["nodes"]] == [1, 1]

    def test_queries(self, project, node, free, django_assert_max_num_queries):
        # The nodes, the links from them and to them, the global nodes, the links between those, the texts.
        with django_assert_max_num_queries(6):
            graph(project)


def appears_in(node):
    [row] = NODE.all(Node.objects.filter(pk=node.pk))
    return json.loads(orjson.dumps(row["appears_in"]))


class TestAppearsIn:
    def write(self, project, number, text):
        write(project.rounds.get(number=number).steps.get(type="overview"), theme=text)

    def test_it_works(self, project, node):
        assert appears_in(node) == []
        rounds.start_next_round(project)
        rounds.start_next_round(project)

        self.write(project, 3, "口頭の確認をやめる")
        self.write(project, 1, "いまは口頭の確認だけ")

        assert appears_in(node) == [1, 3]

    @pytest.mark.parametrize(("title", "text"), [("ﾛｯﾄ", "ろっとの数"), ("100%_", "100%_の値"), ("QF", "qf-12")])
    def test_however_it_is_spelled(self, alice, project, title, text):
        self.write(project, 1, text)

        assert appears_in(nodes.create_node(alice, title=title, project=project)) == [1]

    def test_not_by_a_wildcard(self, alice, project):
        self.write(project, 1, "100 の値")

        assert appears_in(nodes.create_node(alice, title="1%0", project=project)) == []

    def test_of_other_projects_and_of_global_nodes(self, alice, project, node):
        other = rounds.start_project(alice, "Another")
        self.write(other, 1, "口頭の確認")

        assert appears_in(node) == []
        assert appears_in(nodes.create_node(alice, title="口頭の確認")) == []

    def test_they_are_as_many_rounds_as_it_recurs_in_on_the_map(self, alice, project, node):
        for title in ("夜勤", "ﾛｯﾄ", "QF"):
            nodes.create_node(alice, title=title, project=project)
        for number, text in enumerate(["夜勤の口頭の確認", "ろっととqf-12", "夜勤のロット"], 1):
            if number > 1:
                rounds.start_next_round(project)
            self.write(project, number, text)

        recurs = {row["title"]: row["recurs"] for row in graph(project)["nodes"]}

        assert recurs == {one.title: len(appears_in(one)) for one in Node.objects.filter(project=project)}
        assert {*recurs.values()} == {1, 2}
