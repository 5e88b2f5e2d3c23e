"""What README.md says is what there is."""

import re

from production import ROOT

from .rendering import FOLDER, objects, of_kind, pods, rendered, settings

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


def test_figures_are_those_that_were_measured():
    """Of the hour at half of the capacity, and of full load."""
    reliability = (ROOT / "docs/reliability.md").read_text()
    performance = (ROOT / "docs/performance.md").read_text()

    whole = re.search(r"memory of the whole stack, at full load \|[^|]*\| (\d+ MB)", performance)[1]
    assert f"of {whole} of the whole stack at full load" in README
    assert re.search(r"half the capacity \(3600\) \| 3600 s at 28 a second", reliability)


def test_files_that_are_named_are_there():
    for path in re.findall(r"`((?:base|components|overlays)/[\w./-]*)`", README):
        if "mine" not in path:
            assert (FOLDER / path).exists(), path
    for path in re.findall(r"\]\((\.\./[^)#]+)", README):
        assert (FOLDER / path).exists(), path


def test_secrets_that_the_readme_makes_are_those_that_are_needed():
    made = BLOCKS["secrets"]

    for name in re.findall(r"secret generic (\w+)", made):
        assert name in str(rendered("production"))
    assert {"SECRET_KEY", "JWT_SECRET_KEY", "REDIS_PASSWORD", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"} <= set(
        re.findall(r"[A-Z_]{5,}", made)
    )
