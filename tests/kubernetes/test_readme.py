"""What README.md says is what there is."""

import os
import re
import subprocess

from production import ROOT

from .rendering import FOLDER, objects, of_kind, pod, pods, rendered, settings
from .test_objects import references

README = (FOLDER / "README.md").read_text()
BLOCKS = dict(re.findall(r"^```\w+ (\w+)\n(.*?)^```$", README, re.M | re.S))


def test_ones_own_overlay_has_ones_own_names_everywhere(mine):
    found = objects(mine)

    hosts = ["your.domain", "api.your.domain"]
    assert settings(found)["ALLOWED_HOSTS"].split(",") == hosts
    ingress = of_kind(found, "Ingress")["thinkring"]["spec"]
    assert [rule["host"] for rule in ingress["rules"]] == ingress["tls"][0]["hosts"] == hosts
    assert of_kind(found, "Certificate")["thinkring"]["spec"]["dnsNames"] == hosts
    assert "example.com" not in str([entry for entry in found if entry["kind"] != "ConfigMap"])
    assert not [value for value in settings(found).values() if "example.com" in value]


def test_ones_own_overlay_is_the_one_below_otherwise(mine):
    ours, theirs = rendered("production"), objects(mine)

    assert [(entry["kind"], entry["metadata"]["name"]) for entry in ours if entry["kind"] != "ConfigMap"] == [
        (entry["kind"], entry["metadata"]["name"]) for entry in theirs if entry["kind"] != "ConfigMap"
    ]
    assert set(settings(theirs)) == set(settings(ours)) | {"EMAIL_HOST"}


def test_requests_are_those_of_the_table():
    found = rendered("production")
    table = {
        name: {"cpu": cpu, "memory": memory}
        for name, cpu, memory in re.findall(r"^\| (\w+) \| (\d+m) \| (\d+Mi) \|", README, re.M)
    }
    requested = {
        made.owner.removeprefix("Deployment/"): made.spec["containers"][0]["resources"]["requests"]
        for made in pods(found)
        if made.owner.startswith("Deployment/")
    }
    requested["database"] = of_kind(found, "Cluster")["database"]["spec"]["resources"]["requests"]

    assert table == requested


def document(name):
    return (ROOT / "docs" / name).read_text()


def test_figures_are_those_that_were_measured():
    """Each figure of the table's last column stands in the document that it is from."""
    backend, database, nginx = re.search(
        r"^A call takes (\S+ ms) in a backend, (\S+ ms) in PostgreSQL, (\S+ ms) in nginx", document("scaling.md"), re.M
    ).groups()
    loads = re.findall(r"^\| (?:half|twice) the capacity .*memory in MiB: ([^;|]*)", document("reliability.md"), re.M)
    rate = re.search(r"half the capacity \(3600\) \| 3600 s at (\d+) a second", document("reliability.md"))[1]
    whole = re.search(r"memory of the whole stack, at full load \|[^|]*\| (\d+ MB)", document("performance.md"))[1]
    found = rendered("production")
    parameters = of_kind(found, "Cluster")["database"]["spec"]["postgresql"]["parameters"]
    buffers = parameters["shared_buffers"].replace("MB", " MB")
    most = re.search(r"--maxmemory (\d+)mb", pod(found, "Deployment/redis").spec["containers"][0]["command"][-1])[1]

    def memory(name):
        taken = [
            int(size) for load in loads for sizes in re.findall(rf"\b{name} (\d+) → (\d+)", load) for size in sizes
        ]
        return f"{min(taken)}–{max(taken)} MiB under load"

    assert dict(re.findall(r"^\| (\w+) \| \d+m \| \d+Mi \| (.*) \|$", README, re.M)) == {
        "nginx": f"{nginx} a call; {memory('nginx')}",
        "frontend": memory("frontend"),
        "backend": f"{backend} a call, {rate} calls a second at half the capacity; {memory('backend')}, "
        f"the whole stack {whole} at full load",
        "database": f"{database} a call; {memory('db')}, and {buffers} of shared buffers as they fill",
        "redis": f"keeps {most} MB at most",
    }


def test_files_that_are_named_are_there():
    for path in re.findall(r"`((?:base|components|overlays)/[\w./-]*)`", README):
        if "mine" not in path:
            assert (FOLDER / path).exists(), path
    for path in re.findall(r"\]\((\.\./[^)#]+)", README):
        assert (FOLDER / path).exists(), path


STAND_IN = """
kubectl() {
  for word in "$@"; do
    case $word in --from-env-file=*) sed "s/^/$6 /" "${word#*=}" ;; esac
  done
}
"""


def test_secrets_that_the_readme_makes_are_those_that_are_needed():
    of_buckets = ("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
    result = subprocess.run(
        ["bash", "-euc", STAND_IN + BLOCKS["secrets"]],
        env={"PATH": os.environ["PATH"], **dict.fromkeys(of_buckets, "something")},
        check=True,
        capture_output=True,
        text=True,
    )
    made = {tuple(re.fullmatch(r"(\w+) (\w+)=\w+", line).groups()) for line in result.stdout.splitlines()}

    named = set(references(rendered("production"), "Secret"))
    # What comes with the database, and what is optional.
    assert made == named - {
        ("database-app", "password"),
        ("database-ca", "ca.crt"),
        ("thinkring", "EMAIL_HOST_PASSWORD"),
    }
