from typing import NamedTuple


class Departure(NamedTuple):
    """A specified key whose value is another one in the project, or is missing."""

    file: str
    key: str
    found: str

    def __str__(self):
        return f"{self.file}: {self.key} → {self.found}"


MISSING = "missing"


def differences(file, specified, actual):
    """The departures between two flat dicts; a specified value of None asks only for the key."""
    for key, value in specified.items():
        if key not in actual:
            yield Departure(file, key, MISSING)
        elif value is not None and actual[key] != value:
            yield Departure(file, key, actual[key] or "nothing")
