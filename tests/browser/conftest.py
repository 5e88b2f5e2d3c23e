"""
People in a real Chromium, in front of the production stack, through nginx and TLS.

Each `visitor` has a browser profile of its own and speaks one language; sentences are looked up where the page has them
(frontend/messages), so that a test says what it does and not how it is worded. At the end of a test nothing may have
been written to the console, no other host may have been asked, and axe may have found nothing serious on the pages
that the test looked at.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from .visitor import LOCALES, REPORTS, Visitor

APART = Path(__file__).with_name("apart.sh")

# Without these, Chromium asks its maker's hosts at every start.
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]


@pytest.fixture(scope="session")
def chromium(missing):
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        missing("there is no Chromium on this machine (Debian: apt install chromium)")
    return found


@pytest.fixture(scope="session")
def browser(stack, chromium):
    expect.set_options(timeout=15_000)
    with apart(stack, chromium) as (program, environment), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, env=environment, args=[*QUIET, *stack.chromium_arguments]
        )
        yield browser
        browser.close()


@contextlib.contextmanager
def apart(stack, program):
    """What to start with which environment, so that the program is in a network of its own (apart.sh).

    Without root or socat that cannot be made; then it is the program itself.
    """
    if os.geteuid() != 0 or not shutil.which("socat"):
        yield program, dict(os.environ)
        return
    ports = [str(port) for port in stack.ports.values()]
    with tempfile.TemporaryDirectory() as ways, contextlib.ExitStack() as relays:
        for port in ports:
            relay = subprocess.Popen(["socat", f"UNIX-LISTEN:{ways}/{port},fork,backlog=128", f"TCP:127.0.0.1:{port}"])
            relays.callback(relay.wait)
            relays.callback(relay.terminate)
        yield APART, {**os.environ, "PROGRAM": program, "PORTS": " ".join(ports), "WAYS": ways}


@pytest.fixture
def visitors(browser, stack, request):
    """Makes visitors, and looks at the end whether any of their browsers complained."""
    with contextlib.ExitStack() as closing:
        made = []

        def visitor(language="ja", **options):
            context = browser.new_context(locale=LOCALES[language], timezone_id="Asia/Tokyo", **options)
            context.set_default_timeout(20_000)
            closing.callback(context.close)
            made.append(Visitor(stack, context, language))
            return made[-1]

        yield visitor
        if request.node.stash.get(FAILED, False):
            for number, visitor in enumerate(made):
                REPORTS.mkdir(parents=True, exist_ok=True)
                visitor.page.screenshot(path=REPORTS / f"failed-{request.node.name}-{number}.png")
        complaints = [line for visitor in made for line in visitor.unexpected()]
    assert complaints == []


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
