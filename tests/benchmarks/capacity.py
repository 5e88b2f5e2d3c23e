"""
How much thinkRing answers with one backend, two, and more: calculated from measured service times (queueing.py).

    python -m benchmarks.capacity [--users 1000] [--calls 84] [--writes 0.8] [--backends 3] [--cores 2]
    python -m benchmarks.capacity --measure

The first takes what each request costs from docs/bench.json. The second measures: it starts the production stack,
asks it with one, two and three backends, and writes into docs/capacity.json and docs/scaling.md what was predicted for
that and what came; `make capacity` runs it.
"""

import argparse
import json
import sys
from dataclasses import replace

from operations.report import ROOT, table

from .measuring import Wrong
from .queueing import CHECKED, Kind, Simulation, Site

BENCH = ROOT / "docs" / "bench.json"
BY_NGINX = "list of 50 projects, by nginx and TLS"
# What a person calls who comes to go on with a project (docs/scaling.md says where each number is from): rows of the
# bench, how often, and how many calls the row is.
READS = {
    "auth/me/": (1, 1),
    "list of 50 projects": (3, 1),
    "one project, its rounds and steps": (3, 3),
    "other reads in turn": (3, 1),
    "graph of 500 nodes": (1, 1),
}
WRITES = {
    "save of a step": (60, 1),
    "create of a node in a project of 500": (5, 1),
    "other writes in turn": (2, 1),
    "log-in": (0.05, 1),
}
# Beyond that, who waits, waits for more than chance has it.
COMFORTABLE = 0.6
SECONDS, WARM_UP = 120, 15


def calls(rows):
    return sum(times * calls for times, calls in rows.values())


def visit(writes=None):
    """The requests of a visit, of which the part `writes` changes something; by default that of READS and WRITES."""
    rows = {row["name"]: row["contenders"][row["of"]] for row in json.loads(BENCH.read_text())["rows"]}
    nginx = rows[BY_NGINX]["cpu"][0]
    kinds = []
    for asked, part in ((READS, None if writes is None else 1 - writes), (WRITES, writes)):
        for name, (times, together) in asked.items():
            weight = times * together * (1 if part is None else part / calls(asked))
            cpu, database = (rows[name][of][0] / together for of in ("cpu", "database"))
            kinds.append(Kind(name, weight, nginx / 1e6, cpu / 1e6, database / 1e6))
    return [kind for kind in kinds if kind.weight]


def mean(kinds, of):
    """Seconds that a request takes there, on average."""
    return sum(kind.weight * getattr(kind, of) for kind in kinds) / sum(kind.weight for kind in kinds)


def ceilings(site, kinds):
    """The most requests a second that each part lets through, by how long a request takes there (utilization law)."""
    nginx, backend, database = (mean(kinds, of) for of in ("nginx", "backend", "database"))
    # A process runs one thread at a time, whatever the container may use.
    cpus = min(site.backend_cpus or site.workers, site.workers) - site.health_check / CHECKED
    found = {
        "backends": site.backends * cpus / backend,
        "the machine": (site.cores - site.backends * site.health_check / CHECKED)
        / (nginx + backend + database + mean(kinds, "client")),
    }
    for name, limit, seconds in (("nginx", site.nginx_cpus, nginx), ("PostgreSQL", site.database_cpus, database)):
        if limit and seconds:
            found[name] = limit / seconds
    return found


def first_to_give_way(site, kinds):
    found = ceilings(site, kinds)
    name = min(found, key=lambda name: found[name])
    return name, found[name]


def predict(site, kinds, seconds=SECONDS, **load):
    return Simulation(site, kinds, **load).run(seconds, WARM_UP)


def prediction(site, kinds, rate):
    """A line of the table for each number of backends."""
    for number in range(1, site.backends + 1):
        here = replace(site, backends=number)
        name, most = first_to_give_way(here, kinds)
        outcome = predict(here, kinds, rate=rate)
        times = [f"{outcome.percentile(percent) * 1000:,.0f}" for percent in (50, 95, 99)]
        yield [str(number), f"{most:,.0f}", name, f"{outcome.rate:,.1f}", *times, f"{outcome.refused_share:.0%}"]


def show(options):
    kinds = visit(options.writes)
    site = Site(backends=options.backends, cores=options.cores)
    rate = options.users * options.calls / 3600
    name, most = first_to_give_way(site, kinds)
    print(f"{options.users:,} people in the busiest hour, {options.calls} calls each: {rate:,.1f} calls a second.\n")
    if rate > 2 * most:
        # Nothing would be learnt from a queue that is always full.
        print(f"With {site.backends} backends on {site.cores} cores {name} lets {most:,.0f} a second through.\n")
    else:
        columns = ["backends", "most a second", "by", "served", "median (ms)", "p95", "p99", "refused"]
        print(f"{table(columns, prediction(site, kinds, rate))}\n")
    needed = {of: rate * mean(kinds, of) / COMFORTABLE for of in ("nginx", "backend", "database")}
    print(
        f"Busy to {COMFORTABLE:.0%}, that takes {needed['backend']:,.1f} cores for backends, {needed['database']:,.1f} "
        f"for PostgreSQL and {needed['nginx']:,.1f} for nginx, of cores like those of docs/bench.json."
    )


def arguments():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.capacity",
        description="How much thinkRing answers with one backend, two, and more, by measured service times.",
    )
    parser.add_argument("--users", type=positive, default=1000, help="people in the busiest hour (%(default)s)")
    usual = round(calls(READS) + calls(WRITES))
    parser.add_argument("--calls", type=positive, default=usual, help="of the API that each makes then (%(default)s)")
    parser.add_argument("--writes", type=part, help="the part of them that changes something, as 0.3 (a visit's)")
    parser.add_argument("--backends", type=positive, default=3, help="at most so many (%(default)s)")
    parser.add_argument("--cores", type=positive, default=2, help="of the machine that all of it is on (%(default)s)")
    parser.add_argument("--measure", action="store_true", help="measure, instead, with one, two and three backends")
    return parser.parse_args()


def positive(text):
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def part(text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a part between 0 and 1, such as 0.3")
    return value


def main():
    options = arguments()
    if options.measure:
        measure()
    else:
        show(options)


def measure():
    # They import this module.
    from . import capacity_report, remembering, scaled

    try:
        wrong = scaled.main()
        remembering.main()
    except Wrong as error:
        sys.exit(f"Nothing is reported: {error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted. What was started is gone.")
    capacity_report.main()
    if wrong:
        sys.exit(f"What was predicted is not what came: {'; '.join(wrong)}")


if __name__ == "__main__":
    main()
