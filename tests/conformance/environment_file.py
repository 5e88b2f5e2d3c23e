"""The lines of the example of .env.production."""

from .departure import differences
from .specification import block

FILE = ".env.production.example"


def departures(project):
    yield from differences(FILE, parse(block("env.production")), read(project))


def read(project):
    return parse((project / FILE).read_text())


def parse(text):
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
