"""What a request may cost, as far as it can be counted; docs/performance.md has what it takes in time.

A figure here is a promise: whoever needs more than it says why in the commit that raises it.
"""

import gc
import sys
import tracemalloc
import uuid
from typing import NamedTuple

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import throttling
from apps.thinking import content, nodes, rounds
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


# What the dearest of Python 3.10 to 3.13 spends, and about a tenth. With the token's session and user, which is one
# query. A write has begin and commit among its queries here too; of all other calls they are in test_queries.py.
BUDGETS = {
    "sqlite": {
        "account": Budget(1, 1.7, 53, 140),
        "projects": Budget(2, 3, 180, 23_000),
        "unchanged": Budget(2, 3.05, 180, 0),
        "project": Budget(2, 1.75, 61, 460),
        "rounds": Budget(2, 1.8, 57, 300),
        "steps": Budget(2, 1.9, 67, 1_900),
        "step": Budget(2, 1.8, 61, 380),
        "node": Budget(2, 1.8, 69, 520),
        "nodes": Budget(2, 2.55, 150, 15_000),
        "graph": Budget(6, 8.3, 390, 49_000),
        "diff": Budget(9, 11.5, 180, 7_500),
        "search": Budget(3, 18, 270, 12_000),
        "export": Budget(28, 91.5, 1_800, 210_000),
        "vault": Budget(20, 100.5, 2_300, 25_000),
        "save": Budget(10, 3.55, 81, 430),
        "create": Budget(16, 17, 260, 510),
    },
    "postgresql": {
        "account": Budget(1, 1.65, 50, 140),
        "projects": Budget(2, 2.25, 180, 24_000),
        "unchanged": Budget(2, 2.3, 180, 0),
        "project": Budget(2, 1.8, 57, 470),
        "rounds": Budget(2, 1.85, 54, 300),
        "steps": Budget(2, 1.9, 64, 1_900),
        "step": Budget(2, 1.8, 58, 380),
        "node": Budget(2, 1.85, 63, 520),
        "nodes": Budget(2, 2.1, 150, 15_000),
        "graph": Budget(6, 8.2, 360, 49_000),
        "diff": Budget(9, 12, 170, 7_500),
        "search": Budget(8, 20.5, 270, 12_000),
        "export": Budget(28, 80, 1_900, 210_000),
        "vault": Budget(20, 87.5, 2_300, 25_000),
        "save": Budget(10, 3.95, 81, 410),
        "create": Budget(14, 15, 250, 510),
    },
}


@pytest.fixture
def ask(alice):
    """The calls of a person with fifty projects, one of which has thirty nodes, and another one two rounds."""
    client = signed_in(alice)
    places = [rounds.start_project(alice, f"夜勤の引き継ぎ {number}", "改善") for number in range(50)]
    round = places[-1].rounds.get()
    step = round.steps.get(type="overview")
    for number in range(30):
        nodes.create_node(
            alice, title=f"測定誤差 {number}", context="検査の負担", project=places[-1], round=round, step=step
        )
    node = Node.objects.first()
    before = places[0].rounds.get()
    write(before.steps.get(type="mvp"), [f"検査の記録 {number}" for number in range(20)])
    after = rounds.start_next_round(places[0])
    write(after.steps.get(type="mvp"), [f"検査の記録 {number}" for number in range(30, 10, -1)])
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
        "graph": get(f"projects/{places[-1].pk}/graph/"),
        "diff": get(f"rounds/{before.pk}/diff/?with={after.pk}"),
        "search": get("search/?q=誤差"),
        "export": get("account/export/?as=json"),
        "vault": get(f"projects/{places[-1].pk}/export/?as=obsidian"),
        "save": save,
        "create": create,
    }


def write(step, texts) -> None:
    rounds.write_step(step, content.clean("mvp", {"must": [{"text": text} for text in texts]}))


@pytest.mark.parametrize("name", BUDGETS["sqlite"])
def test_it_keeps_within(ask, name, monkeypatch):
    budget = BUDGETS[connection.vendor][name]

    def answer(number) -> int:
        response = ask[name](number)
        assert response.status_code in (200, 201, 304)
        return sum(map(len, response))

    # What is made once, and calls of the limit that are in hand.
    for number in range(3):
        answer(number)
    in_hand = {key: (100, until) for key, (_, until) in throttling.in_hand.items()}
    monkeypatch.setattr(throttling, "in_hand", in_hand)

    with CaptureQueriesContext(connection) as captured:
        length = answer(3)
    queries = len(captured)
    # The least of some, since now and then Python does something else meanwhile.
    calls = min(count_calls(answer, number) for number in range(4, 7))
    memory = min(peak(answer, number) for number in range(7, 10))

    spent = Budget(queries, calls / 1000, memory // 1000, length)
    assert all(one <= most for one, most in zip(spent, budget, strict=True)), f"{name}: {spent}, not within {budget}"


def count_calls(ask, number) -> int:
    calls = 0

    def note(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(note)
    try:
        ask(number)
    finally:
        sys.setprofile(None)
    return calls


def peak(ask, number) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        ask(number)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
