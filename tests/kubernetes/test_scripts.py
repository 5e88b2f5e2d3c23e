"""deploy.sh, and what it shares with check.sh; with a stand-in for the cluster (cluster.py)."""

import re
import subprocess

import pytest
import yaml

from .cluster import LOOKS_AT_THE_SCHEMA, RUNS, TRIES_THE_RELEASE, spoil
from .rendering import FOLDER, objects

MAKES_THE_DATABASE = "apply --selector !app.kubernetes.io/name"
MIGRATES_AND_ROLLS_OUT = [
    "delete job migrate --ignore-not-found --wait",
    "apply --selector app.kubernetes.io/name=migrate",
    "apply --selector app.kubernetes.io/name=nginx",
    "apply --selector app.kubernetes.io/name,app.kubernetes.io/name notin (check, schema, migrate, nginx)",
]


def test_the_first_deploy_makes_the_database_migrates_and_starts(cluster, overlay):
    result = cluster.run("deploy.sh", overlay)

    assert result.returncode == 0, result.stderr
    assert cluster.changes() == [
        *TRIES_THE_RELEASE,
        MAKES_THE_DATABASE,
        *LOOKS_AT_THE_SCHEMA,
        *MIGRATES_AND_ROLLS_OUT,
    ]
    waits = [call for call in cluster.calls if call.startswith(("wait", "rollout status"))]
    assert waits == [
        "wait clusters.postgresql.cnpg.io --selector app.kubernetes.io/component=database "
        "--for=condition=Ready --timeout=15m",
        "rollout status deployment/nginx --timeout=10m",
        "rollout status deployment/backend --timeout=10m",
        "rollout status deployment/frontend --timeout=10m",
    ]


def test_a_database_of_a_newer_release_is_not_migrated_by_a_first_deploy(cluster, overlay):
    """It was restored; there is nothing that runs, so a migration breaks nothing."""
    said = "pending thinking.0098_more\nbreaking thinking.0098_more\nsurplus thinking.0099_unheard_of\nlooked\n"

    result = cluster.run("deploy.sh", overlay, answers=[["^logs job/schema", 0, said]])

    assert result.returncode == 1
    assert "(thinking.0099_unheard_of: no `previous_release_runs = True` in the file)" in result.stderr
    assert cluster.changes() == [*TRIES_THE_RELEASE, MAKES_THE_DATABASE, *LOOKS_AT_THE_SCHEMA]


def test_a_first_deploy_breaks_nothing(cluster, overlay):
    said = "pending thinking.0098_more\nbreaking thinking.0098_more\nlooked\n"

    assert cluster.run("deploy.sh", overlay, answers=[["^logs job/schema", 0, said]]).returncode == 0


def test_a_deploy_begins_with_the_check(cluster, overlay):
    spoil(overlay, "newTag: 0.5.0", "newTag: latest")

    result = cluster.run("deploy.sh", overlay)

    assert result.returncode == 1
    assert "set newTag to a release or a commit" in result.stderr
    assert cluster.changes() == []


def test_an_update_makes_a_backup_first(cluster, overlay):
    result = cluster.run("deploy.sh", overlay, answers=RUNS)

    assert result.returncode == 0, result.stderr
    assert cluster.changes() == [
        *TRIES_THE_RELEASE,
        *LOOKS_AT_THE_SCHEMA,
        "create --filename - --output name",
        MAKES_THE_DATABASE,
        *MIGRATES_AND_ROLLS_OUT,
    ]
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
    assert cluster.changes() == [*TRIES_THE_RELEASE, *LOOKS_AT_THE_SCHEMA, "create --filename - --output name"]


def test_a_migration_that_fails_ends_it_before_any_pod_is_replaced(cluster, overlay):
    answers = [["^get job migrate", 0, "Failed: \n"], ["^logs job/migrate", 0, "the column is gone\n"], *RUNS]

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
