import uuid

import pytest

from apps.core.errors import RuleBroken
from apps.thinking import content, rounds
from apps.thinking.models import Project, Step

pytestmark = pytest.mark.django_db


def write(steps, type, raw):
    rounds.write_step(steps[type], content.clean(type, raw))


def test_a_project_starts_with_round_one_and_five_empty_steps(alice):
    id = uuid.uuid4()

    project = rounds.start_project(alice, "夜勤の引き継ぎ", "改善", id)

    assert (project.pk, project.owner, project.status, project.version) == (id, alice, "active", 1)
    round = project.rounds.get()
    assert (round.number, round.note) == (1, "")
    assert [step.type for step in round.steps.order_by("position")] == Step.Type.values
    assert all(step.content == content.empty(step.type) and not step.filled for step in round.steps.all())


def test_writing_a_step_stores_its_words_and_makes_its_project_the_last_worked_on(project, steps):
    before = project.updated_at

    write(steps, "flow", {"items": [{"text": "一覧を見る"}, {"text": "声をかける"}]})

    step = Step.objects.get(pk=steps["flow"].pk)
    assert (step.text, step.filled, step.version) == ("一覧を見る\n声をかける", True, 2)
    project.refresh_from_db()
    assert project.updated_at > before
    assert project.version == 1


def test_writing_touches_no_other_project(alice, project, steps):
    other = rounds.start_project(alice, "Another")

    write(steps, "overview", {"theme": "引き継ぎ"})
    rounds.write_note(steps["overview"].round, "思いついた")

    assert Project.objects.get(pk=other.pk).updated_at == other.updated_at


def test_emptying_a_step_makes_it_unfilled(steps):
    write(steps, "overview", {"theme": "引き継ぎ"})
    write(steps, "overview", {})

    step = Step.objects.get(pk=steps["overview"].pk)
    assert (step.text, step.filled, step.version) == ("", False, 3)


def test_writing_a_note(project, round):
    before = project.updated_at

    rounds.write_note(round, "紙をやめたらどうなる？")

    round.refresh_from_db()
    project.refresh_from_db()
    assert (round.note, round.version) == ("紙をやめたらどうなる？", 2)
    assert project.updated_at > before
    assert project.version == 1


def test_the_next_round_carries_the_steps_over(project, steps):
    write(steps, "overview", {"theme": "引き継ぎ", "pain": "長い"})
    write(steps, "extract", {"ui": [{"text": "一覧"}, {"text": "紙の控え", "struck": True}]})

    following = rounds.start_next_round(project, "紙は要る？")

    assert (following.number, following.note) == (2, "紙は要る？")
    copies = {step.type: step for step in following.steps.all()}
    assert copies.keys() == steps.keys()
    assert copies["overview"].content == steps["overview"].content
    assert copies["overview"].text == "引き継ぎ\n長い"
    for before, after in zip(steps["extract"].content["ui"], copies["extract"].content["ui"], strict=True):
        assert after == {**before, "id": after["id"], "origin": before["id"]}
        assert after["id"] != before["id"]


def test_what_was_only_carried_over_is_not_filled_yet(project, steps):
    write(steps, "overview", {"theme": "引き継ぎ"})

    following = rounds.start_next_round(project)

    assert not following.steps.filter(filled=True).exists()
    step = following.steps.get(type="overview")
    rounds.write_step(step, step.content)
    assert following.steps.get(type="overview").filled


def test_each_round_is_copied_from_the_one_before_it(project, steps):
    write(steps, "flow", {"items": [{"text": "一"}]})
    second = rounds.start_next_round(project).steps.get(type="flow")
    rounds.write_step(second, {"items": [{**second.content["items"][0], "text": "二"}]})

    third = rounds.start_next_round(project).steps.get(type="flow")

    assert third.text == "二"
    assert third.content["items"][0]["origin"] == second.content["items"][0]["id"]


def test_starting_a_round_changes_the_project(project):
    rounds.start_next_round(project)

    changed = Project.objects.get(pk=project.pk)
    assert changed.version == 2
    assert changed.updated_at > project.updated_at


def test_there_are_five_rounds_at_most(project):
    for _ in range(4):
        rounds.start_next_round(project)

    with pytest.raises(RuleBroken):
        rounds.start_next_round(project)

    assert [round.number for round in project.rounds.order_by("number")] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("end", [rounds.pend, rounds.complete])
def test_a_project_that_is_not_active_does_not_go_on(project, end):
    end(project)

    with pytest.raises(RuleBroken):
        rounds.start_next_round(project)

    assert project.rounds.count() == 1


@pytest.mark.parametrize(
    ("status", "change", "becomes"),
    [
        ("active", rounds.pend, "pending"),
        ("active", rounds.complete, "completed"),
        ("active", rounds.reopen, None),
        ("pending", rounds.pend, None),
        ("pending", rounds.complete, "completed"),
        ("pending", rounds.reopen, "active"),
        ("completed", rounds.pend, None),
        ("completed", rounds.complete, None),
        ("completed", rounds.reopen, "active"),
    ],
)
def test_every_way_from_one_status_to_another(project, status, change, becomes):
    project.status = status
    project.save()

    if becomes is None:
        with pytest.raises(RuleBroken):
            change(project)
    else:
        change(project)

    stored = Project.objects.get(pk=project.pk)
    assert stored.status == (becomes or status)
    assert stored.version == (3 if becomes else 2)


def test_a_failure_half_way_leaves_nothing_behind(project, monkeypatch):
    monkeypatch.setattr(Step.objects, "bulk_create", lambda steps: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        rounds.start_next_round(project)

    assert project.rounds.count() == 1
    assert Project.objects.get(pk=project.pk).version == 1
