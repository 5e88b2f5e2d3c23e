"""Writes the section `## Measured` of docs/performance.md, its picture and its JSON from reports/bench.json."""

import json
import re

from operations.report import ROOT, table

from . import plot

DOCUMENT = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "images" / "bench.svg"
REPORT = ROOT / "reports" / "bench.json"
KEPT = ROOT / "docs" / "bench.json"
HEADING = "## Measured"


def median_of(figures, digits):
    middle, least, most = (f"{value:,.{digits}f}" for value in figures)
    return f"{middle} ({least}–{most})"


def said(goal):
    return "" if goal["met"] is None else "met" if goal["met"] else "**missed**"


def measured_rows(rows):
    for row in rows:
        for name, figures in row["contenders"].items():
            yield [
                row["name"] if name == row["of"] else "",
                name,
                median_of(figures["rate"], 1),
                median_of(figures["cpu"], 0),
                f"{figures['database'][0]:,.0f}",
            ]


def goal_rows(rows):
    for row in rows:
        for goal in row["goals"]:
            figure = goal["figure"] + (f" ({row['note']})" if "note" in row else "")
            yield [row["name"], goal["goal"], figure, said(goal)]


def half_rows(rows):
    for row in rows:
        if "half" in row:
            half = row["half"]
            times = [f"{half[percent]:.1f}" for percent in ("p50", "p95", "p99")]
            yield [row["name"], f"{half['share']:.0%}", str(half["answers"]), *times]


def goals(report):
    sizes = [{**size, "name": f"{size['name']}, by size"} for size in report["sizes"]]
    return [
        *goal_rows(report["rows"]),
        *([one["name"], one["goal"] or "", one["figure"], said(one)] for one in (*sizes, *report["whole"])),
    ]


def section(report):
    rows = report["rows"]
    judged = [line for line in goals(report) if line[3]]
    met = sum(line[3] == "met" for line in judged)
    points = (
        [size["name"], f"{number}", median_of(figures, 1)]
        for size in report["sizes"]
        for number, figures in size["points"].items()
    )
    return "\n\n".join(
        [
            HEADING,
            f"By `make bench` on {report['date']}, of commit {report['commit']}: "
            f"{report['rounds']} rounds of {report['seconds']} s"
            + ("." if report["whole"] else "; no Docker engine answered, so that what needs containers is left out."),
            f"- machine: {report['machine']}; its load over the quarter of an hour before was {report['load']}\n"
            f"- versions: {report['versions']}",
            f"{met} of {len(judged)} goals met. All figures: [bench.json](bench.json).",
            "![How many times as many requests as each yardstick, and what size costs](images/bench.svg)",
            table(["row", "goal", "figure", ""], goals(report)),
            "Medians, with the least and the most. Processor time is that of the container that is asked, by its\n"
            "control group; PostgreSQL's, of the same requests, stands beside it.",
            table(["row", "who", "requests a second", "CPU µs a request", "PostgreSQL µs"], measured_rows(rows)),
            "At half of what thinkRing could serve (milliseconds):",
            table(["row", "share", "answers", "p50", "p95", "p99"], half_rows(rows)),
            "What size costs, in milliseconds a request at full load:",
            table(["row", "projects or nodes", "ms"], points),
        ]
    )


def main():
    report = json.loads(REPORT.read_text())
    text = DOCUMENT.read_text()
    before, heading, rest = text.partition(f"\n{HEADING}\n")
    following = re.search(r"^## ", rest, re.M)
    after = f"\n{rest[following.start() :]}" if heading and following else ""
    DOCUMENT.write_text(f"{before.rstrip()}\n\n{section(report)}\n{after}")
    PICTURE.write_text(plot.picture(report))
    KEPT.write_text(REPORT.read_text())
    print(table(["row", "goal", "figure", ""], goals(report)))


if __name__ == "__main__":
    main()
