import re
import shutil

import pytest

from production import ROOT

from .cluster import Cluster
from .rendering import FOLDER


@pytest.fixture(scope="session")
def mine(tmp_path_factory):
    """A checkout with the overlay of one's own that README.md has."""
    checkout = tmp_path_factory.mktemp("mine")
    shutil.copytree(ROOT / "nginx", checkout / "nginx", ignore=shutil.ignore_patterns("ssl", "letsencrypt"))
    for folder in (FOLDER, FOLDER.parent / "schema"):
        shutil.copytree(folder, checkout / "ops" / folder.name)
    overlay = checkout / "ops" / "kubernetes" / "overlays" / "mine"
    overlay.mkdir()
    block = re.search(r"^```yaml overlay\n(.*?)^```$", (FOLDER / "README.md").read_text(), re.M | re.S)[1]
    (overlay / "kustomization.yaml").write_text(block)
    return overlay


@pytest.fixture
def cluster(mine, tmp_path):
    return Cluster(tmp_path, mine)


@pytest.fixture
def overlay(mine, tmp_path):
    """One's own, to be spoilt."""
    checkout = tmp_path / "checkout"
    shutil.copytree(mine.parents[3], checkout)
    return checkout / "ops" / "kubernetes" / "overlays" / "mine"
