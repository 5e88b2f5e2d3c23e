"""Writes `## Calculated` and `## Measured` of docs/scaling.md, from docs/bench.json and docs/capacity.json."""

import json
import math
import re

from operations.report import ROOT, table

from .capacity import COMFORTABLE, calls, mean, visit
from .capacity import READS as READ_ROWS
from .capacity import WRITES as WRITE_ROWS
from .report import median_of
from .scaled import KEPT

DOCUMENT = ROOT / "docs" / "scaling.md"
ACCOUNTS = (10, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)
# Of the accounts one in so many comes on a day, and of these one in so many in the busiest hour.
DAILY, BUSIEST = 10, 5
# Of a backend: its threads (backend/gunicorn.conf.py).
CONNECTIONS = 8
# As tests/operations/large fills a database and restores it (docs/operations-report.md): 4,200 projects of three
# rounds, eight revisions a step, thirty nodes and fifty links were 1.05 GiB, and took 226 s.
PROJECTS = 10
PROJECT = 1.05 / 4200
RESTORE = 226 / 1.05
NAMES = {"backend": "a backend", "database": "PostgreSQL", "nginx": "nginx"}
COLUMNS = [
    "accounts", "in the busiest hour", "calls a second", "cores of backends", "of PostgreSQL", "of nginx", "backends",
    "connections", "GiB", "hours to restore",
]  # fmt: skip
ROW = re.compile(r"^## ", re.M)


def calculated():
    kinds = visit()
    usual = calls(READ_ROWS) + calls(WRITE_ROWS)
    costs = {of: mean(kinds, of) for of in ("backend", "database", "nginx")}
    rows = []
    for accounts in ACCOUNTS:
        people = accounts / DAILY / BUSIEST
        rate = people * usual / 3600
        cores = [rate * cost for cost in costs.values()]
        backends = math.ceil(cores[0] / COMFORTABLE)
        size = accounts * PROJECTS * PROJECT
        counts = f"{accounts:,}", figure(people), figure(rate), *map(figure, cores)
        rows.append(
            [*counts, f"{backends:,}", f"{backends * CONNECTIONS:,}", figure(size), figure(size * RESTORE / 3600)]
        )
    times = ", ".join(f"{cost * 1000:.1f} ms in {NAMES[of]}" for of, cost in costs.items())
    return "\n\n".join(
        [
            "## Calculated",
            f"A call takes {times}, of a core: the mean of a visit's {usual:.0f}, by [bench.json](bench.json).",
            f"- calls a second = accounts ÷ {DAILY} ÷ {BUSIEST} × {usual:.0f} ÷ 3600\n"
            "- cores = calls a second × seconds a call\n"
            f"- backends of one core = cores ÷ {COMFORTABLE:g} (assumed: so busy it may be), rounded up; connections = "
            f"backends × {CONNECTIONS}\n"
            f"- GiB = accounts × {PROJECTS} projects (assumed) × {PROJECT * 1024**2:.0f} kiB; hours to restore a dump "
            f"= GiB × {RESTORE:.0f} s (1.05 GiB of 4,200 projects took 226 s, [operations](operations-report.md))",
            table(COLUMNS, rows),
        ]
    )


def figure(value):
    """With two digits, or all before the point."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}" if value >= 0.01 else "< 0.01"


def about(part):
    return (
        f"on {part['date']}, of commit {part['commit']}; {part['machine']}, whose load over the\n"
        f"quarter of an hour before was {part['load']}; {part['versions']}."
    )


def both(predicted, measured, show):
    return f"{show(predicted)} / {show(measured)}"


def measured_runs(runs):
    for run in runs:
        predicted, measured = run["predicted"], run["measured"]
        cost = measured["backend"]
        yield [
            str(run["backends"]),
            f"{run['cpus']:g}",
            f"{run['load']}, {run['clients']}",
            both(predicted["rate"], measured["rate"], lambda value: f"{value:.1f}"),
            # Not "-0%".
            f"{round(measured['rate'] / predicted['rate'] - 1, 2) + 0.0:+.0%}",
            *(
                both(predicted[percent], measured[percent], lambda value: f"{value:,.0f}")
                for percent in ("p50", "p95", "p99")
            ),
            both(predicted["refused"], measured["refused"], lambda value: f"{value:.0%}"),
            re.sub(r"^backend \d+$", "a backend", predicted["busiest"]),
            f"{cost * 1000:.1f}" if cost else "",
        ]


def measured_redis(rows):
    for row in rows:
        for number, (name, figures) in enumerate(row["contenders"].items()):
            yield [
                "" if number else row["name"],
                name,
                median_of(figures["rate"], 1),
                *(median_of(figures[of], 0) for of in ("cpu", "database", "redis")),
            ]


def measured(kept):
    backends, redis = kept["backends"], kept["redis"]
    kinds = [
        [
            kind["name"],
            f"{kind['weight']:g}",
            f"{costs['cpus']:g}",
            *(f"{kind[of] * 1000:.2f}" for of in ("nginx", "backend", "database", "client")),
        ]
        for costs in backends["costs"]
        for kind in costs["kinds"]
    ]
    rest = backends["rest"]
    columns = ["backends", "cores each", "load, connections", "a second", "off by", "p50 (ms)", "p95", "p99", "refused"]
    return "\n\n".join(
        [
            "## Measured",
            f"By `make capacity` {about(backends)}",
            f"What a request takes, in milliseconds of a core, of one backend that has so many cores.\n"
            f"At rest a backend takes {rest['backend']:.1%} of a core, PostgreSQL {rest['database']:.1%} and nginx "
            f"{rest['nginx']:.1%}: health checks. A save writes {backends['wal']:,.0f} bytes of WAL.",
            table(["request", "of twelve", "cores", "nginx", "backend", "PostgreSQL", "wrk"], kinds),
            "Predicted / measured; the busiest is predicted, a backend's ms are measured, with health checks:",
            table([*columns, "busiest", "backend's ms a request"], measured_runs(backends["runs"])),
            "### Redis",
            f"Medians of {redis['rounds']} rounds of {redis['seconds']} s over eight connections, with the least and\n"
            f"the most; asked without nginx, in turns, {about(redis)}",
            table(
                ["request", "who", "requests a second", "CPU µs a request", "PostgreSQL µs", "Redis µs"],
                measured_redis(redis["rows"]),
            ),
        ]
    )


def sections():
    return [calculated(), measured(json.loads(KEPT.read_text()))]


def put(text, section):
    """In the place of the section of the same heading."""
    heading = section.partition("\n")[0]
    before, found, rest = text.partition(f"\n{heading}\n")
    if not found:
        raise ValueError(f"{DOCUMENT} has no {heading!r}")
    following = ROW.search(rest)
    after = f"\n\n{rest[following.start() :]}" if following else "\n"
    return f"{before.rstrip()}\n\n{section}{after}"


def main():
    text = DOCUMENT.read_text()
    for section in sections():
        text = put(text, section)
    DOCUMENT.write_text(text)


if __name__ == "__main__":
    main()
