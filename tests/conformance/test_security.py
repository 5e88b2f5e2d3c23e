"""Each measure in docs/security.md names tests that exist, and items of the ASVS in the form that they have there."""

import ast
import re

import pytest

from production import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for table in re.findall(r"^\| measure .*\n\|[-|]+\n((?:\| .*\n)+)", TEXT, re.M)
    for line in table.splitlines()
]


def test_there_are_measures():
    assert len(ROWS) > 40
    assert all(len(row) == 3 for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_its_tests_exist(row):
    named = re.findall(r"`((?:tests|backend)/[^`]+\.py[^`]*)`", row[2])
    assert ", ".join(f"`{name}`" for name in named) == row[2]
    for name in named:
        path, *names = name.split("::")
        known = {node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if hasattr(node, "name")}
        assert known.issuperset(names), name


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_its_items_are_written_alike(row):
    assert re.fullmatch(r"–|(\d{1,2}\.\d{1,2}\.\d{1,2}(, (?!$))?)+", row[1])
