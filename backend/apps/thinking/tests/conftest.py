import re
from contextlib import contextmanager

import pytest
from django.db import connection
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
def media(settings, tmp_path):
    """The directory of the nodes' images."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "nodes"


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


@pytest.fixture
def bigram_plans(postgresql):
    """The plans of a block's queries that ask for pairs of characters, as PostgreSQL makes them at that moment.

    None may make the pairs of a text to see whether a row is one of those sought.
    """

    @contextmanager
    def watch():
        plans = []

        def explain(execute, sql, params, many, context):
            if "thinking_bigrams" in sql:
                execute(f"EXPLAIN {sql}", params, many, context)
                plans.append("\n".join(line for (line,) in context["cursor"]))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(explain):
            yield plans
        assert not re.search("Filter: .*thinking_bigrams", "\n".join(plans))

    return watch
