"""The objects of ops/kubernetes as `kubectl kustomize` renders them, and what pods they make."""

import functools
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from production import ROOT

FOLDER = ROOT / "ops" / "kubernetes"
OVERLAYS = ["single-node", "production"]
KUBECTL = Path(sys.executable).parent / "kubectl"


@functools.cache
def text(folder):
    result = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def rendered(overlay):
    return objects(FOLDER / "overlays" / overlay)


@functools.cache
def objects(folder):
    """Nobody may change them."""
    return list(yaml.load_all(text(folder), Loader=yaml.CSafeLoader))


def of_kind(found, kind):
    return {entry["metadata"]["name"]: entry for entry in found if entry["kind"] == kind}


def drill_cluster(found):
    """What the drill has the API make; it stands in a ConfigMap."""
    scripts = next(entry for name, entry in of_kind(found, "ConfigMap").items() if name.startswith("scripts-"))
    return yaml.safe_load(scripts["data"]["drill-cluster.yaml"])


@dataclass
class Pod:
    owner: str
    labels: dict
    spec: dict

    @property
    def containers(self):
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    def ports(self):
        return {port.get("name"): port["containerPort"] for entry in self.containers for port in entry.get("ports", [])}


def pods(found):
    """Of all that makes pods out of a template; those of CloudNativePG are the operator's own."""
    made = []
    for entry in found:
        template = {
            "Deployment": lambda spec: spec["template"],
            "Job": lambda spec: spec["template"],
            "CronJob": lambda spec: spec["jobTemplate"]["spec"]["template"],
        }.get(entry["kind"])
        if template:
            template = template(entry["spec"])
            owner = f"{entry['kind']}/{entry['metadata']['name']}"
            made.append(Pod(owner, template["metadata"]["labels"], template["spec"]))
    return made


def pod(found, owner):
    return next(entry for entry in pods(found) if entry.owner == owner)


def settings(found):
    return next(entry for name, entry in of_kind(found, "ConfigMap").items() if name.startswith("settings-"))["data"]


def selects(selector, labels):
    """Whether a label selector, of a policy or a workload, takes a pod with these labels."""
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        {"In": labels.get(entry["key"]) in entry.get("values", [])}[entry["operator"]]
        for entry in selector.get("matchExpressions", [])
    )
