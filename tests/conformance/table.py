"""docs/conformance.md as data: its rows, the departures that each excuses, the tests that show it."""

import re
from dataclasses import dataclass, field


@dataclass
class Row:
    number: int
    title: str
    excuses: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)


def read(text):
    rows = []
    for number, title, body in re.findall(r"^### (\d+)\. ([^\n]+)\n(.*?)(?=^##|\Z)", text, re.M | re.S):
        rows.append(Row(int(number), title, items(body, "Excuses"), items(body, "Shown by")))
    return rows


def items(body, label):
    """The code spans of the list below `- **label:**`."""
    found = re.search(rf"^- \*\*{label}:\*\*\n((?:  - `.+`\n)*)", body, re.M)
    return re.findall(r"^  - `(.+)`$", found[1], re.M) if found else []


def judge(departures, rows):
    """The departures that no row excuses, and the excuses that no departure needs."""
    found = [str(departure) for departure in departures]
    excused = [excuse for row in rows for excuse in row.excuses]
    return [key for key in found if key not in excused], [key for key in excused if key not in found]
