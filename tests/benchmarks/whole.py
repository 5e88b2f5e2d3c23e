"""What is measured of the whole: a journey, memory, starts and rebuilds."""

import statistics
import threading
import time

from production import PASSWORD

from .contenders import full_id, memory
from .measuring import headers, load
from .rows import READS, id

MB = 1e6
# Until what a start left behind is gone.
SETTLED = 20


def figure(name, goal, value, met):
    return {"name": name, "goal": goal, "figure": value, "met": met}


def containers(stack):
    return [full_id(name) for name in stack.compose("ps", "--quiet").stdout.split()]


def used(names):
    return sum(memory(name) for name in names) / MB


def idle(stack):
    """Of a stack that has just been started, with the data in its database."""
    stack.compose("restart", "backend", "frontend", "nginx", "db")
    stack.wait()
    time.sleep(SETTLED)
    value = used(containers(stack))
    return figure("memory of the whole stack, idle", "≤ 512 MB", f"{value:.0f} MB", value <= 512)


def busy(bench):
    """All reads at once over 32 connections, as nginx takes them in; the most memory that was seen."""
    contender = bench.found["thinkRing by nginx"]
    asked = [
        (request, headers(contender, request, bench.tokens))
        for row in READS
        if row.of != ("nginx",)
        for request in row.requests
    ]
    names = containers(bench.stack)
    seen = [used(names)]
    done = threading.Event()

    def look():
        while not done.wait(0.2):
            seen.append(used(names))

    looker = threading.Thread(target=look)
    looker.start()
    try:
        load(contender, bench.database, asked, seconds=max(20, bench.seconds * bench.rounds), connections=32)
    finally:
        done.set()
        looker.join()
    value = max(seen)
    return figure("memory of the whole stack, at full load", "≤ 900 MB", f"{value:.0f} MB", value <= 900)


def edited(content, turn):
    """With another first text."""
    name = next(name for name, value in content.items() if value)
    value = content[name]
    if isinstance(value, str):
        return {**content, name: f"検査データの入力を一度で済ませる {turn}"}
    return {**content, name: [{**value[0], "text": f"作業者の負担を減らす {turn}"}, *value[1:]]}


def journey(stack, rounds):
    """Log in, the list, a project with its rounds and steps, five steps saved: by nginx and TLS, one after another."""
    taken = []
    for turn in range(rounds * 5):
        with stack.session() as session:
            begun = time.perf_counter()

            def ask(method, path, session=session, **arguments):
                response = session.request(method, f"{stack.api}/{path}", timeout=30, **arguments)
                response.raise_for_status()
                return response.json()

            login = ask("POST", "auth/login/", json={"username": "small", "password": PASSWORD})
            session.headers["Authorization"] = f"Bearer {login['access']}"
            ask("GET", "projects/")
            project = id("small project 31")
            ask("GET", f"projects/{project}/")
            [round] = ask("GET", f"projects/{project}/rounds/")["results"]
            for step in ask("GET", f"rounds/{round['id']}/steps/")["results"]:
                seen = {"If-Match": str(step["version"])}
                ask("PATCH", f"steps/{step['id']}/", json={"content": edited(step["content"], turn)}, headers=seen)
            taken.append((time.perf_counter() - begun) * 1000)
    high = statistics.quantiles(taken, n=20, method="inclusive")[-1]
    value = f"p50 {statistics.median(taken):.0f} ms, p95 {high:.0f} ms of {len(taken)}"
    return figure("journey: log in, list, project, five steps saved", None, value, None)


def start(stack):
    stack.compose("down")
    begun = time.monotonic()
    stack.compose("up", "-d")
    stack.wait()
    value = time.monotonic() - begun
    return figure("`up -d` to healthy, database migrated", "≤ 15 s", f"{value:.1f} s", value <= 15)


def rebuilds(stack):
    """After a line that no build has seen."""
    changes = {
        "backend": ("backend/apps/core/views.py", "\n# {}\n"),
        "frontend": ("frontend/src/routes/+layout.svelte", "\n<!-- {} -->\n"),
    }
    for service, (file, line) in changes.items():
        with (stack.folder / file).open("a") as source:
            source.write(line.format(time.time_ns()))
        begun = time.monotonic()
        stack.compose("build", service)
        value = time.monotonic() - begun
        yield figure(f"rebuild of {service} after a changed line", "≤ 60 s", f"{value:.1f} s", value <= 60)
