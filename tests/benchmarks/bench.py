"""
Measures thinkRing beside its yardsticks and writes reports/bench.json; `make bench` runs it.

    python -m benchmarks.bench [--only ROW] [--rounds 7] [--seconds 3]

Before a row is timed its contenders' answers are compared: who answers something else is not measured. Each is warmed
up; then they take turns, A B C A B C. What stands in the table is the median of the rounds. An answer that does not
come, or is neither 2xx nor the 304 that was asked for, ends the run.
"""

import argparse
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from operations.report import ROOT, machine, versions
from production import FRONT_ENDS, PASSWORD

from . import whole
from .contenders import YARDSTICKS, BenchStack
from .measuring import Wrong, ask, headers, length, load, percentile, spread
from .processes import ProcessStack, postgres_options
from .report import REPORT
from .rows import READS, SIZES, WRITES, Row, asset

WITH_POSTGRES = str(ROOT / "tests" / "with-postgres.sh")
PINNED = YARDSTICKS / "requirements.txt"
WARM_UP = 3
# At half of what could be served: milliseconds from a request to the next, of which wrk pauses whole ones; how near to
# half is near enough, and how often a pause is tried.
SHORTEST_TURN = 16
NEAR = 0.03
TRIES = 5
# Hashed, that is, named by what is in them.
FILES = ("largest hashed script", "smallest hashed script", "Django's hashed style")
# So many answers at least, for a percentile to be more than one of them.
ANSWERS = {95: 200, 99: 1000}


class Bench:
    def __init__(self, stack, found, rounds, seconds):
        self.stack, self.found, self.rounds, self.seconds = stack, found, rounds, seconds
        self.database = stack.database()
        self.tokens = {}
        for name in ("small", "few", "large", "many"):
            login = {"username": name, "password": PASSWORD}
            response = stack.request("POST", f"{stack.api}/auth/login/", json=login)
            self.tokens[name] = response.json()["access"]

    def asked(self, contender, row, etag=None):
        return [(request, headers(contender, request, self.tokens, etag)) for request in row.requests]

    def compare(self, row):
        """Refuses to time what is not the same, or not what it has to be. Gives the ETag to revalidate by, if there is
        one, and how many bytes each answer of each contender has."""
        etag, sizes = None, {name: [] for name in row.of}
        for request in row.requests:
            answers = {}
            for name in row.of:
                contender = self.found[name]
                answer = ask(contender, request, headers(contender, request, self.tokens))
                if not 200 <= answer.status_code < 300:
                    raise Wrong(f"{name} answers {request.path} with {answer.status_code}: {answer.text[:300]}")
                sizes[name].append(length(answer))
                content = answer.content
                if answer.headers["Content-Type"].startswith("application/json"):
                    content = json.loads(content)
                if name == row.of[0]:
                    etag = answer.headers.get("ETag")
                    if not row.holds(content if isinstance(content, dict) else answer.text):
                        raise Wrong(f"{row.name}: {request.path} has not what it has to have: {answer.text[:300]}")
                if isinstance(content, dict):
                    content = {key: "…" if key in row.differs else value for key, value in content.items()}
                    content = json.dumps(content, sort_keys=True, ensure_ascii=False)
                answers[name] = answer.status_code, content
            for name, answer in answers.items():
                if answer != answers[row.of[0]]:
                    first = answers[row.of[0]]
                    raise Wrong(
                        f"{row.of[0]} and {name} differ in {request.path}:\n{first[1][:900]}\n{answer[1][:900]}"
                    )
            self.clean(row)
        return etag if row.revalidated else None, sizes

    def clean(self, row):
        for statement in row.cleanup:
            self.stack.sql(statement)

    def measure(self, row):
        etag, sizes = self.compare(row)
        asked = {name: self.asked(self.found[name], row, etag if name == row.of[0] else None) for name in row.of}
        result = {"name": row.name, "of": row.of[0], "contenders": {}}
        if row.revalidated and etag is None:
            result["note"] = "thinkRing's answer has no ETag, so that it is sent anew"
        elif row.revalidated:
            answer = ask(self.found[row.of[0]], *asked[row.of[0]][0])
            if answer.status_code != 304:
                raise Wrong(f"{row.name}: {answer.status_code} and not 304")
            sizes[row.of[0]] = [length(answer)]
        seconds = self.warm_up(row, asked, sizes)
        samples = {name: [] for name in row.of}
        for _ in range(self.rounds):
            for name, sample in self.load(row, asked, sizes, seconds).items():
                samples[name].append(sample)
        parts = len(row.requests) if row.together else 1
        for name, taken in samples.items():
            result["contenders"][name] = {
                "rate": spread([sample.rate / parts for sample in taken]),
                "cpu": spread([sample.cpu * parts for sample in taken]),
                "database": spread([sample.database * parts for sample in taken]),
            }
        if percents := [goal.percentile for goal in row.goals if hasattr(goal, "percentile")]:
            ours, capacity = row.of[0], result["contenders"][row.of[0]]["rate"][0] * parts
            result["half"] = self.half(row, asked[ours], sizes[ours], capacity, ANSWERS[max(percents)])
        # Nobody has begun to answer something else meanwhile.
        self.compare(row)
        result["goals"] = []
        for goal in row.goals:
            figure, met = goal.judge(result)
            result["goals"].append({"goal": str(goal), "figure": figure, "met": met})
        return result

    def warm_up(self, row, asked, sizes):
        """How long a round has to be, so that each connection gets a few answers of the slowest."""
        seconds = WARM_UP
        while True:
            samples = self.load(row, asked, sizes, seconds).values()
            if all(sample.number >= row.connections for sample in samples):
                return max(self.seconds, math.ceil(3 * row.connections / min(sample.rate for sample in samples)))
            seconds *= 2

    def load(self, row, asked, sizes, seconds, **more):
        """One round: each contender once."""
        more = {"seconds": seconds, "connections": row.connections} | more
        samples = {}
        for name, requests in asked.items():
            samples[name] = load(self.found[name], self.database, requests, bytes=sizes[name], **more)
            self.clean(row)
        return samples

    def half(self, row, asked, bytes, capacity, answers):
        """How long thinkRing takes when it gets half of the requests that it could answer.

        wrk knows no rate. Its connections pause between two requests, each time for another while, so that together
        they come to about half; how long, is tried before. What they came to stands in the report.
        """
        ours = row.of[0]
        seconds = max(self.seconds, math.ceil(2 * answers / capacity / self.rounds))

        def one(connections, pause):
            more = {"connections": connections, "think": pause}
            return self.load(row, {ours: asked}, {ours: bytes}, seconds, **more)[ours]

        connections = row.connections
        # Milliseconds from one request of a connection to its next.
        while (turn := 2000 * connections / capacity) < SHORTEST_TURN:
            connections *= 2
        pause = turn / 2
        for _ in range(TRIES):
            rate = one(connections, pause).rate
            if abs(rate / capacity - 0.5) < NEAR:
                break
            # All that is no pause is what an answer took.
            pause = max(turn - (1000 * connections / rate - pause), 1)
        samples = [one(connections, pause) for _ in range(self.rounds)]
        latencies = [latency for sample in samples for latency in sample.latencies]
        return {
            "share": spread([sample.rate / capacity for sample in samples])[0],
            "answers": sum(count for _, count in latencies),
            **{f"p{percent}": percentile(latencies, percent) for percent in (50, 95, 99)},
        }

    def sizes(self):
        """The same requests where there is ten, and a thousand times as much."""
        measured = []
        for name, requests in SIZES.items():
            points = {}
            rows = {size: Row(f"{name}, {size}", one, together=True) for size, one in requests.items()}
            sizes = {size: self.compare(row)[1] for size, row in rows.items()}
            asked = {size: {"thinkRing": self.asked(self.found["thinkRing"], row)} for size, row in rows.items()}
            seconds = max(self.warm_up(row, asked[size], sizes[size]) for size, row in rows.items())
            samples = {size: [] for size in rows}
            for _ in range(self.rounds):
                for size, row in rows.items():
                    samples[size].append(self.load(row, asked[size], sizes[size], seconds)["thinkRing"])
            for size, taken in samples.items():
                parts = len(rows[size].requests)
                points[size] = spread([1000 * parts / sample.rate for sample in taken])
            measured.append({"name": name, "points": points, **judge_sizes(name, points)})
        return measured


def judge_sizes(name, points):
    """A page of a list and of a project takes no longer where there are 100,000; a graph not more than it has nodes."""
    sizes = sorted(points)
    # Of ten projects a list has only ten.
    first, last = sizes[1 if "projects" in name else 0], sizes[-1]
    growth = points[last][0] / points[first][0]
    most = last / first if name == "graph" else 1.5
    goal = f"{last:,} ≤ {most:g} × {first:,}"
    return {"goal": goal, "figure": f"{growth:.2f} ×", "met": growth <= most}


def files(page):
    """What nginx serves by itself: the largest of the page's hashed files, the smallest, and one of Django's."""
    command = (
        "cd /var/www/static && ls -S _app/immutable/*/*.js | sed -n '1p;$p' && "
        "echo static/admin/css/$(cd admin/css && ls base.*.css)"
    )
    listed = page.compose("exec", "-T", "nginx", "sh", "-c", command).stdout.split()
    return [asset(name, f"/{file}") for name, file in zip(FILES, listed, strict=True)]


def all_versions(stack):
    """Of what answers, and of what asks."""
    names = ("django", "djangorestframework", "gunicorn", "orjson", "psycopg")
    script = "import platform; from importlib.metadata import version; print('Python ' + platform.python_version()"
    script += "".join(f", '{name}==' + version('{name}')" for name in names) + ", sep=', ')"
    wrk = f"wrk {subprocess.run(['wrk', '--version'], capture_output=True, text=True).stdout.split()[1]}"
    if not stack.in_containers:
        own = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
        return f"{own.strip()}, {wrk}"
    own = stack.compose("exec", "-T", "backend", "python", "-c", script).stdout
    nginx = stack.compose("exec", "-T", "nginx", "nginx", "-v").stderr.rpartition("/")[2]
    return f"{versions()}, nginx {nginx.strip()}, {own.strip()}, {wrk}"


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def tell(row):
    if "note" in row:
        print(f"  {row['note']}")
    for name, figures in row["contenders"].items():
        rate, cpu = figures["rate"], figures["cpu"]
        print(
            f"  {name:18} {rate[0]:9.1f}/s ({rate[1]:.1f}–{rate[2]:.1f})   "
            f"{cpu[0]:9.0f} µs ({cpu[1]:.0f}–{cpu[2]:.0f})   PostgreSQL {figures['database'][0]:.0f} µs"
        )
    if "half" in row:
        half = row["half"]
        print(
            f"  at {half['share']:.0%} of it: p50 {half['p50']:.1f}, p95 {half['p95']:.1f}, p99 {half['p99']:.1f} ms "
            f"of {half['answers']} answers"
        )
    for goal in row["goals"]:
        tell_goal(goal)


def tell_goal(goal):
    if goal["goal"] is None:
        print(f"  {goal['figure']}", flush=True)
    else:
        print(f"  {'met   ' if goal['met'] else 'MISSED'}  {goal['goal']}: {goal['figure']}", flush=True)


def arguments():
    names = [row.name for row in (*READS, *(asset(name, "") for name in FILES), *WRITES)]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench",
        description="Measures thinkRing beside its yardsticks, and writes reports/bench.json.",
        epilog="The rows: " + "; ".join(names),
    )
    parser.add_argument("--only", help="measure only rows whose names contain this, and write no report")
    parser.add_argument("--rounds", type=positive, default=7, help="of which the median counts (%(default)s)")
    parser.add_argument("--seconds", type=positive, default=3, help="of a round, at least (%(default)s)")
    options = parser.parse_args()
    if options.only and not any(options.only in name for name in names):
        parser.error(f"no row's name contains {options.only!r}. They are: {'; '.join(names)}")
    return options


def positive(text):
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def main():
    options = arguments()
    if not shutil.which("wrk"):
        sys.exit("make bench needs wrk. Install it (Debian: apt install wrk).")
    in_containers = subprocess.run(["docker", "info"], capture_output=True).returncode == 0
    if in_containers and not shutil.which("chromium") and not shutil.which("google-chrome"):
        sys.exit("make bench needs Chromium. Install it (Debian: apt install chromium).")
    if not in_containers and "DB_HOST" not in os.environ:
        environment = os.environ | {"POSTGRES_OPTIONS": postgres_options()}
        os.execve(WITH_POSTGRES, [WITH_POSTGRES, sys.executable, "-m", "benchmarks.bench", *sys.argv[1:]], environment)
    if git("status", "--porcelain"):
        sys.exit("make bench measures the last commit, and there are changes since. Commit them first.")
    # As Ctrl-C, so that nothing is left.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        if in_containers:
            stack = BenchStack(Path(folder) / "thinkring", FRONT_ENDS[-1].split())
        else:
            stack = ProcessStack(Path(folder))
            print("No Docker engine answers: back ends run as processes, and what needs containers is left out.")
        with stack.running():
            print("Filling the database, which takes some five minutes …", flush=True)
            stack.fill(PASSWORD)
            measure(stack, options)


def measure(stack, options):
    report = {
        "commit": git("rev-parse", "--short", "HEAD"),
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "machine": machine(),
        "versions": f"{all_versions(stack)}; of the yardsticks {', '.join(PINNED.read_text().split())}",
        "load": f"{os.getloadavg()[2]:.1f}",
        "rounds": options.rounds,
        "seconds": options.seconds,
        "rows": [],
    }
    rows = [*READS, *(files(stack) if stack.in_containers else ()), *WRITES]
    report["whole"] = [] if options.only or not stack.in_containers else [whole.idle(stack)]
    print(
        "The bench's stack has no limits for a visitor: LIMIT_… and nginx's `flood` are lifted, and a token lives for\n"
        "a day. Back ends are asked without nginx, with the headers that it would send.",
        flush=True,
    )
    with stack.contenders() as found:
        bench = Bench(stack, found, options.rounds, options.seconds)
        for row in rows:
            if (options.only and options.only not in row.name) or not {*row.of} <= {*found}:
                continue
            if row in WRITES and "sizes" not in report and not options.only:
                # Before anything is written.
                report["sizes"] = bench.sizes()
                for size in report["sizes"]:
                    print(f"\n{size['name']}: " + ", ".join(f"{n:,}: {p[0]:.1f} ms" for n, p in size["points"].items()))
                    tell_goal(size)
            print(f"\n{row.name}", flush=True)
            report["rows"].append(bench.measure(row))
            tell(report["rows"][-1])
        if options.only:
            return
        if stack.in_containers:
            report["whole"] += [whole.journey(stack, options.rounds), whole.busy(bench)]
    if stack.in_containers:
        report["whole"] += [whole.start(stack), *whole.rebuilds(stack), *whole.page()]
    for figure in report["whole"]:
        print(f"\n{figure['name']}")
        tell_goal(figure)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    try:
        main()
    except Wrong as error:
        sys.exit(f"Nothing is reported: {error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted. Nothing is reported, and what was started is gone.")
