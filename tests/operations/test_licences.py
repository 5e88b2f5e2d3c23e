"""That docs/licences.md is what the packages say, and that nothing among it binds whoever takes thinkRing over."""

import pytest

from . import licences

ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "Apache License 2.0",
    "BSD",
    "BSD License",
    "BSD 3-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BlueOak-1.0.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-2.0",
    "PSF-2.0",
    "Python-2.0",
}
# Only this one, and why stands in docs/licences.md.
ALLOWED_HERE = {"psycopg": "LGPL-3.0-only", "psycopg-binary": "LGPL-3.0-only"}


def is_allowed(name, licence):
    if ALLOWED_HERE.get(name) == licence:
        return True
    choices = licence.strip("()").split(" OR ")
    return any(set(choice.split(" AND ")) <= ALLOWED for choice in choices)


def test_the_list_is_of_today():
    assert licences.FILE.read_text() == licences.text(), "out of date: make licences"


@pytest.mark.parametrize(
    ("packages", "at_least"),
    [(licences.python_packages, 30), (licences.s3_packages, 5), (licences.npm_packages, 30)],
)
def test_no_licence_that_nobody_has_looked_at(packages, at_least):
    found = packages()

    assert len(found) > at_least
    assert {name: licence for name, licence in found.items() if not is_allowed(name, licence)} == {}


@pytest.mark.parametrize(
    ("name", "licence", "expected"),
    [
        ("a", "MIT", True),
        ("a", "(MIT OR GPL-3.0-only)", True),
        ("a", "BSD-3-Clause AND ISC", True),
        ("a", "MIT AND GPL-2.0-only", False),
        ("a", "AGPL-3.0-or-later", False),
        ("a", "LGPL-3.0-only", False),
        ("psycopg", "LGPL-3.0-only", True),
        ("psycopg", "GPL-3.0-only", False),
        ("a", "", False),
    ],
)
def test_what_is_allowed(name, licence, expected):
    assert is_allowed(name, licence) is expected
