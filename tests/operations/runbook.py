"""The runbook and its blocks of commands, by their names."""

import re

from production import DOMAIN, ROOT

TEXT = (ROOT / "docs" / "runbook.md").read_text()
BLOCKS = dict(re.findall(r"^```bash (\S+)\n(.*?)^```$", TEXT, re.M | re.S))


def commands(name):
    return BLOCKS[name].replace("your.domain", DOMAIN)
