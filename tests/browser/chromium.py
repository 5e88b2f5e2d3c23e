"""A real Chromium, in front of a stack."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

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


@contextlib.contextmanager
def launched(stack, program):
    """Playwright's browser, which finds the stack by its names."""
    expect.set_options(timeout=15_000)
    with apart(stack, program) as (started, environment), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=started, env=environment, args=[*QUIET, *stack.chromium_arguments]
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
