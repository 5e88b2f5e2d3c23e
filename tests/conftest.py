"""
The production stack, as it stands in the last commit, for whoever tests it from outside.

The fixture `stack` clones the repository, runs `ops/setup.sh thinkring.test` in the clone, builds the images and starts
everything as its own compose project on free ports. It waits until pages and API answer over HTTPS, and at the end
removes containers, volumes, networks and images again, whatever happened in between. One stack serves a whole session.

    def test_it_works(stack):
        stack.get("https://thinkring.test/")                       a requests.Response; the names are the stack's own
        stack.get(f"{stack.api}/health/")                          https://api.thinkring.test/api/v1/health/
        stack.session()                                            a requests.Session of one's own, with cookies
        stack.compose("exec", "-T", "backend", "id").stdout        any compose command
        stack.logs("nginx")                                        what a service wrote so far

Both names lead to this machine and the certificate is the self-signed one of the first start. A browser finds the same
with `args=stack.chromium_arguments`, and then asks for https://thinkring.test/ like anybody.

It is started by `docker compose`, and by `docker-compose` 1.29 too where a test is parametrized with FRONT_ENDS, as in
tests/stack/conftest.py. Without a Docker engine such tests are skipped; on CI they fail.
"""

import itertools
import json
import os
import shutil
import subprocess
from datetime import datetime, timezone

import pytest
from xdist.scheduler import LoadScopeScheduling

from production import FRONT_ENDS, ROOT, Stack


@pytest.fixture(scope="session")
def missing():
    """Skips what cannot run for want of something on this machine; on CI that is a failure."""

    def skip(reason):
        if os.environ.get("CI") == "true":
            pytest.fail(f"on CI nothing may be missing: {reason}")
        pytest.skip(reason)

    return skip


@pytest.fixture(scope="session")
def engine(missing):
    """A Docker engine that answers, and both compose front ends."""
    for command in ["docker info", *(f"{front_end} version" for front_end in FRONT_ENDS)]:
        words = command.split()
        if shutil.which(words[0]) and subprocess.run(words, capture_output=True).returncode == 0:
            continue
        missing(f"`{command}` does not answer")


@pytest.fixture(scope="session")
def chromium(missing):
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        missing("there is no Chromium on this machine (Debian: apt install chromium)")
    return found


@pytest.fixture(scope="session")
def stack(request, engine, tmp_path_factory):
    """The production stack, running."""
    front_end = getattr(request, "param", FRONT_ENDS[-1])
    stack = Stack(tmp_path_factory.mktemp("server") / "thinkring", front_end.split())
    with stack.running():
        yield stack


@pytest.fixture
def figure(request):
    """Notes a measured figure for the end of the run, and for docs/operations-report.md."""

    def note(what, value):
        case = request.node.callspec.id if hasattr(request.node, "callspec") else ""
        request.node.user_properties.append(("figure", {"what": what, "case": case, "value": str(value)}))

    return note


class Shares(LoadScopeScheduling):
    """What a process gets at once: a file of the browser's or bad input; all of stack, deploys, or faults; or the rest.

    Each process has a stack and a Chromium of its own. The largest share is given first. The groups of xdist's own
    `--dist loadgroup` have no effect with pytest 9, which takes a test's name only once.
    """

    def _split_scope(self, nodeid):
        file = nodeid.split("::")[0]
        folders = file.split("/")
        if {"browser", "corpus", "fuzz"} & {*folders}:
            return file
        return next((share for share in ("stack", "deploy", "reliability") if share in folders), "rest")


def pytest_xdist_make_scheduler(config, log):
    return Shares(config, log)


def pytest_terminal_summary(terminalreporter):
    """What was measured, and what the stages of `make test` before this one could not run."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    calls = [report for report in reports if getattr(report, "when", None) == "call"]
    figures = {report.nodeid: [value for name, value in report.user_properties if name == "figure"] for report in calls}
    if any(figures.values()):
        terminalreporter.section("figures")
        for figure in itertools.chain(*figures.values()):
            case = f" [{figure['case']}]" if figure["case"] else ""
            terminalreporter.write_line(f"{figure['what']}{case}: {figure['value']}")
    if calls:
        date = f"{datetime.now(timezone.utc):%Y-%m-%d}"
        # What other runs have measured stays.
        file = ROOT / "reports" / "measured.json"
        measured = json.loads(file.read_text()) if file.exists() else {}
        for report in calls:
            measured[report.nodeid] = {"passed": report.passed, "date": date, "figures": figures[report.nodeid]}
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(measured, ensure_ascii=False, indent=1))
    skipped = ROOT / "reports" / "skipped.txt"
    reasons = skipped.read_text() if skipped.exists() else ""
    if reasons:
        terminalreporter.section("skipped before")
        terminalreporter.write(reasons)
