import os

import pytest


@pytest.fixture(scope="session")
def root(missing):
    if os.geteuid() != 0:
        missing("only root can break, and look into, what runs in containers")


def torture(*case):
    return pytest.param(*case, marks=pytest.mark.torture)
