"""
Every operation of the API's own description, called by schemathesis on the production stack: what it makes up, at the
edges of the schema, beyond them, and one call after the other as the answers lead on. Once signed in and once without
an account. How it logs in and what it lets pass is in hooks.py and schemathesis.toml.
"""

import collections
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from production import PASSWORD

HERE = Path(__file__).parent
# What answers without an account, by how it begins.
OPEN = ("/api/v1/auth/", "/api/v1/health/", "/api/v1/version/")


@pytest.fixture(scope="module")
def fuzzer(stack):
    """The name of an account that nothing but the fuzzer uses."""
    return stack.register()["username"]


class Calls:
    """What schemathesis sent, and how it was answered."""

    def __init__(self):
        self.cases = 0
        self.seconds = 0.0
        self.statuses = collections.Counter()
        self.closed = collections.Counter()
        self.complaints = []

    def __len__(self):
        return self.statuses.total()

    def read(self, report, events):
        self.cases += report["test_cases"]["generated"]
        self.seconds += report["running_time"]
        for line in events:
            finished = json.loads(line).get("ScenarioFinished")
            for call in finished["recorder"].get("interactions", {}).values() if finished else []:
                status = call["response"]["status_code"] if call["response"] else None
                self.statuses[status] += 1
                if not urlsplit(call["request"]["uri"]).path.startswith(OPEN):
                    self.closed[status] += 1

    @property
    def past_the_door(self):
        """The share of the calls that want an account that were let in."""
        return 1 - self.closed[401] / self.closed.total()


def check(calls, figure):
    statuses = ", ".join(f"{count:,} × {status}" for status, count in calls.statuses.most_common())
    figure("made-up cases", f"{calls.cases:,} in {calls.seconds:.0f} s, {len(calls):,} calls: {statuses}")
    assert not calls.complaints, "\n".join(calls.complaints)
    assert not [status for status in calls.statuses if status is None or status >= 500]


def fuzz(stack, folder, calls, *options, name=None):
    """Lets schemathesis call everything, and adds what became of it to the calls."""
    host = urlsplit(stack.api).hostname
    api = f"https://127.0.0.1:{stack.ports['https']}/api/v1"
    signed_in = {
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(HERE),
        "FUZZED_API": api,
        "FUZZED_HOST": host,
        "FUZZER_NAME": name,
        "FUZZER_PASSWORD": PASSWORD,
    }
    report, events = folder / "report.json", folder / "events.ndjson"
    report.unlink(missing_ok=True)
    result = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "--config-file", HERE / "schemathesis.toml",
            "run", f"{api}/schema/?format=json", "--header", f"Host: {host}", "--no-color", *options,
            "--report", "json,ndjson", "--report-json-path", report, "--report-ndjson-path", events,
        ],
        cwd=folder, env={"PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore"} | (signed_in if name else {}),
        capture_output=True, text=True, errors="replace", timeout=1200,
    )  # fmt: skip
    assert report.exists(), result.stdout + result.stderr
    report = json.loads(report.read_text())
    with events.open() as lines:
        calls.read(report, lines)
    if result.returncode != 0:
        calls.complaints.append(result.stdout + result.stderr)
    assert report["operations"]["tested"] == report["operations"]["total"] > 0


def test_with_an_account(stack, fuzzer, tmp_path, figure):
    calls = Calls()

    # The same cases each time: what fails is what has changed.
    fuzz(stack, tmp_path, calls, "--seed", "1", "--max-examples", "4", name=fuzzer)

    check(calls, figure)
    assert calls.past_the_door > 0.5


def test_without_an_account(stack, tmp_path, figure):
    calls = Calls()

    # What is wrong besides would be refused anyway.
    fuzz(stack, tmp_path, calls, "--seed", "1", "--phases", "coverage", "--mode", "positive")

    check(calls, figure)
    assert not [status for status in calls.closed if status < 400], calls.closed


@pytest.mark.torture
def test_twenty_minutes_and_twenty_thousand_cases(stack, fuzzer, tmp_path, figure):
    calls = Calls()
    begun = time.monotonic()

    while time.monotonic() - begun < 20 * 60 or calls.cases < 20_000:
        fuzz(stack, tmp_path, calls, "--max-time", "300", name=fuzzer)

    check(calls, figure)
    assert calls.past_the_door > 0.5
