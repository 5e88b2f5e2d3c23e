"""The blocks that everything is compared with are the specification's own, and none is left out."""

import re

from .departures import COMPARED
from .specification import DIRECTORY, DOCUMENT, block, container_table

# What they show is built by all of it, or in the future.
NOT_COMPARED = {"architecture.txt", "deployment-flow.txt", "upstream-least-conn.conf"}

BLOCKS = re.findall(r"^```\w*\n(.*?)^```$", DOCUMENT.read_text(), re.M | re.S)
FILES = sorted(path.name for path in DIRECTORY.iterdir() if path != DOCUMENT)


def test_every_block_of_the_document_is_a_file():
    assert sorted(BLOCKS) == sorted(block(name) for name in FILES)


def test_every_file_is_compared():
    compared = {name for names in COMPARED.values() for name in names}

    assert compared | NOT_COMPARED == set(FILES)
    assert not compared & NOT_COMPARED


def test_the_container_table_is_read():
    assert container_table() == {
        "nginx": ("nginx:alpine", ["80", "443"]),
        "frontend": ("node:18-alpine", ["3000"]),
        "backend": ("python:3.10-slim", ["8000"]),
        "db": ("postgres:15", ["5432"]),
    }
