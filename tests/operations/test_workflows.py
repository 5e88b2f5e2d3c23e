"""
The workflows, as far as they run without GitHub. The steps of the pull request and of the security review are run as
its runner runs them, with stand-ins for the programs that they call; and of all workflows it is looked at what they may
do, for how long, and by which actions.
"""

import itertools
import json
import re
import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath

import pytest
import yaml

from production import ROOT

from .test_scripts import tracked

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
WORKFLOWS = {file.stem: yaml.safe_load(file.read_text()) for file in FILES}
PULL_REQUEST = WORKFLOWS["pull-request"]["jobs"]
REVIEW = WORKFLOWS["security-review"]["jobs"]["open"]
SPECIFIED = {
    re.search(r"^ARG (\w+_VERSION=\S+)$", (ROOT / half / "Dockerfile.prod").read_text(), re.M)[1]
    for half in ("backend", "frontend")
}
CHECKLIST = ROOT / ".github/security-review.md"

# Notes what it was called with, and where. What is asked to write a file writes one.
STAND_IN = """#!/usr/bin/python3
import json, os, pathlib, sys
call = [pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]
with open(os.environ["RECORD"], "a") as record:
    print(json.dumps({"in": os.getcwd(), "call": call}), file=record)
if "--output" in call:
    pathlib.Path(call[call.index("--output") + 1]).touch()
sys.exit(os.environ["FAILS"] in " ".join(call))
"""
STAND_INS = ["apt-get", "docker", "gh", "make", "npm", "pipx"]
# Nothing else can be called.
REAL = ["bash", "date", "dirname", "env", "fc-list", "grep"]


class Runner:
    """A checkout, and the way of GitHub's runner to run a step in it."""

    def __init__(self, folder):
        self.folder = folder
        self.checkout, self.programs, self.record = folder / "checkout", folder / "programs", folder / "record"
        self.checkout.mkdir()
        for entry in ROOT.iterdir():
            (self.checkout / entry.name).symlink_to(entry)
        self.programs.mkdir()
        for name in REAL:
            if found := shutil.which(name):
                (self.programs / name).symlink_to(found)
        self.write_program("sudo", '#!/bin/sh\nexec "$@"\n')
        for name in STAND_INS:
            self.write_program(name, STAND_IN)
        self.record.touch()

    def write_program(self, name, text):
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def run(self, job, fails="nothing fails"):
        """The exit status of each command of a job, for each entry of its matrix."""
        return [
            self.run_step(step, entry, fails)
            for entry in entries(job.get("strategy", {}).get("matrix", {}))
            for step in job["steps"]
            if "run" in step
        ]

    def run_step(self, step, entry, fails):
        environment = {name: filled_in(value, entry) for name, value in step.get("env", {}).items()}
        environment |= {"PATH": str(self.programs), "RUNNER_TEMP": str(self.folder)}
        environment |= {"RECORD": str(self.record), "FAILS": fails}
        folder = self.checkout / step.get("working-directory", ".")
        command = ["/bin/bash", "-e", "-c", step["run"]]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True).returncode

    def calls(self, *beginning):
        """Where and how programs were called, of those calls that begin like this."""
        calls = [json.loads(line) for line in self.record.read_text().splitlines()]
        return [(Path(call["in"]), call["call"]) for call in calls if call["call"][: len(beginning)] == [*beginning]]

    def targets(self):
        return {target for _, call in self.calls("make") for target in call[1:]}


def entries(matrix):
    """What a matrix makes of a job; one without has one entry."""
    if "include" in matrix:
        return matrix["include"]
    return [dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())]


def filled_in(text, entry):
    known = {"github.token": "the token of the job"} | {f"matrix.{name}": value for name, value in entry.items()}
    return re.sub(r"\$\{\{ (\S+) \}\}", lambda expression: known[expression[1]], text)


@pytest.fixture
def runner(tmp_path):
    return Runner(tmp_path)


@pytest.mark.parametrize("job", [*PULL_REQUEST.values(), REVIEW], ids=[*PULL_REQUEST, "review"])
def test_every_command_runs_and_finds_what_it_names(runner, job):
    statuses = runner.run(job)

    assert statuses
    assert set(statuses) == {0}
    for folder, call in runner.calls():
        for argument in call[1:]:
            path = argument.split(":")[0]
            relative = "/" in path and not path.startswith(("/", "-")) and "@sha256:" not in argument
            if relative or path.startswith(str(runner.folder)):
                assert (folder / path).exists(), argument
    if runner.targets():
        subprocess.run(["make", "--dry-run", *runner.targets()], cwd=ROOT, check=True, capture_output=True)


def test_what_is_deployed_was_tested(runner):
    """On PostgreSQL, with what the tests need after what the application does, and the front end too."""
    jobs = WORKFLOWS["deploy"]["jobs"]
    for name in ["pip", "python"]:
        runner.write_program(name, STAND_IN)

    assert set(runner.run(jobs["test"])) == {0}

    assert [" ".join(call) for _, call in runner.calls()] == [
        "pip install -r requirements.txt",
        "pip install -r requirements-dev.txt",
        "python manage.py test",
        "make test-frontend",
    ]
    assert {folder.resolve() for folder, _ in runner.calls("python")} == {ROOT / "backend"}
    database = jobs["test"]["services"]["postgres"]
    (tests,) = [step for step in jobs["test"]["steps"] if "manage.py test" in step.get("run", "")]
    assert database["image"] == "postgres:15"
    for name in ["DB", "USER", "PASSWORD"]:
        assert tests["env"][f"DB_{name.replace('DB', 'NAME')}"] == database["env"][f"POSTGRES_{name}"]
    assert jobs["build-and-deploy"]["needs"] == "test"


@pytest.mark.parametrize("fails", ["pip install", "manage.py test", "make test-frontend"])
def test_what_fails_keeps_it_from_being_deployed(runner, fails):
    for name in ["pip", "python"]:
        runner.write_program(name, STAND_IN)

    statuses = runner.run(WORKFLOWS["deploy"]["jobs"]["test"], fails)

    assert sum(status != 0 for status in statuses) == 1


def test_a_pull_request_runs_all_of_make_test(runner):
    database = subprocess.run(
        ["make", "--dry-run", "--print-data-base", "test"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    stages = set(re.search(r"^test: (.*)$", database, re.M)[1].split()) - {"install", "test-start"}

    for job in PULL_REQUEST.values():
        runner.run(job)

    assert "test-whole" in stages
    assert stages <= runner.targets()


@pytest.mark.parametrize(
    ("name", "fails"),
    [
        ("backend", "make test-backend"),
        ("backend", "make test-postgres"),
        ("upgrades", "make test-upgrades"),
        ("frontend", "make test-frontend"),
        ("linters", "make test-linters"),
        ("linters", "actionlint"),
        ("whole", "test-whole"),
        ("whole", "docker info"),
        ("dependencies", "pip-audit"),
        ("dependencies", "npm audit"),
        ("images", "docker build"),
        ("images", "trivy"),
    ],
)
def test_what_fails_fails_the_pull_request(runner, name, fails):
    job = PULL_REQUEST[name]

    failed = [status for status in runner.run(job, fails) if status != 0]

    calls = [call for _, call in runner.calls() if fails in " ".join(call)]
    assert calls
    assert len(failed) == len(calls)
    assert not any("continue-on-error" in place for place in [job, *job["steps"]])


def test_the_whole_check_runs_everything_unless_it_is_told_what(runner):
    runner.run({"steps": [{"run": ".ci/run"}]})

    assert runner.targets() == {"test"}


def test_it_runs_on_the_specified_releases_and_on_supported_ones(runner):
    python, node = PULL_REQUEST["backend"]["strategy"]["matrix"], PULL_REQUEST["frontend"]["strategy"]["matrix"]
    runner.run(PULL_REQUEST["images"])
    built = {call[call.index("--build-arg") + 1] for _, call in runner.calls("docker", "build")}

    # Without quotation marks 3.10 would be 3.1.
    assert (python, node) == ({"python": ["3.10", "3.13"]}, {"node": ["18", "22"]})
    assert built == {f"PYTHON_VERSION={release}" for release in python["python"]} | {
        f"NODE_VERSION={release}" for release in node["node"]
    }
    assert built > SPECIFIED


def test_a_hole_that_can_be_mended_fails_where_the_release_still_gets_mends(runner):
    for entry in PULL_REQUEST["images"]["strategy"]["matrix"]["include"]:
        runner.run({"strategy": {"matrix": {"include": [entry]}}, "steps": PULL_REQUEST["images"]["steps"]})
        _, scan = runner.calls("docker", "run")[-1]

        assert "--ignore-unfixed" in scan
        assert scan[scan.index("--exit-code") + 1] == ("0" if entry["release"] in SPECIFIED else "1")


def test_actions_are_pinned():
    uses = [line for file in FILES for line in re.findall(r"uses: (.*)$", file.read_text(), re.M)]

    pins = {re.fullmatch(r"([\w-]+/[\w-]+)@([0-9a-f]{40})  # (v\d+\.\d+\.\d+)", line).groups() for line in uses}
    assert len(pins) == len({action for action, _, _ in pins}), "one release of each"


def test_containers_are_pinned(runner):
    for job in PULL_REQUEST.values():
        runner.run(job)

    started = [" ".join(call) for _, call in runner.calls("docker", "run")]
    assert started
    assert all(re.search(r" [\w/-]+:[\w.]+@sha256:[0-9a-f]{64}( |$)", call) for call in started)


@pytest.mark.parametrize("workflow", WORKFLOWS.values(), ids=WORKFLOWS)
def test_a_job_may_do_little_and_not_for_long(workflow):
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        allowed = {"contents": "read"} | ({"issues": "write"} if job is REVIEW else {})
        assert job["permissions"] == allowed
        assert int(job["timeout-minutes"]) <= 150
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_a_newer_push_stops_the_older_run():
    concurrency = WORKFLOWS["pull-request"]["concurrency"]

    assert concurrency["cancel-in-progress"] is True
    assert "github.event.pull_request.number" in concurrency["group"], "and not that of another pull request"


def test_the_security_review_opens_an_issue_with_the_list(runner):
    runner.run(REVIEW)

    ((folder, call),) = runner.calls("gh")
    options = dict(zip(call[3::2], call[4::2], strict=True))
    assert call[:3] == ["gh", "issue", "create"]
    assert options.keys() == {"--title", "--body-file"}
    assert options["--title"] == f"Security review {datetime.now(timezone.utc):%Y-%m}"
    assert (folder / options["--body-file"]).read_text() == CHECKLIST.read_text()


def test_the_security_review_says_when_there_is_no_issue(runner):
    assert any(runner.run(REVIEW, fails="gh issue create"))


@pytest.mark.parametrize("code", sorted(set(re.findall(r"`([^`]+)`", CHECKLIST.read_text()))))
def test_what_the_list_names_is_there(code):
    program, *arguments = code.split()
    if program == "make":
        subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, check=True, capture_output=True)
    elif program.startswith("ops/"):
        said = subprocess.run([program, "--help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        assert " ".join([program, *arguments]) in said
    elif "/" in program:
        assert (ROOT / program).exists()


def test_the_list_can_be_ticked_and_has_no_links_that_an_issue_would_break():
    text = CHECKLIST.read_text()

    assert text.count("- [ ] ") == text.count("\n- ") > 10
    assert "](" not in text


def test_dependabot_knows_every_lock_file_and_waits():
    manifests = {
        "uv": ["*requirements*.txt"],
        "npm": ["*package-lock.json"],
        "docker": ["*Dockerfile*"],
        "github-actions": [".github/workflows/*.yml"],
    }
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]

    assert [update["package-ecosystem"] for update in updates] == list(manifests)
    for update in updates:
        folders = {f"/{PurePosixPath(name).parent}" for name in tracked(*manifests[update["package-ecosystem"]])}
        # Of GitHub's own files it knows the place.
        folders = {"/" if folder == "/.github/workflows" else folder for folder in folders}
        assert set(update.get("directories", [update.get("directory")])) == folders
        assert update["cooldown"]["default-days"] >= 7
        assert update["groups"]


@pytest.mark.parametrize("file", tracked("backend/requirements*.txt"))
def test_every_python_package_is_locked_with_hashes(file):
    lines = (ROOT / file).read_text().replace("\\\n", " ").splitlines()
    packages = [line for line in lines if line and not line.lstrip().startswith("#")]

    assert len(packages) > 10
    assert [line for line in packages if "==" not in line or "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("file", tracked("*package-lock.json"))
def test_every_npm_package_is_locked_with_hashes(file):
    packages = json.loads((ROOT / file).read_text())["packages"]

    assert len(packages) > 20
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []
