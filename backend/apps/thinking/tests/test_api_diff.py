import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.thinking import content, rounds, trash
from apps.thinking.models import Node, NodeRename, Round
from conftest import refused


@pytest.fixture
def second(project, round, steps):
    """Round 2, in which something was changed of what was written in round 1, a day after it."""
    items = [{"text": "一"}, {"text": "二"}]
    rounds.write_step(steps["flow"], content.clean("flow", {"items": items}))
    rounds.write_step(steps["overview"], content.clean("overview", {"theme": "夜勤の引き継ぎ"}))
    second = rounds.start_next_round(project)
    Round.objects.filter(pk=round.pk).update(created_at=timezone.now() - timedelta(days=1))
    one, two = second.steps.get(type="flow").content["items"]
    changed = content.clean("flow", {"items": [{**two, "struck": True}, one]})
    rounds.write_step(second.steps.get(type="flow"), changed)
    rounds.write_step(second.steps.get(type="overview"), content.clean("overview", {"theme": "夜勤の交代"}))
    return second


def compare(client, first, last):
    return client.get(f"/api/v1/rounds/{first.pk}/diff/", {"with": last.pk})


def test_it_works(as_alice, round, second):
    response = compare(as_alice, second, round)

    assert response.status_code == 200
    body = response.json()
    assert body["from"] == {"id": str(round.pk), "number": 1}
    assert body["to"] == {"id": str(second.pk), "number": 2}
    steps = {step["type"]: step for step in body["steps"]}
    assert list(steps) == list(content.SHAPES)
    assert steps["overview"]["fields"][0] == {
        "field": "theme",
        "before": "夜勤の引き継ぎ",
        "after": "夜勤の交代",
        "runs": [
            {"op": "equal", "text": "夜勤の"},
            {"op": "delete", "text": "引き継ぎ"},
            {"op": "insert", "text": "交代"},
        ],
        "lines": [],
    }
    assert [field["field"] for field in steps["extract"]["fields"]] == list(content.SHAPES["extract"].lists)
    assert steps["flow"]["fields"][0]["after"] == "二\n一"
    [move] = steps["flow"]["moves"]
    assert (move["from"]["field"], move["to"]["field"]) == ("items", "items")
    assert {move["from"]["position"], move["to"]["position"]} == {1, 2}
    assert move["runs"] == [{"op": "equal", "text": move["text"]}]
    assert sorted(line["kind"] for line in steps["flow"]["fields"][0]["lines"]) == ["kept", "left", "moved"]
    assert steps["flow"]["struck"] == [{"text": "二", "field": "items", "struck": True}]
    assert body["nodes"] == {"born": [], "renamed": [], "gone": []}


def test_it_is_the_same_whichever_is_asked_first(as_alice, round, second):
    assert compare(as_alice, round, second).json() == compare(as_alice, second, round).json()


def test_nodes_born_renamed_and_gone(as_alice, alice, project, round, second):
    def node(title, round, **values):
        return Node.objects.create(owner=alice, title=title, project=project, round=round, **values)

    node("前からある", round)
    born = node("生まれた", second)
    gone = node("消えた", round)
    trash.move_to_trash(gone)
    node("前に消えた", round, deleted_at=timezone.now() - timedelta(hours=1))
    renamed = node("第三の名", round)
    NodeRename.objects.create(
        node=renamed, old_title="以前", new_title="元の名", renamed_at=timezone.now() - timedelta(hours=1)
    )
    NodeRename.objects.create(node=renamed, old_title="元の名", new_title="第二の名")
    NodeRename.objects.create(node=renamed, old_title="第二の名", new_title="第三の名")
    back = node("戻った", round)
    NodeRename.objects.create(node=back, old_title="戻った", new_title="変えた")
    NodeRename.objects.create(node=back, old_title="変えた", new_title="戻った")

    assert compare(as_alice, round, second).json()["nodes"] == {
        "born": [{"id": str(born.pk), "title": "生まれた"}],
        "renamed": [{"id": str(renamed.pk), "title": "第三の名", "old_title": "元の名"}],
        "gone": [{"id": str(gone.pk), "title": "消えた"}],
    }


def test_a_node_without_a_round_is_born_when_it_was_made(as_alice, alice, project, round, second):
    old = Node.objects.create(owner=alice, title="前から", project=project)
    Node.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(hours=1))
    old.refresh_from_db()
    born = Node.objects.create(owner=alice, title="生まれた", project=project)
    passing = Node.objects.create(owner=alice, title="すぐ消えた", project=project)
    trash.move_to_trash(passing)

    assert compare(as_alice, round, second).json()["nodes"] == {
        "born": [{"id": str(born.pk), "title": "生まれた"}],
        "renamed": [],
        "gone": [],
    }
    trash.move_to_trash(old)
    assert compare(as_alice, round, second).json()["nodes"]["gone"] == [{"id": str(old.pk), "title": "前から"}]


def test_what_came_after_the_later_round_is_not_told(as_alice, alice, project, round, second):
    Round.objects.filter(pk=second.pk).update(created_at=timezone.now() - timedelta(hours=2))
    third = rounds.start_next_round(project)
    Node.objects.create(owner=alice, title="後の", project=project, round=third)
    gone = Node.objects.create(owner=alice, title="消えた", project=project, round=second)
    trash.move_to_trash(gone)

    nodes = compare(as_alice, round, second).json()["nodes"]

    assert nodes == {"born": [{"id": str(gone.pk), "title": "消えた"}], "renamed": [], "gone": []}


def test_three_rounds(as_alice, project, round, second):
    third = rounds.start_next_round(project)

    body = compare(as_alice, round, third).json()

    [flow] = [step for step in body["steps"] if step["type"] == "flow"]
    assert len(flow["moves"]) == 1
    assert body["to"]["number"] == 3


def test_the_other_round_is_missing(as_alice, round):
    refused(as_alice.get(f"/api/v1/rounds/{round.pk}/diff/"), 422, "VAL_001", "with")


def test_the_other_round_is_no_id(as_alice, round):
    refused(as_alice.get(f"/api/v1/rounds/{round.pk}/diff/?with=7"), 422, "VAL_002", "with")


def test_the_same_round_twice(as_alice, round):
    refused(compare(as_alice, round, round), 422, "VAL_005", "with")


def test_a_round_of_another_project(as_alice, alice, round):
    refused(compare(as_alice, round, rounds.start_project(alice, "別").rounds.get()), 422, "VAL_005", "with")


def test_a_round_of_somebody_else(as_alice, round, other_project):
    refused(compare(as_alice, round, other_project.rounds.get()), 404, "RES_002")
    refused(compare(as_alice, round, Round(pk=uuid.uuid4())), 404, "RES_002")


def test_a_project_in_the_trash(as_alice, project, round, second):
    trash.move_to_trash(project)

    refused(compare(as_alice, round, second), 404, "RES_002")


def test_queries(as_alice, round, second, django_assert_num_queries):
    # Both rounds, the steps, the two ends of the time, nodes born, renamed and gone.
    with django_assert_num_queries(8):
        compare(as_alice, round, second)
