"""What a first visit costs, and what the pages of somebody who is signed in do."""

import json
import os
import re
import subprocess
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from .chromium import QUIET, apart

LIGHTHOUSE = Path(__file__).with_name("lighthouse") / "node_modules" / "lighthouse" / "cli" / "index.js"
# A score is the work of one processor; on a machine that has other work it falls. The goal is 95.
LOWEST = 50

KB = 1000


class Loading:
    """What a page asks for, as the browser's own tools see it: over the wire, with headers."""

    def __init__(self, visitor):
        self.requests = {}
        self.session = visitor.context.new_cdp_session(visitor.page)
        self.session.on("Network.requestWillBeSent", self._on_request)
        self.session.on("Network.loadingFinished", self._on_end)
        for command, options in [
            ("Network.enable", {}), ("Profiler.enable", {}),
            ("Profiler.startPreciseCoverage", {"callCount": True, "detailed": False}),
        ]:  # fmt: skip
            self.session.send(command, options)

    def _on_request(self, event):
        path, method = urlsplit(event["request"]["url"]).path, event["request"]["method"]
        self.requests[event["requestId"]] = {"path": path, "method": method, "type": event["type"], "bytes": 0}

    def _on_end(self, event):
        self.requests[event["requestId"]]["bytes"] = event["encodedDataLength"]

    def run(self):
        """The paths of the scripts that have run so far; one that was only fetched ahead is none of them."""
        scripts = self.session.send("Profiler.takePreciseCoverage")["result"]
        return {urlsplit(script["url"]).path for script in scripts}

    def __iter__(self):
        return iter(self.requests.values())


# In one language: it plays no part in this.
def test_the_first_page_weighs_little(visitors, figure):
    visitor = visitors("ja")
    loading = Loading(visitor)
    visitor.open("/")
    visitor.sees_heading(visitor.say("login_title"))
    run = loading.run()
    blocking = [
        request["path"]
        for request in loading
        if request["type"] in ("Document", "Stylesheet") or request["path"] in run
    ]
    visitor.page.wait_for_load_state("networkidle")
    weight = sum(request["bytes"] for request in loading)
    figure(
        "first page, over the wire (goal: 100 kB; 5 requests before it can be used)",
        f"{weight / KB:.1f} kB in {len(loading.requests)} requests, {len(blocking)} of them before it can be used",
    )
    assert sum(path.endswith(".js") for path in blocking) > 0
    assert len(blocking) <= 5
    assert len(loading.requests) <= 10
    assert weight <= 100 * KB


@pytest.mark.parametrize(
    ("page", "calls", "answers", "files", "weight"),
    [("home", 5, 7, 9, 100), ("project", 5, 10, 22, 150)],
    ids=["home", "project"],
)
def test_a_page_of_ones_own_weighs_little(visitors, figure, page, calls, answers, files, weight):
    """With the worked example, and nothing kept but the session: calls of the API, their kB, files, their kB."""
    visitor = visitors("ja", service_workers="block")
    visitor.expected = ["Service Worker registration blocked"]
    visitor.sign_up()
    visitor.button("home_example").click()
    visitor.page.wait_for_url(re.compile("/projects/."))
    title = visitor.page.get_by_role("heading", level=1).inner_text()
    project = urlsplit(visitor.page.url).path
    # A tab in which nothing is under way.
    visitor.page.close()
    visitor.page = visitor.context.new_page()
    loading = Loading(visitor)
    loading.session.send("Network.clearBrowserCache")
    visitor.open("/" if page == "home" else project)
    expect(visitor.page.get_by_text(title, exact=True).first).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    # Whether the page may ask, a browser asks beforehand, and not again for two hours.
    requests = [request for request in loading if request["method"] != "OPTIONS"]
    of_api = [request["bytes"] for request in requests if request["path"].startswith("/api/")]
    of_page = [request["bytes"] for request in requests if not request["path"].startswith("/api/")]
    figure(
        f"{page} signed in, over the wire (goal: {answers} kB in {calls} calls, {weight} kB in {files} files)",
        f"{sum(of_api) / KB:.1f} kB in {len(of_api)} calls, {sum(of_page) / KB:.1f} kB in {len(of_page)} files",
    )
    assert 0 < len(of_api) <= calls
    assert 0 < sum(of_api) <= answers * KB
    assert 0 < len(of_page) <= files
    assert 0 < sum(of_page) <= weight * KB


def test_no_file_of_the_page_is_heavy(stack, figure):
    listing = stack.compose(
        "exec", "-T", "frontend", "sh", "-c", "cd build/client/_app/immutable && wc -c */*.js.gz"
    ).stdout  # fmt: skip
    *files, _total = sorted(int(line.split()[0]) for line in listing.splitlines())
    figure(
        "heaviest files of the page, compressed (goal: 80 kB, 30 kB)",
        f"{files[-1] / KB:.1f} kB, {files[-2] / KB:.1f} kB",
    )
    assert files[-1] <= 80 * KB
    assert files[-2] <= 30 * KB


def quoted(argument):
    """As Lighthouse takes it: only the value may have quotes."""
    name, equals, value = argument.partition("=")
    return f'{name}="{value}"' if equals else name


@pytest.mark.parametrize("path", ["/", "/login"])
def test_lighthouse_finds_a_phone_well_served(stack, chromium, missing, figure, tmp_path, path):
    if not LIGHTHOUSE.exists():
        missing("Lighthouse is not installed (npm ci --prefix tests/browser/lighthouse)")
    reports = []
    flags = " ".join(quoted(argument) for argument in ["--headless=new", *QUIET, *stack.chromium_arguments])
    with apart(stack, "node") as (program, environment):
        for number in range(5):
            report = tmp_path / f"{number}.json"
            result = subprocess.run(
                [program, LIGHTHOUSE, f"{stack.page}{path}", "--quiet", "--only-categories=performance,accessibility",
                 "--output=json", f"--output-path={report}", f"--chrome-flags={flags}"],
                env={**environment, "CHROME_PATH": chromium}, capture_output=True, text=True, timeout=180,
            )  # fmt: skip
            # On a busy machine it may miss the beginning of a page, and says so.
            if result.returncode and "Please run Lighthouse again" in result.stderr:
                continue
            assert result.returncode == 0, result.stderr
            reports.append(json.loads(report.read_text()))
            if len(reports) == 3:
                break
    assert len(reports) == 3
    performance, accessibility = (
        [round(report["categories"][category]["score"] * 100) for report in reports]
        for category in ("performance", "accessibility")
    )
    paints = [report["audits"]["largest-contentful-paint"]["numericValue"] / 1000 for report in reports]
    figure(
        "Lighthouse, phone (goal: performance 95, accessibility 100, largest paint 1.2 s)",
        f"{median(performance):.0f} of {sorted(performance)}, {min(accessibility)}, {median(paints):.2f} s; "
        f"load {os.getloadavg()[0]:.1f}",
    )
    assert min(accessibility) == 100
    assert median(performance) > LOWEST
