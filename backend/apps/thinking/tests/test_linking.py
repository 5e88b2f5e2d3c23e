from decimal import Decimal

import pytest
from django.db import connection

from apps.thinking import linking, nodes, rounds, trash
from apps.thinking.folding import FEW
from apps.thinking.models import Node, NodeLink, Step

pytestmark = pytest.mark.django_db


@pytest.fixture
def make(alice, project):
    def make(title, context="", **values):
        return nodes.create_node(alice, title=title, context=context, **{"project": project, **values})

    return make


def link_of(one, other):
    """The link of the two, whichever way round it is stored, if there is one that was not removed."""
    links = NodeLink.objects.filter(from_node__in=[one, other], to_node__in=[one, other], removed_at=None)
    return links.first()


def tied(one, other) -> tuple[str, Decimal, str] | None:
    link = link_of(one, other)
    return link and (link.origin, link.weight, link.reason)


class TestRelink:
    def test_it_works(self, make):
        first = make("誤差", "測るたびに負担になる")
        second = make("夜勤", "負担と誤差の話")

        link = NodeLink.objects.get()
        assert (link.from_node, link.to_node, link.owner) == (second, first, first.owner)
        assert (link.origin, link.weight, link.reason) == ("automatic", Decimal("0.6"), "誤差, 負担")

    @pytest.mark.parametrize(
        ("one", "other", "expected"),
        [
            (("誤差", ""), ("誤差", ""), ("0.6", "誤差")),
            (("誤差", ""), ("夜勤", "誤差が出る"), ("0.4", "誤差")),
            (("昼勤", "誤差が出る"), ("夜勤", "誤差が減る"), ("0.2", "誤差")),
            (("測定誤差", ""), ("誤差", ""), ("0.6", "誤差")),
            (("誤差", ""), ("測定誤差", ""), ("0.6", "誤差")),
            (("測定誤差", ""), ("測定誤差", ""), ("0.6", "測定誤差")),
            (("ﾛｯﾄ", ""), ("ロット", ""), ("0.6", "ロット")),
            (("Papers", ""), ("The paper", ""), ("0.6", "paper")),
            (("Class", ""), ("Clas", ""), None),
            (("ライン", ""), ("オンライン", ""), None),
            (("art", ""), ("start", ""), None),
            (("自分の場合", ""), ("自分", ""), None),
            (("The end", ""), ("The beginning", ""), None),
            (("取り違え", ""), ("取り違え", ""), ("0.6", "取り違え")),
            (("試し打ち", ""), ("見方", "試し打ちのあとに見る。"), ("0.4", "試し打ち")),
            (("résumé", ""), ("rérum", ""), None),
        ],
    )
    def test_words(self, make, one, other, expected):
        first, second = make(*one), make(*other)

        assert tied(first, second) == (expected and ("automatic", Decimal(expected[0]), expected[1]))

    def test_the_same_step(self, make, round, steps):
        place = {"round": round, "step": steps["flow"]}
        first = make("一", **place)
        second = make("二", **place)
        elsewhere = make("三", round=round, step=steps["mvp"])

        assert tied(first, second) == ("automatic", Decimal("0.1"), "")
        assert link_of(first, elsewhere) is None

    def test_the_same_step_and_a_word(self, make, round, steps):
        place = {"round": round, "step": steps["flow"]}

        assert tied(make("誤差", **place), make("誤差", **place)) == ("automatic", Decimal("0.7"), "誤差")

    def test_a_global_node_belongs_to_every_project_and_two_projects_are_apart(self, alice, make):
        other = rounds.start_project(alice, "Another")
        here, free, there = make("誤差"), make("誤差", project=None), make("誤差", project=other)

        assert link_of(here, free)
        assert link_of(there, free)
        assert link_of(here, there) is None

    def test_other_accounts_and_the_trash_are_left_out(self, bob, alice, make, other_project):
        nodes.create_node(bob, title="誤差")
        nodes.create_node(bob, title="誤差", project=other_project)
        trash.move_to_trash(make("誤差"))
        gone = rounds.start_project(alice, "Gone")
        make("誤差", project=gone)
        trash.move_to_trash(gone)

        node = make("誤差", project=None)

        assert not NodeLink.objects.filter(from_node=node).exists()

    def test_the_ten_strongest(self, make):
        weak = [make(f"夜勤{number}", "誤差") for number in range(4)]
        strong = [make("誤差") for _ in range(8)]
        NodeLink.objects.all().delete()

        node = make("誤差")

        linked = set(NodeLink.objects.filter(from_node=node).values_list("to_node", flat=True))
        assert len(linked) == 10
        assert linked == {other.pk for other in strong} | {other.pk for other in weak[-2:]}

    def test_a_word_that_everything_mentions_links_nothing(self, alice, project, make):
        Node.objects.bulk_create(Node(owner=alice, project=project, title="誤差") for _ in range(linking.COMMON + 1))

        make("誤差")

        assert not NodeLink.objects.exists()

    def test_a_frequent_word_weighs_less(self, alice, project, make):
        Node.objects.bulk_create(Node(owner=alice, project=project, title="誤差") for _ in range(20))

        node = make("誤差")

        assert {link.weight for link in NodeLink.objects.filter(from_node=node)} == {Decimal("0.3")}

    def test_percent_signs_and_quotes_are_nothing_special(self, make):
        assert tied(make("100%の'誤差'\\_"), make("%s誤差%")) == ("automatic", Decimal("0.6"), "誤差")


class TestChange:
    def test_it_is_weighed_again(self, make):
        first, second = make("誤差"), make("夜勤", "誤差")
        nodes.change_node(second, title="誤差")

        link = link_of(first, second)
        assert (link.weight, link.reason, link.version) == (Decimal("0.6"), "誤差", 2)

    def test_a_link_without_reason_goes_and_may_come_back(self, make):
        first, second = make("誤差"), make("誤差")

        nodes.change_node(first, title="夜勤")
        assert not NodeLink.objects.exists()

        nodes.change_node(first, title="誤差")
        assert link_of(first, second)

    def test_a_link_to_a_node_that_moved_away_goes(self, alice, make):
        first = make("誤差")
        make("誤差")

        nodes.change_node(first, project=rounds.start_project(alice, "Another"))

        assert not NodeLink.objects.exists()

    def test_only_the_ten_strongest_lead_away_and_others_may_lead_here(self, make):
        hub = make("誤差")
        others = [make(f"夜勤{number}", "誤差") for number in range(12)]
        arriving = set(NodeLink.objects.filter(to_node=hub).values_list("pk", flat=True))
        assert len(arriving) >= 10

        nodes.change_node(hub, context="改善")

        assert arriving == set(NodeLink.objects.filter(to_node=hub).values_list("pk", flat=True))
        nodes.change_node(others[0], context="誤差、改善")
        assert NodeLink.objects.filter(from_node=others[0]).count() <= 10

    def test_without_another_word_nothing_is_written(self, make):
        make("誤差")
        second = make("誤差")
        before = list(NodeLink.objects.values())

        nodes.change_node(second, title="誤差", context="")

        assert list(NodeLink.objects.values()) == before

    def test_a_link_to_the_trash_waits_there(self, make):
        first, second = make("誤差"), make("誤差")
        trash.move_to_trash(second)

        nodes.change_node(first, title="夜勤")
        trash.restore(second)

        assert link_of(first, second)

    def test_what_a_person_made_or_removed_stays(self, make):
        first, second, third = make("誤差"), make("夜勤"), make("誤差")
        linking.link(first, second, Decimal("0.9"))
        linking.remove(link_of(first, third))

        nodes.change_node(first, title="誤差", context="負担")
        nodes.change_node(third, context="負担")

        assert tied(first, second) == ("manual", Decimal("0.9"), "")
        assert link_of(first, third) is None
        assert NodeLink.objects.count() == 2


class TestLink:
    def test_it_works(self, make):
        first, second = make("一"), make("二")

        link, created = linking.link(first, second)

        assert created
        assert (link.from_node, link.to_node) == (first, second)
        assert tied(first, second) == ("manual", Decimal("0.5"), "")

    def test_whichever_way_round(self, make):
        first, second = make("一"), make("二")
        link, _created = linking.link(first, second, Decimal("0.9"))

        assert linking.link(second, first, Decimal("0.2")) == (link, False)
        assert tied(first, second) == ("manual", Decimal("0.9"), "")

    def test_of_one_that_arose_by_itself(self, make):
        first, second = make("誤差"), make("誤差")
        arisen = link_of(first, second)

        assert linking.link(first, second) == (arisen, False)
        assert tied(first, second) == ("manual", Decimal("0.6"), "")

    def test_of_one_that_was_removed(self, make):
        first, second = make("誤差"), make("誤差")
        removed = link_of(first, second)
        linking.remove(removed)

        assert linking.link(first, second) == (removed, True)
        assert tied(first, second) == ("manual", Decimal("0.5"), "")

    def test_under_the_id_of_another_link(self, make):
        first, second, third = make("一"), make("二"), make("三")
        taken = linking.link(first, second)[0]
        linking.link(first, third)

        for other in (third, make("四")):
            with pytest.raises(linking.IdTaken):
                linking.link(first, other, Decimal("0.9"), taken.pk)
        assert tied(first, third) == ("manual", Decimal("0.5"), "")
        assert linking.link(second, first, id=taken.pk) == (taken, False)


class TestManyAtOnce:
    @pytest.fixture
    def unlinked(self, alice, project, round, steps):
        """Of two projects and of none: nodes that share words, or a step; some are linked to each other already."""
        other = rounds.start_project(alice, "Another")
        texts = [("誤差", ""), ("測定誤差", "負担"), ("夜勤", "誤差と負担"), ("Papers", ""), ("The paper", "夜勤")]
        nodes = [
            Node(owner=alice, title=title, context=context, project=place)
            for place in (project, other, None)
            for title, context in texts * 4
        ]
        for node in nodes[:3]:
            node.round, node.step = round, steps["flow"]
        Node.objects.bulk_create(nodes)
        linking.link(nodes[0], nodes[1])
        linking.remove(linking.link(nodes[1], nodes[2])[0])
        for other in (nodes[1], nodes[3]):
            # One of them has no reason, and one another weight than it should have.
            NodeLink.objects.create(owner=alice, from_node=nodes[4], to_node=other, origin="automatic")
        return nodes

    def test_it_gives_what_one_by_one_gives(self, unlinked):
        before = list(NodeLink.objects.all())
        for node in unlinked:
            linking.relink(node)
        columns = "from_node", "to_node", "origin", "weight", "reason", "removed_at"
        expected = set(NodeLink.objects.values_list(*columns))
        NodeLink.objects.all().delete()
        NodeLink.objects.bulk_create(before)

        known = {}
        linking.relink_all(unlinked[:40], known)
        linking.relink_all(unlinked[40:], known)

        assert set(NodeLink.objects.values_list(*columns)) == expected
        assert len(expected) > 100

    def test_few_queries_link_many(self, alice, project, django_assert_max_num_queries):
        nodes = [Node(owner=alice, title="誤差", project=project) for _ in range(30)]
        Node.objects.bulk_create(nodes)

        # Two of them seek the one word. One by one it would take two hundred.
        with django_assert_max_num_queries(11):
            linking.relink_all(nodes, {})

        assert NodeLink.objects.count() > 100


def test_saved_again_and_again_they_come_to_rest(make, round):
    for step in Step.objects.filter(round=round):
        make(f"誤差の{step.type}", "負担", round=round, step=step)
    for node in Node.objects.all():
        linking.relink(node)
    before = list(NodeLink.objects.order_by("pk").values())
    for node in Node.objects.all():
        linking.relink(node)

    assert list(NodeLink.objects.order_by("pk").values()) == before
    assert len(before) == 10


@pytest.mark.parametrize(("others", "asks"), [(4, False), (5, True)])
def test_a_few_nodes_are_looked_through_without_the_index(
    alice, project, make, bigram_plans, monkeypatch, others, asks
):
    """Those of the project, and the global ones."""
    monkeypatch.setattr(linking, "SCANNED", 5)
    for number in range(others):
        make(f"測定誤差 {number}", project=project if number else None)
    Node.objects.bulk_create(
        Node(owner=alice, title="elsewhere", project=rounds.start_project(alice, "another")) for _ in range(5)
    )

    with bigram_plans() as plans:
        node = make("誤差の測定")

    assert bool(plans) is asks
    assert NodeLink.objects.filter(from_node=node).count() == others


@pytest.mark.parametrize("analyzed_first", [True, False])
@pytest.mark.parametrize("number", [10, FEW + 10])
def test_words_are_sought_by_the_index_whatever_the_planner_believes(
    alice, number, analyzed_first, bigram_plans, monkeypatch
):
    """In long texts of which many have the words: to make the pairs of characters of each took minutes."""
    monkeypatch.setattr(linking, "SCANNED", 0)
    long = [Node(owner=alice, title="測定誤差", context="夜勤の負担です。" * 300) for _ in range(number)]
    with connection.cursor() as cursor:
        if analyzed_first:
            cursor.execute("ANALYZE")
        Node.objects.bulk_create(long)
        if not analyzed_first:
            cursor.execute("ANALYZE")
    node = Node.objects.create(owner=alice, title="測定誤差と夜勤")

    with bigram_plans() as plans:
        linking.relink(node)

    assert "Bitmap Index Scan on node_bigrams" in plans[0]
    # Of a word in too many nodes nothing follows.
    assert NodeLink.objects.filter(from_node=node).count() == (10 if number == 10 else 0)
