"""Writes docs/operations-report.md from what the tests have measured, each when it last ran: reports/measured.json."""

import json
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]

# By the figure's name: what is done, and the goal where it is not in the name.
SCENARIOS = {
    "deploy of a changed line": (
        "`ops/deploy.sh` of a commit that changes a line of back end and front end, a tab open in Chromium",
        "0 failed, 0 lost",
    ),
    "deploy over SSH by the workflow": (
        "the workflow's steps over a real sshd",
        "0 failed, 0 lost",
    ),
    "roll-back": ("`ops/rollback.sh` to the release before", "0 failed, 0 lost"),
    "certificate renewed": ("`ops/certificates.sh renew --force`, with pebble as the authority", "0 failed"),
    "logs rotated": (
        "nginx and backend with log files of 20 kB, which Docker rotates",
        "0 failed, 0 lost, 0 missing",
    ),
    "backup of 1 GB, restored and compared": ("`./backup.sh`", ""),
    "base backup of 1 GB, verified": ("`ops/base-backup.sh`", ""),
    "drill at 1 GB": ("`ops/drill.sh`: the database is killed while it is written to, and its volume deleted", ""),
    "drill, database killed and its volume deleted": ("`ops/drill.sh` with the stack's own small database", ""),
    "restore of the newest backup of 1 GB": ("`ops/restore.sh --latest --replace`", ""),
    "restored after": ("`ops/restore.sh --latest --replace` of two rows and a file", ""),
    "back to a moment, the stack in use": ("`ops/restore.sh --to TIME --replace`", ""),
    "PostgreSQL 15 to 17, the stack in use": (
        "`ops/upgrade-postgres.sh` while people read; the seconds are those in which nobody can write",
        "",
    ),
    "back on a lost machine by restore.sh and install.sh, images built": (
        "a fresh clone, `.env.production` and the backups: `ops/restore.sh --latest`, `ops/install.sh`",
        "",
    ),
    "back on lost volumes, images there, after": (
        "checkout, `.env.production` and the backups are left: `ops/restore.sh FILE`, `ops/setup.sh`, `up -d`",
        "",
    ),
}

# By the test's name: what is broken on purpose, under traffic.
BROKEN = {
    "test_it_fails_on": "a deploy meets {case}: it fails, and the old release goes on answering",
    "test_it_fails_when_the_old_release_is_gone": "a new container ends after the old one was taken away",
    "test_it_is_interrupted": "a deploy is interrupted when the old container is gone already",
    "test_it_is_killed": "a deploy is killed twice, and run again",
    "test_the_schema_moves_on": "a deploy with two migrations, a roll-back that is refused, and one that is forced",
}


def rows(measured):
    figures = [(figure, test) for test in measured.values() for figure in test["figures"]]
    for name, (done, known_goal) in SCENARIOS.items():
        for figure, test in figures:
            what, goal = re.fullmatch(r"(.*?)(?: \(goals?: (.*)\))?", figure["what"]).groups()
            if what != name:
                continue
            besides = figure["value"]
            numbers = []
            for pattern in [
                r"(\d+) requests(?: meanwhile)?, (\d+) failed",
                r"(\d+) writes, (\d+) lost",
                r"^([\d.]+) s\b",
            ]:
                found = re.search(pattern, besides)
                numbers.append(" / ".join(found.groups()) if found else "–")
                besides = re.sub(pattern, "", besides, count=1)
            besides = re.sub(r"^[;, ]+|[;, ]+$", "", re.sub(r"(?:[;,] ?){2,}", "; ", besides))
            case = f" ({figure['case']})" if figure["case"] else ""
            yield [name + case, done, *numbers, besides, goal or known_goal or "–", held(test), test["date"]]


def held(test):
    return "yes" if test["passed"] else "**no**"


def broken(measured):
    for name, test in measured.items():
        function, _, case = name.rpartition("::")[2].partition("[")
        if function in BROKEN and "operations/deploy" in name:
            yield [BROKEN[function].format(case=case.rstrip("]")), held(test), test["date"]]


def table(titles, lines):
    return "\n".join(f"| {' | '.join(line)} |" for line in [titles, ["---"] * len(titles), *lines])


def said(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def machine():
    processor = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)[1]
    memory = int(re.search(r"^MemTotal: +(\d+)", Path("/proc/meminfo").read_text())[1]) / 1024**2
    return f"{os.cpu_count()} cores ({processor}), {memory:.0f} GiB of memory"


def versions():
    image = ["docker", "run", "--rm", "--network", "none", "--entrypoint"]
    return ", ".join(
        [
            f"Docker {said('docker', 'version', '--format', '{{.Server.Version}}')}",
            f"docker-compose {said('docker-compose', 'version', '--short')}",
            f"docker compose {said('docker', 'compose', 'version', '--short')}",
            f"PostgreSQL {said(*image, 'postgres', 'postgres:15', '--version').split()[2]}",
            f"Linux {os.uname().release}",
        ]
    )


def main():
    measured = json.loads((ROOT / "reports" / "measured.json").read_text())
    titles = [
        "scenario",
        "what was done to it",
        "requests / failed",
        "writes / lost",
        "seconds",
        "besides",
        "goal",
        "held",
        "date",
    ]
    parts = [
        "# What operations took",
        "Written by `make operations-report` from what the tests measured, each when it last ran; what none has\n"
        "measured is not here. A machine with other work on it takes longer.",
        f"- machine: {machine()}\n- versions: {versions()}",
        table(titles, rows(measured)),
    ]
    if lines := list(broken(measured)):
        parts += [
            "Under the same traffic, without a failed request or a lost write:",
            table(["scenario", "held", "date"], lines),
        ]
    (ROOT / "docs" / "operations-report.md").write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
