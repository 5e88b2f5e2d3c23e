"""Writes the figures of docs/reliability.md from what the tests have measured, each when it last ran."""

import json
import re

from operations.report import ROOT, held, machine, table, versions

DOCUMENT = ROOT / "docs" / "reliability.md"
HEADING = "## Measured"
FAULT = re.compile(
    r"(\d+) answers, (\d+) refused, (\d+) unreachable, (\d+) wrong; (\d+) writes acknowledged, (\d+) found; "
    r"recovered after ([\d.]+) s; slowest answer ([\d.]+) s; restarts: (.*)"
)
LOAD = re.compile(
    r"(.*?); (\d+) served, (.*?); (\d+) refused, (.*?); (\d+) wrong; (\d+) writes acknowledged, (\d+) found; (.*)"
)


def rows(measured, file, pattern):
    for name, test in sorted(measured.items()):
        path, _, case = name.partition("::test_")
        for figure in test["figures"] if path == f"reliability/{file}" else []:
            function, _, variant = case.partition("[")
            what = function.replace("_", " ") + (f" ({variant.rstrip(']')})" if variant else "")
            yield [what, *pattern.fullmatch(figure["value"]).groups(), held(test), test["date"]]


def main():
    measured = json.loads((ROOT / "reports" / "measured.json").read_text())
    faults = list(rows(measured, "test_faults.py", FAULT))
    loads = list(rows(measured, "test_load.py", LOAD))
    survived = sum(row[-2] == "yes" for row in faults)
    acknowledged, found = (sum(int(row[column]) for row in faults) for column in (5, 6))
    counts = ["answers", "refused", "unreachable", "wrong", "acknowledged", "found"]
    times = ["recovered after (s)", "slowest answer (s)", "started again"]
    percentiles = "50th / 95th / 99th"
    parts = [
        DOCUMENT.read_text().partition(HEADING)[0].rstrip(),
        HEADING,
        "By `make reliability-report`, each when its test last ran. A machine with other work on it takes longer:\n"
        "a start of the backend, which nearly every recovery waits for, took from 3 s to more than a minute.",
        f"- machine: {machine()}\n- versions: {versions()}",
        f"{survived} of {len(faults)} faults survived, {acknowledged} writes acknowledged, {found} found.",
        table(["fault", *counts, *times, "held", "date"], faults),
        table(
            ["load", "rate", "served", percentiles, "refused", percentiles, *counts[3:], "besides", "held", "date"],
            loads,
        ),
    ]
    DOCUMENT.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
