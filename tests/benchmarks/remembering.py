"""What Redis is worth: the same requests to a backend that has one, and to one that has none, in turns."""

import json
import tempfile
import time
from pathlib import Path

from production import FRONT_ENDS, PASSWORD, docker

from .contenders import Contender, address, full_id, wait
from .measuring import Wrong, ask, headers, load, spread
from .rows import graph, projects
from .scaled import HeldStack, asked, check, keep, people

SECRET = "a-redis-of-a-bench"
PEOPLE = 20
ROUNDS, SECONDS, CONNECTIONS = 5, 3, 8
WITH, WITHOUT = "with Redis", "without"


def rows(names):
    """What is asked. The last one is what autosave makes of it: nothing is as it was when it is asked for again."""
    saved = [request for name in names for request in (asked(name)["save of a step"][0], *projects(name))]
    return {
        "list of 50 projects": projects("person-1"),
        "graph of 500 nodes": graph(2),
        "a step saved, and the list of 50 projects": saved,
    }


def contenders(stack):
    """The stack's own backend, and another one beside it that differs in that it knows of no Redis."""
    network, name = f"{stack.project}_database", f"{stack.project}-without"
    stack.compose("run", "--detach", "--no-deps", "--name", name, "-e", "REDIS_HOST=", "backend")
    found = {}
    for of, container in ((WITH, stack.container("backend")), (WITHOUT, name)):
        found[of] = Contender(of, f"http://{address(container, network)}:8000", full_id(container))
    wait(found)
    return found


def compare(found, request, tokens):
    """Twice, so that the second answer is the one that was kept."""
    answers = [ask(one, request, headers(one, request, tokens)) for one in (*found.values(), *found.values())]
    if {answer.status_code for answer in answers} != {200} or len({answer.content for answer in answers}) != 1:
        raise Wrong(f"{request.path}: {[(answer.status_code, answer.text[:200]) for answer in answers]}")


def measure(stack, found, tokens):
    database, redis = stack.database(), Contender("redis", "", full_id(stack.container("redis")))
    measured = []
    for name, requests in rows(people(tokens)).items():
        for request in requests:
            if request.method == "GET":
                compare(found, request, tokens)
        samples = {of: [] for of in found}
        # The first round warms up.
        for turn in range(ROUNDS + 1):
            for of, one in found.items():
                before = redis.cpu()
                plan = [(request, headers(one, request, tokens)) for request in requests]
                sample = load(one, database, plan, seconds=SECONDS, connections=CONNECTIONS)
                if turn:
                    samples[of].append((sample, (redis.cpu() - before) / sample.number))
        figures = {
            of: {
                "rate": spread([sample.rate for sample, _ in taken]),
                "cpu": spread([sample.cpu for sample, _ in taken]),
                "database": spread([sample.database for sample, _ in taken]),
                "redis": spread([used for _, used in taken]),
            }
            for of, taken in samples.items()
        }
        measured.append({"name": name, "contenders": figures})
        print(
            name, json.dumps({of: {key: round(value[0]) for key, value in one.items()} for of, one in figures.items()})
        )
    return {"rounds": ROUNDS, "seconds": SECONDS, "rows": measured}


def healthy(container, deadline=60):
    end = time.monotonic() + deadline
    while docker("inspect", "--format", "{{.State.Health.Status}}", container).strip() != "healthy":
        if time.monotonic() > end:
            raise Wrong("Redis does not get healthy")
        time.sleep(0.5)


def main():
    check()
    with tempfile.TemporaryDirectory() as folder:
        stack = HeldStack(Path(folder) / "thinkring", FRONT_ENDS[-1].split())
        with stack.running(COMMIT="measured", REDIS_HOST="redis", REDIS_PASSWORD=SECRET, COMPOSE_PROFILES="redis"):
            healthy(stack.container("redis"))
            stack.fill(PASSWORD, people=PEOPLE, most=10)
            figures = measure(stack, contenders(stack), stack.tokens())
    keep("redis", figures)
