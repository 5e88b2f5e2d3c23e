"""What is measured of the whole: a journey, memory, starts and rebuilds."""

import json
import re
import statistics
import subprocess
import sys
import threading
import time

from operations.report import ROOT
from production import PASSWORD

from .contenders import full_id, memory
from .measuring import headers, load
from .rows import READS, WRITES, id

MB = 1e6
# Until what a start left behind is gone.
SETTLED = 20
PAGE_TESTS = ("browser/test_weight.py", "browser/test_offline.py::test_it_opens_at_once")
# Of the figures that they note: the beginning of one, what it is called here, where its value is, the goal.
PAGE = (
    ("first page,", "first page, compressed in all", r"[\d.]+ kB", "≤ 100 kB", lambda value: value <= 100),
    ("first page,", "requests before it can be used", r"\d+(?= of them)", "≤ 5", lambda value: value <= 5),
    ("Lighthouse", "Lighthouse, phone: performance", r"\d+", "≥ 95", lambda value: value >= 95),
    ("Lighthouse", "largest paint, slow 4G", r"[\d.]+ s", "≤ 1.2 s", lambda value: value <= 1.2),
    ("a page without", "a page without a network is there", r"\d+ ms", "≤ 300 ms", lambda value: value <= 300),
)


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
    """All that is measured at once over 32 connections, as nginx takes it in; the most memory that was seen.

    Some of it is refused, as it has to be of so much.
    """
    contender = bench.found["thinkRing by nginx"]
    rows = [row for row in (*READS, *WRITES) if row.of != ("nginx",)]
    asked = [(request, headers(contender, request, bench.tokens)) for row in rows for request in row.requests]
    names = containers(bench.stack)
    seen = [used(names)]
    done = threading.Event()

    def look():
        while not done.wait(0.2):
            seen.append(used(names))

    looker = threading.Thread(target=look)
    looker.start()
    try:
        seconds = max(20, bench.seconds * bench.rounds)
        load(contender, bench.database, asked, seconds=seconds, connections=32, refusals=True)
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
    """The page, log-in, the list, a project with its rounds and steps, five steps saved: by nginx and TLS, one after
    another, without the page's code."""
    taken = []
    for turn in range(rounds * 5):
        with stack.session() as session:
            begun = time.perf_counter()

            def ask(method, path, session=session, **arguments):
                response = session.request(method, f"{stack.api}/{path}", timeout=30, **arguments)
                response.raise_for_status()
                return response.json()

            session.get(stack.page, timeout=30).raise_for_status()
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
    return figure("journey: page, log-in, list, project, five steps saved", None, value, None)


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


def page():
    """What the tests of the page have measured in Chromium just now."""
    tests = [f"tests/{name}" for name in PAGE_TESTS]
    # They fail far beyond the goals only; what they have measured is judged here.
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-c", "tests/pytest.ini", *tests], cwd=ROOT, check=True)
    measured = json.loads((ROOT / "reports" / "measured.json").read_text())
    taken = [taken for test, one in measured.items() if test.startswith(PAGE_TESTS) for taken in one["figures"]]
    for of, name, pattern, goal, is_met in PAGE:
        for one in taken:
            if one["what"].startswith(of):
                value = re.search(pattern, one["value"])[0]
                where = f" of {one['case']}" if one["case"].startswith("/") else ""
                yield figure(name + where, goal, value, is_met(float(value.split()[0])))
