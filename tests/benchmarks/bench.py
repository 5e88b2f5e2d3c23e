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
from .contenders import YARDSTICKS, BenchStack, Contender, contenders, full_id
from .measuring import Wrong, ask, headers, load, percentile, spread
from .rows import READS, SIZES, WRITES, Row, asset

REPORT = ROOT / "reports" / "bench.json"
PINNED = YARDSTICKS / "requirements.txt"
WARM_UP = 3
# Milliseconds that a connection pauses at least, at half of what could be served; wrk pauses whole ones.
SHORTEST_PAUSE = 8


class Bench:
    def __init__(self, stack, found, rounds, seconds):
        self.stack, self.found, self.rounds, self.seconds = stack, found, rounds, seconds
        self.database = Contender("db", "", full_id(stack.container("db")))
        self.tokens = {}
        for name in ("small", "few", "large", "many"):
            login = {"username": name, "password": PASSWORD}
            response = stack.request("POST", f"{stack.api}/auth/login/", json=login)
            self.tokens[name] = response.json()["access"]

    def asked(self, contender, row, etag=None):
        return [(request, headers(contender, request, self.tokens, etag)) for request in row.requests]

    def compare(self, row):
        """Refuses to time what is not the same, and gives the ETag to revalidate by if there is one."""
        etag = None
        for request in row.requests:
            answers = {}
            for name in row.of:
                contender = self.found[name]
                answer = ask(contender, request, headers(contender, request, self.tokens))
                if not answer.ok:
                    raise Wrong(f"{name} answers {request.path} with {answer.status_code}: {answer.text[:300]}")
                if name == row.of[0]:
                    etag = answer.headers.get("ETag")
                content = answer.content
                if answer.headers["Content-Type"].startswith("application/json"):
                    content = json.loads(content)
                    if isinstance(content, dict) and row.differs:
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
        return etag if row.revalidated else None

    def clean(self, row):
        for statement in row.cleanup:
            self.stack.sql(statement)

    def measure(self, row):
        etag = self.compare(row)
        asked = {name: self.asked(self.found[name], row, etag if name == row.of[0] else None) for name in row.of}
        result = {"name": row.name, "of": row.of[0], "contenders": {}}
        if row.revalidated and etag is None:
            result["note"] = "thinkRing's answer has no ETag, so that it is sent anew"
        elif row.revalidated:
            status = ask(self.found[row.of[0]], *asked[row.of[0]][0]).status_code
            if status != 304:
                raise Wrong(f"{row.name}: {status} and not 304")
        seconds = self.warm_up(row, asked)
        samples = {name: [] for name in row.of}
        for _ in range(self.rounds):
            for name, sample in self.load(row, asked, seconds).items():
                samples[name].append(sample)
        parts = len(row.requests) if row.together else 1
        for name, taken in samples.items():
            result["contenders"][name] = {
                "rate": spread([sample.rate / parts for sample in taken]),
                "cpu": spread([sample.cpu * parts for sample in taken]),
                "database": spread([sample.database * parts for sample in taken]),
            }
        if any(hasattr(goal, "percentile") for goal in row.goals):
            result["half"] = self.half(row, asked[row.of[0]], result["contenders"][row.of[0]]["rate"][0] * parts)
        result["goals"] = []
        for goal in row.goals:
            figure, met = goal.judge(result)
            result["goals"].append({"goal": str(goal), "figure": figure, "met": met})
        return result

    def warm_up(self, row, asked):
        """How long a round has to be, so that each connection gets a few answers of the slowest."""
        seconds = WARM_UP
        while True:
            samples = self.load(row, asked, seconds).values()
            if all(sample.number >= row.connections for sample in samples):
                return max(self.seconds, math.ceil(3 * row.connections / min(sample.rate for sample in samples)))
            seconds *= 2

    def load(self, row, asked, seconds):
        """One round: each contender once."""
        samples = {}
        for name, requests in asked.items():
            samples[name] = load(
                self.found[name], self.database, requests, seconds=seconds, connections=row.connections
            )
            self.clean(row)
        return samples

    def half(self, row, asked, capacity):
        """How long thinkRing takes when it gets half of the requests that it could answer.

        wrk knows no rate. Its connections pause between two requests, each time for another while, so that together
        they come to about half; what they came to stands in the report.
        """
        # Ten answers a round at least, and a connection that pauses for no more than half of it.
        seconds = max(self.seconds, math.ceil(20 / capacity))
        connections = row.connections
        while (pause := (2 * connections - 1) * 1000 / capacity) < SHORTEST_PAUSE:
            connections *= 2
        while connections > 1 and pause > seconds * 500:
            connections -= 1
            pause = (2 * connections - 1) * 1000 / capacity
        latencies, rates = [], []
        for _ in range(self.rounds):
            sample = load(
                self.found[row.of[0]],
                self.database,
                asked,
                seconds=seconds,
                connections=connections,
                think=pause,
            )
            self.clean(row)
            latencies += sample.latencies
            rates.append(sample.rate)
        return {
            "share": spread([rate / capacity for rate in rates])[0],
            "answers": sum(count for _, count in latencies),
            **{f"p{percent}": percentile(latencies, percent) for percent in (50, 95, 99)},
        }

    def sizes(self):
        """The same requests where there is ten, and a thousand times as much."""
        measured = []
        for name, requests in SIZES.items():
            points = {}
            rows = {size: Row(f"{name}, {size}", one, together=True) for size, one in requests.items()}
            for row in rows.values():
                self.compare(row)
            asked = {size: {"thinkRing": self.asked(self.found["thinkRing"], row)} for size, row in rows.items()}
            seconds = max(self.warm_up(row, asked[size]) for size, row in rows.items())
            samples = {size: [] for size in rows}
            for _ in range(self.rounds):
                for size, row in rows.items():
                    samples[size].append(self.load(row, asked[size], seconds)["thinkRing"])
            for size, taken in samples.items():
                parts = len(rows[size].requests)
                points[size] = spread([1000 * parts / sample.rate for sample in taken])
            measured.append({"name": name, "points": points, **judge_sizes(name, points)})
        return measured


def judge_sizes(name, points):
    """A page of a list and of a project takes no longer where there are 100,000; a graph not more than it has nodes."""
    sizes = sorted(points)
    # Of ten projects a list has only ten.
    first, last = (sizes[0] if len(sizes) == 2 else 50), sizes[-1]
    growth = points[last][0] / points[first][0]
    most = last / first if name == "graph" else 1.5
    goal = f"{last:,} ≤ {most:g} × {first:,}"
    return {"goal": goal, "figure": f"{growth:.2f} ×", "met": growth <= most}


def hashed_file(page):
    """The largest of the page's files with a hash in its name."""
    folder = "/var/www/static/_app/immutable"
    command = f"cd {folder} && find . -name '*.js' -exec ls -l {{}} + | sort -k5 -n | tail -n 1"
    listed = page.compose("exec", "-T", "nginx", "sh", "-c", command).stdout.split()
    return f"/_app/immutable/{listed[-1].removeprefix('./')}"


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
    names = [row.name for row in (*READS, asset(""), *WRITES)]
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
    if subprocess.run(["docker", "info"], capture_output=True).returncode != 0:
        sys.exit("make bench needs a Docker engine, and none answers.")
    if git("status", "--porcelain"):
        sys.exit("make bench measures the last commit, and there are changes since. Commit them first.")
    # As Ctrl-C, so that nothing is left.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        stack = BenchStack(Path(folder) / "thinkring", FRONT_ENDS[-1].split())
        with stack.running():
            print("Filling the database, which takes some five minutes …", flush=True)
            stack.fill(PASSWORD)
            measure(stack, options)


def measure(stack, options):
    report = {
        "commit": git("rev-parse", "--short", "HEAD"),
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "machine": machine(),
        "versions": f"{versions()}; of the yardsticks {', '.join(PINNED.read_text().split())}",
        "load": f"{os.getloadavg()[2]:.1f}",
        "rounds": options.rounds,
        "seconds": options.seconds,
        "rows": [],
    }
    rows = [*READS, asset(hashed_file(stack)), *WRITES]
    wanted = [row for row in rows if not options.only or options.only in row.name]
    if not options.only:
        report["whole"] = [whole.idle(stack)]
    print(
        "The bench's stack has no limits for a visitor: LIMIT_… and nginx's `flood` are lifted, and a token lives for\n"
        "a day. Back ends are asked without nginx, with the headers that it would send.",
        flush=True,
    )
    with contenders(stack) as found:
        bench = Bench(stack, found, options.rounds, options.seconds)
        for row in wanted:
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
        report["whole"] += [whole.journey(stack, options.rounds), whole.busy(bench)]
    report["whole"] += [whole.start(stack), *whole.rebuilds(stack)]
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
