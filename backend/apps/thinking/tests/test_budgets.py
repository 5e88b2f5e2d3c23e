"""What a request may cost, as far as it can be counted; docs/performance.md has what it takes in time.

A figure here is a promise: whoever needs more than it says why in the commit that raises it.
"""

import sys
import tracemalloc
import uuid
from typing import NamedTuple

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import throttling
from apps.thinking import nodes, rounds
from apps.thinking.models import Node
from conftest import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.limits]


class Budget(NamedTuple):
    queries: int
    # Calls of Python functions, in thousands.
    calls: float
    # Of memory at most at one time.
    kilobytes: int
    # Of the answer, before it is compressed.
    bytes: int


# With the token's session and user, which is one query. A write has begin and commit among its queries here too.
BUDGETS = {
    "account": Budget(1, 1.9, 60, 160),
    "projects": Budget(2, 3.0, 200, 23_000),
    "unchanged": Budget(2, 3.1, 200, 0),
    "project": Budget(2, 1.7, 60, 500),
    "rounds": Budget(2, 1.7, 60, 320),
    "steps": Budget(2, 1.8, 70, 1_900),
    "step": Budget(2, 1.7, 60, 400),
    "node": Budget(2, 1.8, 60, 550),
    "nodes": Budget(2, 2.6, 180, 16_000),
    "save": Budget(10, 4.0, 90, 460),
    "create": Budget(18, 16.0, 250, 550),
}


@pytest.fixture
def ask(alice):
    """The calls of a person with fifty projects, one of which has thirty nodes."""
    client = signed_in(alice)
    places = [rounds.start_project(alice, f"夜勤の引き継ぎ {number}", "改善") for number in range(50)]
    round = places[-1].rounds.get()
    step = round.steps.get(type="overview")
    for number in range(30):
        nodes.create_node(
            alice, title=f"測定誤差 {number}", context="検査の負担", project=places[-1], round=round, step=step
        )
    node = Node.objects.first()
    tags = {}

    def save(number):
        return client.patch(f"/api/v1/steps/{step.pk}/", {"content": {"theme": f"誤差の少ない検査 {number}"}})

    def create(number):
        new = {"id": str(uuid.uuid4()), "title": f"作業の負担 {number}", "context": "検査", "step": str(step.pk)}
        return client.post("/api/v1/nodes/", new)

    def unchanged(number):
        response = client.get("/api/v1/projects/", HTTP_IF_NONE_MATCH=tags.get("projects", ""))
        tags["projects"] = response["ETag"]
        return response

    def get(path):
        return lambda number: client.get(f"/api/v1/{path}")

    return {
        "account": get("auth/me/"),
        "projects": get("projects/"),
        "unchanged": unchanged,
        "project": get(f"projects/{places[-1].pk}/"),
        "rounds": get(f"projects/{places[-1].pk}/rounds/"),
        "steps": get(f"rounds/{round.pk}/steps/"),
        "step": get(f"steps/{step.pk}/"),
        "node": get(f"nodes/{node.pk}/"),
        "nodes": get(f"nodes/?project={places[-1].pk}"),
        "save": save,
        "create": create,
    }


@pytest.mark.parametrize("name", BUDGETS)
def test_it_keeps_within(ask, name, monkeypatch):
    budget = BUDGETS[name]
    # What is made once, and calls of the limit that are in hand.
    for number in range(3):
        ask[name](number)
    in_hand = {key: (100, until) for key, (_, until) in throttling.in_hand.items()}
    monkeypatch.setattr(throttling, "in_hand", in_hand)

    with CaptureQueriesContext(connection) as captured:
        response = ask[name](3)
    queries = len(captured)
    calls = count_calls(lambda: ask[name](4))
    memory = peak(lambda: ask[name](5))

    spent = Budget(queries, calls / 1000, memory // 1000, len(response.content))
    assert response.status_code in (200, 201, 304)
    assert all(one <= most for one, most in zip(spent, budget, strict=True)), f"{name}: {spent}, not within {budget}"


def count_calls(ask) -> int:
    calls = 0

    def note(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(note)
    try:
        ask()
    finally:
        sys.setprofile(None)
    return calls


def peak(ask) -> int:
    tracemalloc.start()
    try:
        ask()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
