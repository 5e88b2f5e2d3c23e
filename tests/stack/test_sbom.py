"""`make sbom`: what is in both images, as CycloneDX, read by syft from the images themselves."""

import json
import re
import subprocess

import pytest

from production import ROOT, docker

HALVES = ["backend", "frontend"]


@pytest.fixture(scope="module")
def lists(engine):
    subprocess.run(["make", "sbom"], cwd=ROOT, check=True, capture_output=True)
    return {half: json.loads((ROOT / "reports" / "sbom" / f"{half}.json").read_text()) for half in HALVES}


def packages(found, kind):
    """{(name, version)} of those that came by apt, pip or npm."""
    components = found["components"]
    return {(part["name"], part["version"]) for part in components if part.get("purl", "").startswith(f"pkg:{kind}/")}


def test_every_python_package(lists):
    locked = re.findall(r"^([\w.-]+)(?:\[.*?\])?==([\w.]+)", (ROOT / "backend" / "requirements.txt").read_text(), re.M)
    found = packages(lists["backend"], "pypi")

    assert len(found) > 30
    # Of some there are two versions, for older and newer Pythons, and one is for Windows.
    names = {name for name, _ in locked} - {"tzdata"}
    assert {name for name, _ in found & set(locked)} == names


@pytest.mark.parametrize("half", HALVES)
def test_what_the_base_image_brings_along(lists, half):
    base = {"backend": "python:3.10-slim", "frontend": "node:18-alpine"}[half]
    said = docker(
        "run", "--rm", "--network", "none", base, "sh", "-c",
        "if command -v dpkg-query >/dev/null; then dpkg-query -W -f '${Package}\\n'; else apk list -I -q | sort; fi",
    ).split()  # fmt: skip
    found = {name for kind in ["deb", "apk"] for name, _ in packages(lists[half], kind)}

    assert len(found) > 10
    assert {name for name in said if not any(name == part or name.startswith(f"{part}-") for part in found)} == set()


def test_the_form(lists):
    for half, found in lists.items():
        assert found["bomFormat"] == "CycloneDX"
        assert found["metadata"]["component"]["name"].startswith(f"thinkring-{half}")
