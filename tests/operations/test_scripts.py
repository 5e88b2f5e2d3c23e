"""What an operator runs or edits is free of what linters know to be mistakes, and explains itself."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from production import ROOT

TOOLS = Path(sys.executable).parent

# What gixy warns of and is meant.
GIXY_SKIPS = [
    "add_header_content_type",  # `default_type` takes no variable: nginx's own errors are JSON or a page
    "default_server_flag",  # the specified `listen 80;`; the first server, the page's, is the default
    "try_files_is_evil_too",  # a new build's files are looked for as soon as they are there, not in a cache
]


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.splitlines() if not name.startswith("tests/fixtures/")]


@pytest.mark.parametrize("script", tracked("*.sh", ".ci/run"))
def test_shellcheck(script):
    result = subprocess.run([TOOLS / "shellcheck", "-x", script], cwd=ROOT, capture_output=True, text=True)

    assert result.returncode == 0, result.stdout


def test_yamllint():
    files = tracked("*.yml", "*.yaml")

    result = subprocess.run([TOOLS / "yamllint", "--strict", *files], cwd=ROOT, capture_output=True, text=True)

    assert files
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("dockerfile", tracked("*/Dockerfile*"))
def test_hadolint(dockerfile):
    result = subprocess.run([TOOLS / "hadolint", dockerfile], cwd=ROOT, capture_output=True, text=True)

    assert result.returncode == 0, result.stdout


def test_gixy():
    command = [TOOLS / "gixy", "--skips", ",".join(GIXY_SKIPS), "nginx/nginx.conf"]

    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert result.returncode == 0, result.stdout + result.stderr


def test_bandit():
    command = [TOOLS / "bandit", "--quiet", "--configfile", "pyproject.toml", "--recursive", "."]

    result = subprocess.run(command, cwd=ROOT / "backend", capture_output=True, text=True)

    assert result.returncode == 0, result.stdout + result.stderr


def test_zizmor():
    result = subprocess.run(
        [TOOLS / "zizmor", "--offline", "--strict-collection", "."], cwd=ROOT, capture_output=True, text=True
    )

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("script", tracked("backup.sh", ":(glob)ops/*.sh", ":(glob)ops/swarm/*.sh"))
def test_each_script_says_what_it_does(script):
    """The two lines of a person who has never seen it: --help works, and it starts with the script's name."""
    result = subprocess.run([ROOT / script, "--help"], capture_output=True, text=True)

    assert result.returncode == 0
    assert result.stdout.startswith(f"{Path(script).name} - ")


ALONE = [":(exclude)ops/installation.sh", ":(exclude)ops/self-signed-certificate.sh"]


@pytest.mark.parametrize("script", tracked("backup.sh", ":(glob)ops/*.sh", ":(glob)ops/swarm/*.sh", *ALONE))
def test_without_what_they_share_a_script_does_nothing(script, tmp_path):
    shutil.copytree(ROOT / "ops", tmp_path / "ops")
    shutil.copy(ROOT / "backup.sh", tmp_path)
    (tmp_path / "ops" / "installation.sh").unlink()

    result = subprocess.run([tmp_path / script], stdin=subprocess.DEVNULL, capture_output=True, text=True)

    assert result.returncode != 0
    assert result.stdout == ""
    assert result.stderr.endswith("installation.sh: No such file or directory\n")
    assert result.stderr.count("\n") == 1
