import pytest

from apps.thinking import content, rounds, trash
from apps.thinking.models import Node
from conftest import refused

URL = "/api/v1/search/"


def search(client, q, **more):
    return client.get(URL, {"q": q, **more})


def test_it_works(as_alice, project, round, steps, node):
    response = search(as_alice, "こうとう")

    assert response.status_code == 200
    assert response.json() == {"count": 0, "next": None, "previous": None, "results": []}

    assert search(as_alice, "交代").json()["results"] == [
        {
            "kind": "node",
            "id": str(node.pk),
            "title": "口頭の確認",
            "snippet": [{"text": "交代", "hit": True}, {"text": "のとき", "hit": False}],
            "project": {"id": str(project.pk), "title": project.title},
            "round": {"id": str(round.pk), "number": 1},
            "step": "flow",
        }
    ]


def test_every_kind_newest_change_first(as_alice, alice, project, round, steps):
    Node.objects.create(owner=alice, title="改善のノード")
    rounds.write_note(round, "改善を思いついた")
    rounds.write_step(steps["flow"], content.clean("flow", {"items": [{"text": "確認"}, {"text": "改善"}]}))
    project.title = "改善のプロジェクト"
    project.save()

    results = search(as_alice, "かいぜん").json()["results"] + search(as_alice, "改善").json()["results"]

    reference = {"id": str(project.pk), "title": "改善のプロジェクト"}
    numbered = {"id": str(round.pk), "number": 1}
    assert [(hit["kind"], hit["title"], hit["project"], hit["round"], hit["step"]) for hit in results] == [
        ("project", "改善のプロジェクト", reference, None, None),
        ("step", "改善のプロジェクト", reference, numbered, "flow"),
        ("round", "改善のプロジェクト", reference, numbered, None),
        ("node", "改善のノード", None, None, None),
    ]
    assert [hit["snippet"][0] for hit in results] == [{"text": "改善", "hit": True}] * 4


def test_one_character(as_alice, node):
    assert [hit["id"] for hit in search(as_alice, "頭").json()["results"]] == [str(node.pk)]


def test_from_the_end_of_one_line_to_the_next(as_alice, node):
    [hit] = search(as_alice, "認\n交").json()["results"]

    assert hit["snippet"] == [{"text": "口頭の確認", "hit": False}]


def test_pages(as_alice, alice):
    Node.objects.bulk_create(Node(owner=alice, title=f"誤差 {number}") for number in range(7))

    first = search(as_alice, "誤差", page_size=4).json()
    second = as_alice.get(first["next"]).json()

    assert (first["count"], len(first["results"]), len(second["results"])) == (7, 4, 3)
    assert len({hit["id"] for hit in first["results"] + second["results"]}) == 7


def test_ones_own_only(as_bob, project, node):
    assert search(as_bob, "夜勤").json()["count"] == search(as_bob, "口頭").json()["count"] == 0


def test_nothing_from_the_trash(as_alice, project, steps, node):
    rounds.write_step(steps["flow"], content.clean("flow", {"items": [{"text": "口頭"}]}))
    trash.move_to_trash(node)
    assert [hit["kind"] for hit in search(as_alice, "口頭").json()["results"]] == ["step"]

    trash.move_to_trash(project)
    assert search(as_alice, "口頭").json()["count"] == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [({}, "VAL_001"), ({"q": ""}, "VAL_001"), ({"q": " "}, "VAL_001"), ({"q": "a" * 201}, "VAL_003")],
)
def test_a_query_that_is_none(as_alice, query, code):
    refused(as_alice.get(URL, query), 422, code, "q")


@pytest.mark.parametrize("q", ["a" * 200, "㍿" * 200, "%", "\\", "'; --", "ﾞ", "\u3099"])
def test_odd_queries(as_alice, node, q):
    assert search(as_alice, q).json()["count"] == 0


def test_a_character_that_cannot_be_stored(as_alice, node):
    refused(search(as_alice, "a\x00"), 422, "VAL_002", "q")


def test_queries(as_alice, alice, project, node, django_assert_max_num_queries):
    # A page of hits with their number, and what they are; on PostgreSQL the index is asked of four tables before that.
    with django_assert_max_num_queries(2 + 6):
        search(as_alice, "口頭")


def test_the_lists_find_alike(as_alice, project, node):
    def count(url, q):
        return as_alice.get(url, {"q": q}).json()["count"]

    assert [count("/api/v1/nodes/", q) for q in ("コウ", "のカク", "の確", "交代ノ", "代", "%")] == [0, 0, 1, 1, 1, 0]
    assert [count("/api/v1/projects/", q) for q in ("引キ継ぎヲ", "改善", "善", "改_", "%")] == [1, 1, 1, 0, 0]
