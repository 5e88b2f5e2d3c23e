"""check.sh, and the jobs that it starts; with a stand-in for the cluster (cluster.py)."""

import json
import os
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from .cluster import LOOKS_AT_THE_SCHEMA, NOT_FOUND, RUNS, TRIES_THE_RELEASE, spoil
from .rendering import FOLDER, objects, of_kind, pod, pods, rendered
from .test_objects import amount, references


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
    assert cluster.changes() == TRIES_THE_RELEASE


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


def requested(containers):
    return [amount(entry["resources"]["requests"]["memory"]) // 2**20 for entry in containers]


@pytest.fixture(scope="module")
def asked():
    """MiB that one pod asks for, of each that runs always; those that begin before it do so one after the other."""
    found = rendered("production")
    deployments = [made for made in pods(found) if made.owner.startswith("Deployment/")]
    return {
        made.owner.removeprefix("Deployment/"): max(
            sum(requested(made.spec["containers"])), *requested(made.spec.get("initContainers", [])), 0
        )
        for made in deployments
    } | {"database": requested([of_kind(found, "Cluster")["database"]["spec"]])[0]}


@pytest.mark.parametrize(("more", "status"), [(0, 0), (-1, 1)])
def test_what_the_pods_ask_for_is_what_the_nodes_have_to_have(cluster, overlay, asked, more, status):
    """While one more backend and frontend start, too; nginx has been replaced before."""
    number = {"database": 3, "redis": 1, "nginx": 2, "frontend": 2 + 1, "backend": 2 + 1}
    needed = sum(asked[name] * number[name] for name in number)
    assert set(number) == set(asked)

    result = cluster.run("check.sh", overlay, answers=[["^get nodes", 0, f"{needed + more}Mi\n"]])

    assert result.returncode == status, result.stderr


@pytest.mark.parametrize(("more", "status"), [(0, 0), (-1, 1)])
def test_the_largest_pod_has_to_have_a_node(cluster, overlay, asked, more, status):
    most = max(asked.values())

    result = cluster.run("check.sh", overlay, answers=[["^get nodes", 0, f"{most + more}Mi\n" * 20]])

    assert result.returncode == status, result.stderr
    if status:
        assert refuses(result, f"no node has more than {most - 1} MiB of memory for pods, and one of ")


def test_whoever_may_not_see_the_nodes_can_deploy_and_is_told(cluster, overlay):
    result = cluster.run("check.sh", overlay, answers=[["^get nodes", 1, "Forbidden\n"]])

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("The memory of the nodes was not looked at: you may not see them.\n")


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


def test_the_cluster_looks_at_all_but_the_jobs(cluster, overlay):
    """Which cannot be changed, and are made anew."""
    cluster.run("check.sh", overlay)

    (look,) = [call for call in cluster.calls if "--dry-run=server" in call]
    left_out = re.search(r"--selector app\.kubernetes\.io/name notin \(([^)]*)\)$", look)[1]
    assert set(left_out.split(", ")) == set(of_kind(objects(overlay), "Job"))


def test_what_the_cluster_refuses_is_refused(cluster, overlay):
    result = cluster.run("check.sh", overlay, answers=[["^apply --dry-run=server", 1, "denied by a policy\n"]])

    assert result.returncode == 1
    assert result.stderr == (
        "denied by a policy\n"
        "check.sh: the cluster refuses the objects, for the reasons above. Nothing was changed.\n"
    )  # fmt: skip
    assert cluster.changes() == []


def test_where_it_runs_the_new_image_looks_at_the_schema(cluster, overlay):
    result = cluster.run("check.sh", overlay, answers=RUNS)

    assert result.returncode == 0, result.stderr
    assert cluster.changes() == [*TRIES_THE_RELEASE, *LOOKS_AT_THE_SCHEMA]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        said = self.server.objects.get(urlsplit(self.path).path)
        text = json.dumps(said or {}).encode()
        self.send_response(200 if said else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


def resources(version, kind, name):
    resource = {"name": name, "kind": kind, "namespaced": True, "verbs": ["get", "list"]}
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": [resource]}


@pytest.fixture
def failed():
    """An API that has a job `check` which failed; its pod's state is the test's."""
    condition = {"type": "Failed", "status": "True", "message": "Job has reached the specified backoff limit"}
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "check-1"}, "status": {}}
    batch = {"groupVersion": "batch/v1", "version": "v1"}
    job = {
        "kind": "Job",
        "apiVersion": "batch/v1",
        "metadata": {"name": "check"},
        "status": {"conditions": [condition]},
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.objects = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "groups": [{"name": "batch", "versions": [batch]}]},
        "/api/v1": resources("v1", "Pod", "pods"),
        "/apis/batch/v1": resources("batch/v1", "Job", "jobs"),
        "/api/v1/namespaces/thinkring/pods": {"kind": "PodList", "apiVersion": "v1", "items": [pod]},
        "/apis/batch/v1/namespaces/thinkring/jobs/check": job,
    }
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.status = pod["status"]
    server.condition = condition
    yield server
    server.shutdown()


def state(name, **its):
    return {"name": name, "image": f"registry.your.domain/thinkring-{name}:0.5.0", "state": its}


def test_a_half_that_is_not_what_it_has_to_be_is_refused(cluster, overlay, failed):
    failed.status["initContainerStatuses"] = [
        state("backend", terminated={"exitCode": 0}),
        state("frontend", terminated={"exitCode": 1, "message": "the image is of another commit: build both of one\n"}),
        state("nginx", waiting={"reason": "PodInitializing"}),
    ]
    failed.status["containerStatuses"] = [state("job", waiting={"reason": "PodInitializing"})]

    result = cluster.run("check.sh", overlay, api=failed)

    assert refuses(result, "frontend: the image is of another commit: build both of one. What runs was not changed.")
    assert cluster.changes() == TRIES_THE_RELEASE


def test_a_job_that_had_no_time_left_is_told(cluster, overlay, failed):
    failed.condition["message"] = "Job was active longer than specified deadline"

    assert refuses(cluster.run("check.sh", overlay, api=failed), "Job was active longer than specified deadline. What")


def test_settings_that_the_release_refuses_are_refused(cluster, overlay):
    said = "thinkRing cannot start: set SECRET_KEY to a secret of at least 32 characters: it has 5.\n"
    answers = [["^get job check", 0, "Failed: \n"], ["^logs job/check", 0, said]]

    result = cluster.run("check.sh", overlay, answers=answers)

    assert result.returncode == 1
    assert result.stderr == said + (
        f"check.sh: the release cannot start: its last line was: {said.strip()} What runs was not changed.\n"
    )
    assert cluster.changes() == TRIES_THE_RELEASE


@pytest.mark.parametrize("kind", ["initContainerStatuses", "containerStatuses"])
@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("ErrImagePull", ". Push it, or set newName and newTag to what is there"),
        ("ImagePullBackOff", ". Push it, or set newName and newTag to what is there"),
        ("InvalidImageName", ". Push it, or set newName and newTag to what is there"),
        ("CreateContainerConfigError", ""),
    ],
)
def test_an_image_that_is_not_there_is_refused(cluster, overlay, failed, kind, reason, remedy):
    failed.condition["status"] = "False"
    failed.status[kind] = [state("nginx", waiting={"reason": reason, "message": "there is no such image"})]

    result = cluster.run("check.sh", overlay, api=failed)

    assert refuses(result, f"{reason}: there is no such image{remedy}. What runs was not changed.")
    assert cluster.changes() == [*TRIES_THE_RELEASE, "delete job check --wait=false"]


@pytest.fixture
def half(overlay, tmp_path):
    """Runs what an init container of the job `check` runs, beside an image's files."""

    def run(name, file, commit):
        made = pod(objects(overlay), "Job/check")
        command = next(entry for entry in made.spec["initContainers"] if entry["name"] == name)["command"]
        (tmp_path / "image").mkdir(exist_ok=True)
        (tmp_path / "image" / file).touch()
        (tmp_path / "commit").mkdir(exist_ok=True)
        return subprocess.run(
            [word.replace("/commit/", f"{tmp_path}/commit/") for word in command],
            cwd=tmp_path / "image", env={"PATH": os.environ["PATH"], "COMMIT": commit}, capture_output=True, text=True,
        )  # fmt: skip

    return run


def test_both_halves_of_one_commit_are_taken(half):
    for name, file in (("backend", "manage.py"), ("frontend", "publish.js")):
        result = half(name, file, "abc")
        assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), name


def test_halves_of_two_commits_are_told(half):
    half("backend", "manage.py", "abc")

    result = half("frontend", "publish.js", "def")

    assert result.returncode == 1
    assert result.stdout == "the image is of commit def, and the backend's of abc: build and push both of one commit\n"


def test_an_image_that_does_not_know_its_commit_is_told(half):
    result = half("backend", "manage.py", "unknown")

    assert result.returncode == 1
    assert result.stdout == "the image does not know its commit: build it with --build-arg COMMIT\n"


@pytest.mark.parametrize("name", ["backend", "frontend"])
def test_an_image_of_something_else_is_told(half, name):
    result = half(name, "index.html", "abc")

    assert result.returncode == 1
    assert result.stdout == f"the image is not one of the {name}: set newName and newTag to one that is\n"


def test_a_migration_with_which_the_pods_do_not_run_is_refused(cluster, overlay):
    said = "pending thinking.0098_more\npending thinking.0099_less\nbreaking thinking.0099_less\nlooked\n"

    result = cluster.run("check.sh", overlay, answers=[["^logs job/schema", 0, said], *RUNS])

    assert refuses(result, "(thinking.0099_less: no `previous_release_runs = True` in the file). Make it two releases;")
    assert cluster.changes() == [*TRIES_THE_RELEASE, *LOOKS_AT_THE_SCHEMA]


def test_a_migration_with_which_they_run_is_not(cluster, overlay):
    said = "pending thinking.0098_more\nlooked\n"

    result = cluster.run("check.sh", overlay, answers=[["^logs job/schema", 0, said], *RUNS])

    assert result.returncode == 0, result.stderr


def test_an_answer_that_was_cut_short_is_none(cluster, overlay):
    result = cluster.run("check.sh", overlay, answers=[["^logs job/schema", 0, "pending thinking.0098_more\n"], *RUNS])

    assert refuses(result, "was cut short; run this again.")


@pytest.fixture
def history(overlay):
    """A checkout whose files of migrations are of an older release; of the newer one its history knows."""
    checkout = overlay.parents[3]

    def git(*arguments):
        name = ("-c", "user.name=somebody", "-c", "user.email=somebody@your.domain")
        subprocess.run(["git", *name, *arguments], cwd=checkout, check=True, capture_output=True)

    folder = checkout / "backend" / "apps" / "thinking" / "migrations"
    folder.mkdir(parents=True)
    git("init", "--initial-branch", "main")
    git("commit", "--allow-empty", "--message", "The older release")
    git("checkout", "--detach")
    (folder / "0097_less.py").write_text("class Migration:\n    previous_release_runs = False\n")
    (folder / "0098_more.py").write_text(
        'class Migration:\n    previous_release_runs = True\n    previous_release_runs_with = ["axes"]\n'
    )
    git("add", "backend")
    git("commit", "--message", "The newer release")
    # By no name any more.
    git("checkout", "main")
    assert not list(folder.parent.glob("migrations/*"))
    return checkout / "ops" / "kubernetes"


@pytest.mark.parametrize("migration", ["thinking.0098_more", "axes.0099_packages"])
def test_an_older_release_is_taken_where_history_says_that_it_runs(cluster, overlay, history, migration):
    answers = [["^logs job/schema", 0, f"surplus {migration}\nlooked\n"], *RUNS]

    result = cluster.run("check.sh", overlay, answers=answers, scripts=history)

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("migration", ["thinking.0097_less", "thinking.0099_unheard_of", "sites.0099_packages"])
def test_an_older_release_of_which_nothing_says_that_is_refused(cluster, overlay, history, migration):
    answers = [["^logs job/schema", 0, f"surplus thinking.0098_more\nsurplus {migration}\nlooked\n"], *RUNS]

    result = cluster.run("check.sh", overlay, answers=answers, scripts=history)

    assert refuses(result, f"({migration}: no `previous_release_runs = True` in the file). Deploy a release that")
    assert cluster.changes() == [*TRIES_THE_RELEASE, *LOOKS_AT_THE_SCHEMA]


def test_without_history_no_older_release_is_taken(cluster, overlay, history):
    shutil.rmtree(history.parents[1] / ".git")
    answers = [["^logs job/schema", 0, "surplus thinking.0098_more\nlooked\n"], *RUNS]

    result = cluster.run("check.sh", overlay, answers=answers, scripts=history)

    assert refuses(result, "(thinking.0098_more: no `previous_release_runs = True` in the file)")
