import re
import shutil

import pytest

from production import ROOT

from .rendering import FOLDER


@pytest.fixture(scope="session")
def mine(tmp_path_factory):
    """A checkout with the overlay of one's own that README.md has."""
    checkout = tmp_path_factory.mktemp("mine")
    shutil.copytree(ROOT / "nginx", checkout / "nginx", ignore=shutil.ignore_patterns("ssl", "letsencrypt"))
    shutil.copytree(FOLDER, checkout / "ops" / "kubernetes")
    overlay = checkout / "ops" / "kubernetes" / "overlays" / "mine"
    overlay.mkdir()
    block = re.search(r"^```yaml overlay\n(.*?)^```$", (FOLDER / "README.md").read_text(), re.M | re.S)[1]
    (overlay / "kustomization.yaml").write_text(block)
    return overlay
