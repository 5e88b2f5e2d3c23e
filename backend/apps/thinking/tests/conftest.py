import pytest
from rest_framework.test import APIClient

from apps.thinking import rounds
from apps.thinking.models import Node


@pytest.fixture
def as_alice(alice):
    """Alice's requests, without the queries of a login."""
    client = APIClient()
    client.force_authenticate(alice)
    return client


@pytest.fixture
def as_bob(bob):
    client = APIClient()
    client.force_authenticate(bob)
    return client


@pytest.fixture
def project(alice):
    return rounds.start_project(alice, "夜勤の引き継ぎを短くする", "改善")


@pytest.fixture
def round(project):
    return project.rounds.get()


@pytest.fixture
def steps(round):
    """The five steps of round 1 by their type."""
    return {step.type: step for step in round.steps.all()}


@pytest.fixture
def node(alice, steps):
    step = steps["flow"]
    return Node.objects.create(
        owner=alice, title="口頭の確認", context="交代のとき", project=step.round.project, round=step.round, step=step
    )


@pytest.fixture
def other_project(bob):
    return rounds.start_project(bob, "Learn the piano")


@pytest.fixture
def other_steps(other_project):
    return {step.type: step for step in other_project.rounds.get().steps.all()}


@pytest.fixture
def other_node(bob, other_steps):
    step = other_steps["overview"]
    return Node.objects.create(owner=bob, title="Practice", project=step.round.project, round=step.round, step=step)
