import uuid
from decimal import Decimal

import pytest

from apps.thinking import linking, nodes, trash
from apps.thinking.models import Node, NodeLink
from conftest import refused


@pytest.fixture
def other(alice, project):
    return Node.objects.create(owner=alice, title="Other", project=project)


@pytest.fixture
def url(node):
    return f"/api/v1/nodes/{node.pk}/links/"


@pytest.fixture
def link(node, other):
    return linking.link(node, other)[0]


@pytest.fixture
def arisen(alice, project):
    nodes.create_node(alice, title="誤差", project=project)
    nodes.create_node(alice, title="誤差", project=project)
    return NodeLink.objects.get()


class TestCreate:
    def test_it_works(self, as_alice, alice, node, other, url):
        response = as_alice.post(url, {"to": str(other.pk), "weight": 0.8})

        assert response.status_code == 201
        link = NodeLink.objects.get()
        assert link.owner == alice
        body = response.json()
        assert body == {
            "id": str(link.pk),
            "from": {"id": str(node.pk), "title": node.title},
            "to": {"id": str(other.pk), "title": "Other"},
            "weight": 0.8,
            "origin": "manual",
            "reason": "",
            "created_at": body["created_at"],
            "updated_at": body["updated_at"],
            "version": 1,
        }
        assert response.headers["ETag"] == '"1"'

    def test_the_other_way_round_it_is_the_same_link(self, as_alice, node, other, url):
        first = as_alice.post(url, {"to": str(other.pk)})
        second = as_alice.post(f"/api/v1/nodes/{other.pk}/links/", {"to": str(node.pk), "weight": 1})

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()
        assert first.json()["weight"] == 0.5

    def test_an_automatic_one_becomes_manual(self, as_alice, arisen):
        response = as_alice.post(f"/api/v1/nodes/{arisen.to_node_id}/links/", {"to": str(arisen.from_node_id)})

        assert response.status_code == 200
        body = response.json()
        assert (body["id"], body["origin"], body["reason"], body["version"]) == (str(arisen.pk), "manual", "", 2)
        assert body["from"]["id"] == str(arisen.from_node_id)

    def test_a_removed_one_comes_back(self, as_alice, node, other, url, link):
        as_alice.delete(f"/api/v1/links/{link.pk}/")

        response = as_alice.post(url, {"to": str(other.pk)})

        assert (response.status_code, response.json()["id"]) == (201, str(link.pk))
        assert as_alice.get(url).json()["count"] == 1

    def test_sent_again_it_answers_with_what_is_there(self, as_alice, other, url):
        body = {"id": str(uuid.uuid4()), "to": str(other.pk)}

        first, second = as_alice.post(url, body), as_alice.post(url, body)

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()
        assert first.json()["id"] == body["id"]

    def test_an_id_that_another_link_has(self, alice, as_alice, bob, url, link, other_node):
        third = Node.objects.create(owner=alice, title="Third")
        foreign = linking.link(other_node, Node.objects.create(owner=bob, title="Theirs"))[0]

        for id in (link.pk, foreign.pk):
            refused(as_alice.post(url, {"id": str(id), "to": str(third.pk)}), 422, "VAL_005", "id")

    def test_an_id_that_another_link_has_just_taken(self, monkeypatch, alice, as_alice, node, other, url):
        third = Node.objects.create(owner=alice, title="Third")
        link, id = linking.link, uuid.uuid4()

        def behind_another(*values):
            link(node, third, None, id)
            return link(*values)

        monkeypatch.setattr(linking, "link", behind_another)

        refused(as_alice.post(url, {"id": str(id), "to": str(other.pk)}), 422, "VAL_005", "id")

        assert NodeLink.objects.get().to_node == third

    @pytest.mark.parametrize(
        ("weight", "code"),
        [
            (0, "VAL_005"),
            (1.1, "VAL_005"),
            (-0.5, "VAL_005"),
            (0.55, "VAL_002"),
            ("heavy", "VAL_002"),
            (True, "VAL_002"),
            (None, "VAL_001"),
            ([], "VAL_002"),
            ("NaN", "VAL_002"),
            (10**30, "VAL_002"),
        ],
    )
    def test_bad_weights(self, as_alice, other, url, weight, code):
        refused(as_alice.post(url, {"to": str(other.pk), "weight": weight}), 422, code, "weight")
        assert not NodeLink.objects.exists()

    @pytest.mark.parametrize(
        ("to", "code"), [(None, "VAL_001"), ("7", "VAL_002"), (7, "VAL_002"), ("", "VAL_002"), ([], "VAL_002")]
    )
    def test_bad_ends(self, as_alice, url, to, code):
        refused(as_alice.post(url, {"to": to}), 422, code, "to")
        refused(as_alice.post(url, {}), 422, "VAL_001", "to")
        refused(as_alice.post(url, []), 422, "VAL_002")

    def test_to_itself(self, as_alice, node, url):
        refused(as_alice.post(url, {"to": str(node.pk)}), 422, "VAL_005", "to")

    def test_to_what_is_not_there(self, as_alice, other, other_node, url):
        trash.move_to_trash(other)

        for id in (uuid.uuid4(), other_node.pk, other.pk):
            refused(as_alice.post(url, {"to": str(id)}), 404, "RES_004")

    def test_from_what_is_not_there(self, as_alice, node, other, url):
        trash.move_to_trash(node)

        refused(as_alice.post(url, {"to": str(other.pk)}), 404, "RES_004")
        refused(as_alice.get(url), 404, "RES_004")


class TestList:
    def test_it_works(self, alice, as_alice, node, other, url, link):
        third = Node.objects.create(owner=alice, title="Third")
        linking.link(third, node)
        linking.link(third, other)

        body = as_alice.get(url).json()

        assert body["count"] == 2
        ends = [(row["from"]["title"], row["to"]["title"]) for row in body["results"]]
        assert ends == [("Third", node.title), (node.title, "Other")]

    def test_links_to_the_trash_are_not_listed(self, as_alice, other, url, link):
        trash.move_to_trash(other)
        assert as_alice.get(url).json()["count"] == 0

        trash.restore(other)
        assert as_alice.get(url).json()["count"] == 1

    def test_in_order(self, alice, as_alice, node, url, link):
        linking.link(Node.objects.create(owner=alice, title="Third"), node, Decimal("0.9"))

        def weights(ordering):
            return [row["weight"] for row in as_alice.get(url, {"ordering": ordering}).json()["results"]]

        assert (weights("weight"), weights("-weight")) == ([0.5, 0.9], [0.9, 0.5])
        refused(as_alice.get(url, {"ordering": "owner"}), 422, "VAL_005", "ordering")

    def test_the_reason_is_a_sentence_in_the_language_of_who_asks(self, as_alice, arisen):
        url = f"/api/v1/links/{arisen.pk}/"

        assert as_alice.get(url, headers={"accept-language": "en"}).json()["reason"] == "both mention 誤差"
        assert as_alice.get(url, headers={"accept-language": "ja"}).json()["reason"] == "どちらにも 誤差 が出てきます"

        NodeLink.objects.update(reason="")
        assert as_alice.get(url, headers={"accept-language": "en"}).json()["reason"] == "both arose in the same step"

    def test_queries_do_not_grow_with_the_list(self, alice, as_alice, node, url, link, django_assert_num_queries):
        for number in range(3):
            linking.link(node, Node.objects.create(owner=alice, title=str(number)))

        with django_assert_num_queries(3):
            as_alice.get(url)


class TestOne:
    def test_weighing(self, as_alice, arisen):
        url = f"/api/v1/links/{arisen.pk}/"

        response = as_alice.patch(url, {"weight": 1}, headers={"if-match": "1"})

        assert response.status_code == 200
        body = response.json()
        assert (body["weight"], body["origin"], body["reason"], body["version"]) == (1.0, "manual", "", 2)
        assert response.headers["ETag"] == '"2"'
        assert refused(as_alice.patch(url, {"weight": 0.1, "version": 1}), 409, "BIZ_002")["current"] == body
        refused(as_alice.patch(url, {"weight": 2}), 422, "VAL_005", "weight")

    def test_a_write_of_nothing_leaves_it_automatic(self, as_alice, arisen):
        url = f"/api/v1/links/{arisen.pk}/"
        before = as_alice.get(url).json()

        after = as_alice.patch(url, {}).json()

        assert after == {**before, "version": 2, "updated_at": after["updated_at"]}

    def test_removing(self, alice, as_alice, arisen):
        url = f"/api/v1/links/{arisen.pk}/"

        refused(as_alice.delete(url, headers={"if-match": "7"}), 409, "BIZ_002")
        assert as_alice.delete(url).status_code == 204

        refused(as_alice.get(url), 404, "RES_006")
        refused(as_alice.delete(url), 404, "RES_006")
        nodes.change_node(arisen.from_node, context="誤差")
        refused(as_alice.get(url), 404, "RES_006")

    def test_a_removed_one_comes_back_as_it_was_by_its_id(self, as_alice, arisen):
        url = f"/api/v1/links/{arisen.pk}/"
        before = as_alice.get(url).json()
        as_alice.delete(url)

        response = as_alice.post(
            f"/api/v1/nodes/{arisen.to_node_id}/links/", {"to": arisen.from_node_id, "id": arisen.pk}
        )

        assert response.status_code == 201
        kept = ("id", "from", "to", "weight", "origin", "reason")
        assert [response.json()[name] for name in kept] == [before[name] for name in kept]
        assert as_alice.get(url).json() == response.json()

    @pytest.mark.parametrize("method", ["put", "post"])
    def test_other_methods(self, as_alice, link, method):
        refused(getattr(as_alice, method)(f"/api/v1/links/{link.pk}/", {"weight": 0.1}), 405, "REQ_001")


def test_a_node_says_how_many_links_it_has(alice, as_alice, node, other, link):
    third = Node.objects.create(owner=alice, title="Third")
    linking.link(third, node)
    linking.remove(linking.link(third, other)[0])

    rows = as_alice.get("/api/v1/nodes/").json()["results"]
    assert {row["title"]: row["links_count"] for row in rows} == {node.title: 2, "Other": 1, "Third": 1}

    trash.move_to_trash(other)
    assert as_alice.get(f"/api/v1/nodes/{node.pk}/").json()["links_count"] == 1
