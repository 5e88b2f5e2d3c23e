from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.thinking import content, rounds
from apps.thinking.models import Step


def write(step, theme, by=None):
    rounds.write_step(step, content.clean("overview", {"theme": theme}), by=by)


def kept(step) -> list[tuple]:
    """Version, text and who wrote it, oldest first."""
    return [
        (revision.version, revision.content["theme"], revision.written_by)
        for revision in step.revisions.order_by("version")
    ]


@pytest.fixture
def clock():
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False) as clock:
        yield clock


@pytest.fixture
def step(steps):
    return steps["overview"]


def test_it_works(step, alice, clock):
    write(step, "一", by=alice)

    assert kept(step) == [(1, "", None), (2, "一", alice)]
    before, written = step.revisions.order_by("version")
    assert before.begun_at == before.written_at < written.begun_at == written.written_at == timezone.now()


def test_one_sitting_is_one_revision(step, alice, clock):
    begun = timezone.now()
    for theme in ("一", "二", "三"):
        write(step, theme, by=alice)
        clock.shift(timedelta(minutes=4))

    assert kept(step) == [(1, "", None), (4, "三", alice)]
    last = step.revisions.first()
    assert (last.begun_at, last.written_at) == (begun, begun + timedelta(minutes=8))


def test_the_next_sitting_is_another(step, alice, clock):
    write(step, "一", by=alice)
    clock.shift(timedelta(minutes=9))
    write(step, "二", by=alice)
    clock.shift(timedelta(minutes=1))
    write(step, "三", by=alice)

    assert kept(step) == [(1, "", None), (3, "二", alice), (4, "三", alice)]


def test_somebody_else_writes(step, alice, bob, clock):
    write(step, "一", by=alice)
    write(step, "二", by=bob)
    write(step, "三", by=alice)

    assert kept(step) == [(1, "", None), (2, "一", alice), (3, "二", bob), (4, "三", alice)]


def test_nobody_knows_who_writes(step, clock):
    write(step, "一")
    write(step, "二")

    assert kept(step) == [(1, "", None), (2, "一", None), (3, "二", None)]


def test_the_same_again(step, alice, bob, clock):
    write(step, "一", by=alice)
    write(step, "一", by=bob)
    write(step, "二", by=bob)

    assert kept(step) == [(1, "", None), (3, "一", alice), (4, "二", bob)]


def test_what_was_carried_over_is_kept(step, alice, clock):
    write(step, "一", by=alice)
    second = rounds.start_next_round(step.round.project).steps.get(type="overview")
    write(second, "二", by=alice)

    assert kept(second) == [(1, "一", None), (2, "二", alice)]


def test_what_was_written_without_a_history_is_kept(step, alice, clock):
    write(step, "一", by=alice)
    # As the release before this one writes, while both are running.
    step.content = content.clean("overview", {"theme": "二"})
    step.save()
    write(step, "三", by=alice)

    assert kept(step) == [(1, "", None), (2, "一", alice), (3, "二", None), (4, "三", alice)]


def test_restore(step, alice, clock):
    write(step, "一", by=alice)
    clock.shift(timedelta(hours=1))
    write(step, "二", by=alice)

    rounds.restore_step(step, step.revisions.get(version=2), alice)

    assert kept(step) == [(1, "", None), (2, "一", alice), (3, "二", alice), (4, "一", alice)]
    stored = Step.objects.get(pk=step.pk)
    assert (stored.text, stored.filled, stored.version) == ("一", True, 4)


def test_who_wrote_may_leave(step, bob, clock):
    write(step, "一", by=bob)
    bob.delete()

    assert kept(step) == [(1, "", None), (2, "一", None)]
