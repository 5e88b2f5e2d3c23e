"""
check.sh and deploy.sh, with a stand-in for kubectl in the place of a cluster: it renders as the real one does, notes
what else it was asked, and answers from a table. What a cluster makes of it is not seen here.
"""

import os
import re
import shlex
import shutil
import subprocess

import pytest
import yaml

from .rendering import FOLDER, KUBECTL, objects, of_kind, pods, text
from .test_objects import amount, references

# The first pattern that fits decides; what no pattern fits is answered with nothing, and goes well.
STAND_IN = """#!/bin/bash
if [ "$1" = kustomize ]; then
  # To render what has been rendered would take a quarter of a second each time.
  if cmp -s "$2/kustomization.yaml" {mine}/kustomization.yaml; then cp {rendered} "$4"; else exec {kubectl} "$@"; fi
  exit
fi
call=$*
call=${{call/--namespace thinkring /}}
printf '%s\\n' "$call" >>{calls}
{answers}
"""
ANSWER = "pattern={pattern}; if [[ $call =~ $pattern ]]{after}; then printf %s {said} {where}; exit {status}; fi"
NOT_FOUND = "Error from server (NotFound): there is none\n"
# A cluster that has all that is asked for, and nothing of thinkRing yet.
READY = [
    ["^get --raw /version", 0, '{\n  "major": "1",\n  "minor": "34+"\n}\n'],
    ["^get namespaces --selector", 0, "namespace/ingress\n"],
    ["^get nodes", 0, "16000000Ki\n"],
    ["^get secret", 0, "c2VjcmV0"],
    ["^get deployment backend$", 1, NOT_FOUND],
    ["^config current-context", 0, "here\n"],
    ["^get job", 0, "Complete\n"],
    ["^create --filename -", 0, "backup.postgresql.cnpg.io/before-deploy-1\n"],
]
# And one where it runs.
RUNS = [
    ["^get deployment backend$", 0, "backend\n"],
    [r"^get deployment (nginx|frontend|backend) .*revision", 0, "7"],
]


def answer(row, calls):
    """A line of the stand-in; a fourth word is a call that has to have come before."""
    pattern, status, said, *before = row
    return ANSWER.format(
        pattern=shlex.quote(pattern),
        after=f" && grep -q {shlex.quote(before[0])} {calls}" if before else "",
        said=shlex.quote(said),
        where=">&2" if status else "",
        status=status,
    )


class Cluster:
    def __init__(self, folder, mine):
        self.folder = folder
        self.mine = mine
        self.rendered = folder / "rendered.yaml"
        self.rendered.write_text(text(mine))
        self.file = folder / "calls"
        self.file.touch()
        self.programs = folder / "programs"
        self.programs.mkdir()

    def run(self, script, *arguments, answers=()):
        stand_in = self.programs / "kubectl"
        lines = "\n".join(answer(row, self.file) for row in [*answers, *READY])
        stand_in.write_text(
            STAND_IN.format(kubectl=KUBECTL, mine=self.mine, rendered=self.rendered, calls=self.file, answers=lines)
        )
        stand_in.chmod(0o755)
        return subprocess.run(
            [FOLDER / script, *arguments],
            env={"PATH": f"{self.programs}:{os.environ['PATH']}", "TMPDIR": self.folder},
            capture_output=True,
            text=True,
            # It would wait for a job for half an hour.
            timeout=60,
        )

    @property
    def calls(self):
        return self.file.read_text().splitlines()

    def changes(self):
        """What it was told to do, in order, without the folder that each run has of its own."""
        done = [call for call in self.calls if call.split()[0] not in ("get", "config", "logs", "wait")]
        return [
            re.sub(r" --filename \S*/all.yaml", "", call)
            for call in done
            if "--dry-run" not in call and not call.startswith("rollout status")
        ]


@pytest.fixture
def cluster(mine, tmp_path):
    return Cluster(tmp_path, mine)


@pytest.fixture
def overlay(mine, tmp_path):
    """One's own, to be spoilt."""
    checkout = tmp_path / "checkout"
    shutil.copytree(mine.parents[3], checkout)
    return checkout / "ops" / "kubernetes" / "overlays" / "mine"


def spoil(overlay, old, new):
    file = overlay / "kustomization.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def refuses(result, remedy):
    assert result.returncode != 0
    assert result.stdout == ""
    assert remedy in result.stderr
    assert result.stderr.startswith("check.sh: ")
    assert result.stderr.count("\n") == 1
    return True


def test_what_is_as_it_should_be_can_be_deployed(cluster, overlay):
    result = cluster.run("check.sh", overlay)

    assert result.stderr == ""
    assert result.stdout == f"{overlay} can be deployed to here.\n"
    assert cluster.changes() == []


@pytest.mark.parametrize(
    ("old", "new", "remedy"),
    [
        ("your.domain/api/v1", "example.com/api/v1", "the example's name api.example.com: make one of your own"),
        (
            "newName: registry.your.domain/thinkring-frontend",
            "newName: registry.example.com/thinkring-frontend",
            "make one of your own",
        ),
        ("newTag: 0.5.0", "newTag: latest", "set newTag to a release or a commit"),
        ("thinkring-frontend\n    newTag: 0.5.0", "thinkring-frontend\n    newTag: 0.4.0", "give both the same newTag"),
        ("ALLOWED_HOSTS=your.domain,api.your.domain", "ALLOWED_HOSTS=your.domain", "make them the same"),
        ("value: [your.domain, api.your.domain]\n  - target:\n      kind: ObjectStore",
         "value: [your.domain]\n  - target:\n      kind: ObjectStore", "make them the same"),
    ],
)  # fmt: skip
def test_an_overlay_that_is_wrong_is_refused(cluster, overlay, old, new, remedy):
    spoil(overlay, old, new)

    assert refuses(cluster.run("check.sh", overlay), remedy)
    assert cluster.calls == []


@pytest.mark.parametrize("name", ["single-node", "production"])
def test_the_examples_themselves_are_refused(cluster, name):
    assert refuses(cluster.run("check.sh", FOLDER / "overlays" / name), "make one of your own")


def test_an_overlay_that_cannot_be_read_is_refused_with_what_kustomize_says(cluster, overlay):
    spoil(overlay, "  - ../production", "  - ../elsewhere")

    result = cluster.run("check.sh", overlay)

    assert result.returncode == 1
    assert "elsewhere" in result.stderr
    assert result.stderr.endswith("Nothing was changed.\n")


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        (["^get --raw /version", 1, "Unable to connect to the server\n"], "kubectl config current-context"),
        (["^get --raw /version", 0, '{\n  "minor": "29"\n}'], "bring it up to date"),
        (["^get crd/clusters.postgresql", 1, NOT_FOUND], "CloudNativePG is not installed"),
        (["^get crd/objectstores", 1, NOT_FOUND], "the Barman Cloud plugin"),
        (["^get crd/certificates", 1, NOT_FOUND], "cert-manager is not installed"),
        (
            ["^get clusterimagecatalog/postgresql-standard-bookworm", 1, NOT_FOUND],
            "the catalogue of PostgreSQL's images",
        ),
        (["^get --raw /apis/metrics", 1, NOT_FOUND], "install metrics-server"),
        (["^get namespaces --selector", 0, ""], "kubectl label namespace NAME thinkring/ingress-controller=true"),
        (["^get nodes", 0, "1Gi\n1048576Ki\n"], "the nodes have 2048 MiB of memory for pods, and the overlay asks for"),
        (["^get namespace/thinkring", 1, NOT_FOUND], "kubectl create namespace thinkring"),
        (["^get secret thinkring .*JWT_SECRET_KEY", 0, ""], "the secret thinkring has no JWT_SECRET_KEY"),
        (["^get secret thinkring .*REDIS_PASSWORD", 0, ""], "the secret thinkring has no REDIS_PASSWORD"),
        (["^get secret backups ", 1, NOT_FOUND], "the secret backups has no ACCESS_KEY_ID"),
    ],
)
def test_a_cluster_that_lacks_something_is_refused(cluster, overlay, answer, remedy):
    assert refuses(cluster.run("check.sh", overlay, answers=[answer]), remedy)
    assert cluster.changes() == []


@pytest.mark.parametrize(("more", "status"), [(0, 0), (-1, 1)])
def test_what_the_pods_ask_for_is_what_the_nodes_have_to_have(cluster, overlay, more, status):
    found = objects(FOLDER / "overlays" / "production")
    deployments, scalers = of_kind(found, "Deployment"), of_kind(found, "HorizontalPodAutoscaler")
    asked = {
        made.owner.removeprefix("Deployment/"): sum(
            amount(entry["resources"]["requests"]["memory"]) for entry in made.containers
        )
        for made in pods(found)
        if made.owner.startswith("Deployment/")
    }
    database = of_kind(found, "Cluster")["database"]["spec"]
    needed = database["instances"] * amount(database["resources"]["requests"]["memory"]) + sum(
        asked[name] * (scalers[name]["spec"]["minReplicas"] if name in scalers else 1) for name in deployments
    )

    result = cluster.run("check.sh", overlay, answers=[["^get nodes", 0, f"{needed // 2**20 + more}Mi\n"]])

    assert result.returncode == status, result.stderr


def test_whoever_may_not_see_the_nodes_can_deploy(cluster, overlay):
    assert cluster.run("check.sh", overlay, answers=[["^get nodes", 1, "Forbidden\n"]]).returncode == 0


def test_it_asks_for_each_secret_that_the_overlay_names(cluster, overlay):
    cluster.run("check.sh", overlay)

    asked = {
        tuple(re.fullmatch(r"get secret (\S+) --output jsonpath=\{\.data\.(\w+)\}", call).groups())
        for call in cluster.calls
        if call.startswith("get secret ")
    }
    named = set(references(objects(FOLDER / "overlays" / "production"), "Secret"))
    # What comes with the database, and what is optional.
    made = {("database-app", "password"), ("database-ca", "ca.crt")}
    assert asked == named - made - {("thinkring", "EMAIL_HOST_PASSWORD")}


def test_what_the_cluster_refuses_is_refused(cluster, overlay):
    result = cluster.run("check.sh", overlay, answers=[["^apply --dry-run=server", 1, "denied by a policy\n"]])

    assert result.returncode == 1
    assert result.stderr == (
        "denied by a policy\n"
        "check.sh: the cluster refuses the objects, for the reasons above. Nothing was changed.\n"
    )  # fmt: skip
    assert cluster.changes() == []


LOOKS_AT_THE_SCHEMA = [
    "apply --selector app.kubernetes.io/component=settings",
    "delete job check --ignore-not-found --wait",
    "apply --selector app.kubernetes.io/name=check",
]


def test_where_it_runs_the_new_image_looks_at_the_schema(cluster, overlay):
    result = cluster.run("check.sh", overlay, answers=RUNS)

    assert result.returncode == 0, result.stderr
    assert cluster.changes() == LOOKS_AT_THE_SCHEMA


def test_a_release_that_is_older_than_the_schema_is_refused(cluster, overlay):
    said = "unknown thinking.0099_newer\nThe database is of a newer release than this image.\n"
    answers = [["^get job check", 0, "Failed\n"], ["^logs job/check", 0, said], *RUNS]

    result = cluster.run("check.sh", overlay, answers=answers)

    assert result.returncode == 1
    assert result.stderr == said + (
        "check.sh: the new backend refuses to look at the database: its last line was: The database is of a newer "
        "release than this image. What runs was not changed.\n"
    )
    assert cluster.changes() == LOOKS_AT_THE_SCHEMA


@pytest.mark.parametrize(
    "reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"]
)
def test_an_image_that_is_not_there_is_refused(cluster, overlay, reason):
    waiting = ["^get pods .*job-name=check", 0, f"{reason}: there is no such image\n"]

    result = cluster.run("check.sh", overlay, answers=[["^get job check", 0, ""], waiting, *RUNS])

    assert result.returncode == 1
    assert result.stderr.endswith(f"{reason}: there is no such image. What runs was not changed.\n")
    assert cluster.changes() == [*LOOKS_AT_THE_SCHEMA, "delete job check --wait=false"]


DEPLOYS = [
    "apply --selector !app.kubernetes.io/name",
    "delete job migrate --ignore-not-found --wait",
    "apply --selector app.kubernetes.io/name=migrate",
    "apply --selector app.kubernetes.io/name=nginx",
    "apply --selector app.kubernetes.io/name,app.kubernetes.io/name notin (check, migrate, nginx)",
]


def test_the_first_deploy_makes_the_database_migrates_and_starts(cluster, overlay):
    result = cluster.run("deploy.sh", overlay)

    assert result.returncode == 0, result.stderr
    assert cluster.changes() == DEPLOYS
    waits = [call for call in cluster.calls if call.startswith(("wait", "rollout status"))]
    assert waits == [
        "wait clusters.postgresql.cnpg.io --selector app.kubernetes.io/component=database "
        "--for=condition=Ready --timeout=15m",
        "rollout status deployment/nginx --timeout=10m",
        "rollout status deployment/backend --timeout=10m",
        "rollout status deployment/frontend --timeout=10m",
    ]


def test_a_deploy_begins_with_the_check(cluster, overlay):
    spoil(overlay, "newTag: 0.5.0", "newTag: latest")

    result = cluster.run("deploy.sh", overlay)

    assert result.returncode == 1
    assert "set newTag to a release or a commit" in result.stderr
    assert cluster.changes() == []


def test_an_update_makes_a_backup_first(cluster, overlay):
    result = cluster.run("deploy.sh", overlay, answers=RUNS)

    assert result.returncode == 0, result.stderr
    assert cluster.changes() == [*LOOKS_AT_THE_SCHEMA, "create --filename - --output name", *DEPLOYS]
    assert (
        "wait backup.postgresql.cnpg.io/before-deploy-1 --for=jsonpath={.status.phase}=completed --timeout=30m"
        in cluster.calls
    )


@pytest.mark.parametrize(("age", "made"), [("2 hours ago", False), ("2 days ago", True)])
def test_a_backup_of_the_last_day_is_enough(cluster, overlay, age, made):
    when = subprocess.run(
        ["date", "-u", "-d", age, "+%Y-%m-%dT%H:%M:%SZ"], check=True, capture_output=True, text=True
    ).stdout

    cluster.run("deploy.sh", overlay, answers=[["^get backups", 0, f"2026-01-01T02:00:00Z\n{when}"], *RUNS])

    assert ("create --filename - --output name" in cluster.changes()) == made


def test_without_a_backup_nothing_is_changed(cluster, overlay):
    result = cluster.run("deploy.sh", overlay, answers=[["^wait backup", 1, "timed out\n"], *RUNS])

    assert result.returncode == 1
    assert result.stderr.endswith("Nothing was changed.\n")
    assert cluster.changes() == [*LOOKS_AT_THE_SCHEMA, "create --filename - --output name"]


def test_a_migration_that_fails_ends_it_before_any_pod_is_replaced(cluster, overlay):
    answers = [["^get job migrate", 0, "Failed\n"], ["^logs job/migrate", 0, "the column is gone\n"], *RUNS]

    result = cluster.run("deploy.sh", overlay, answers=answers)

    assert result.returncode == 1
    assert result.stderr.endswith(
        "the migration failed: its last line was: the column is gone. The release before answers as it did.\n"
    )
    assert cluster.changes()[-1] == "apply --selector app.kubernetes.io/name=migrate"


def test_pods_that_do_not_become_ready_are_put_back(cluster, overlay):
    answers = [
        ["^rollout status deployment/backend", 1, "exceeded its progress deadline\n"],
        # By then nginx and the backend have other pods, and the frontend has not.
        ["^get deployment (nginx|backend) .*revision", 0, "8", "rollout status deployment/backend"],
        *RUNS,
    ]

    result = cluster.run("deploy.sh", overlay, answers=answers)

    assert result.returncode == 1
    assert result.stderr.endswith(
        "the new pods of backend do not become ready; their last lines are above. The release before answers.\n"
    )
    undone = {call for call in cluster.changes() if call.startswith("rollout undo")}
    assert undone == {
        "rollout undo deployment/nginx --to-revision=7",
        "rollout undo deployment/backend --to-revision=7",
    }


@pytest.mark.parametrize("script", ["check.sh", "deploy.sh"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name an overlay"),
        (["--force"], "there is no option --force"),
        (["here", "there"], "it takes one overlay"),
        (["nowhere"], "nowhere is no overlay"),
    ],
)
def test_whoever_calls_it_wrongly_is_told_how(cluster, script, arguments, said):
    result = cluster.run(script, *arguments)

    assert result.returncode == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert cluster.calls == []


@pytest.mark.parametrize("script", ["cluster.sh", "check.sh", "deploy.sh"])
def test_each_says_what_it_does(script):
    result = subprocess.run([FOLDER / script, "--help"], capture_output=True, text=True)

    assert result.returncode == 0
    assert result.stdout.startswith(f"{script} - ")


def test_the_backup_that_it_makes_is_as_the_nightly_one():
    text = (FOLDER / "deploy.sh").read_text()
    made = yaml.safe_load(re.search(r"<<YAML\n(.*?)^YAML$", text, re.M | re.S)[1].replace("$cluster", "database"))
    nightly = next(entry for entry in objects(FOLDER / "overlays" / "production") if entry["kind"] == "ScheduledBackup")

    assert made["spec"] == {name: nightly["spec"][name] for name in ("cluster", "method", "pluginConfiguration")}
