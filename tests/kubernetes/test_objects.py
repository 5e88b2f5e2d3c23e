"""What `kubectl kustomize` makes of each overlay is what Kubernetes takes, and fits together."""

import copy
import functools
import itertools
import re
from urllib.parse import urlsplit

import jsonschema
import kubernetes_validate
import pytest

from .custom import SPECS
from .rendering import FOLDER, OVERLAYS, drill_cluster, of_kind, pod, pods, rendered, selects, settings

# The least that check.sh takes, and the newest whose schema there is.
VERSIONS = ["1.30", kubernetes_validate.latest_version()]
# What the operators make when they are given the resources, by the name of the resource.
MADE = {
    "Secret": {"database-app": "Cluster", "database-ca": "Cluster", "certificate": "Certificate"},
    "Service": {"database-rw": "Cluster", "database-ro": "Cluster"},
}
# Each object has all definitions of Kubernetes read anew.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def look(entry, version):
    kind = f"{entry['apiVersion']} {entry['kind']}"
    if kind in SPECS:
        assert set(entry) == {"apiVersion", "kind", "metadata", "spec"}
        jsonschema.validate(entry["spec"], SPECS[kind])
    else:
        kubernetes_validate.validate(entry, version, strict=True)


@each_overlay
@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_every_object(overlay, version):
    found = rendered(overlay)

    for entry in [*found, drill_cluster(found)]:
        look(entry, version)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Deployment", ["spec", "template", "spec", "containers", 0, "readinesProbe"], {}),
        ("Deployment", ["spec", "replicas"], "two"),
        ("Cluster", ["spec", "instance"], 2),
        ("Cluster", ["spec", "postgresql", "parameters", "work_mem"], 8),
        ("ScheduledBackup", ["spec", "schedule"], "0 2 * * *"),
        ("Issuer", ["spec", "acme", "solvers", 0, "http1"], {}),
    ],
)
def test_what_it_does_not_take_is_found(kind, path, value):
    entry = copy.deepcopy(next(iter(of_kind(rendered("single-node"), kind).values())))
    *way, last = path
    inner = functools.reduce(lambda inner, step: inner[step], way, entry)
    inner[last] = value

    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        look(entry, VERSIONS[0])


@each_overlay
def test_all_of_it_is_in_the_namespace(overlay):
    for entry in rendered(overlay):
        if entry["kind"] == "Namespace":
            assert entry["metadata"]["name"] == "thinkring"
        else:
            assert entry["metadata"].get("namespace") == "thinkring", entry["metadata"]["name"]


@each_overlay
def test_every_container_has_requests_and_limits(overlay):
    for made in pods(rendered(overlay)):
        for container in made.containers:
            for what in ("requests", "limits"):
                assert set(container["resources"][what]) == {"cpu", "memory"}, (made.owner, container["name"])


@each_overlay
def test_what_is_requested_is_within_the_limits(overlay):
    for made in pods(rendered(overlay)):
        for container in made.containers:
            resources = container["resources"]
            for name in ("cpu", "memory"):
                assert amount(resources["requests"][name]) <= amount(resources["limits"][name]), made.owner


@each_overlay
def test_what_lies_in_memory_has_room_there(overlay):
    """A volume in memory counts as the container's."""
    for made in pods(rendered(overlay)):
        in_memory = sum(
            amount(volume["emptyDir"]["sizeLimit"])
            for volume in made.spec.get("volumes", [])
            if volume.get("emptyDir", {}).get("medium") == "Memory"
        )
        assert in_memory < max(amount(entry["resources"]["limits"]["memory"]) for entry in made.containers), made.owner


@each_overlay
def test_no_volume_of_a_pod_grows_without_end(overlay):
    for made in pods(rendered(overlay)):
        for volume in made.spec.get("volumes", []):
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": "none"}), (made.owner, volume["name"])


@each_overlay
def test_each_mount_has_its_volume_and_each_volume_a_mount(overlay):
    for made in pods(rendered(overlay)):
        mounted = {mount["name"] for entry in made.containers for mount in entry.get("volumeMounts", [])}
        assert mounted == {volume["name"] for volume in made.spec.get("volumes", [])}, made.owner


@each_overlay
def test_each_image_is_a_release(overlay):
    for made in pods(rendered(overlay)):
        for container in made.containers:
            name, _, tag = container["image"].rpartition(":")
            assert name, container["image"]
            assert tag != "latest", container["image"]
            assert re.search(r"\d", tag), container["image"]


@each_overlay
def test_both_halves_are_of_one_release(overlay):
    tags = {
        container["image"].rpartition(":")[2]
        for made in pods(rendered(overlay))
        for container in made.containers
        if "/thinkring-" in container["image"]
    }

    assert len(tags) == 1


@each_overlay
def test_each_image_is_started_by_the_check(overlay):
    found = rendered(overlay)
    used = {container["image"] for made in pods(found) for container in made.containers}

    assert {container["image"] for container in pod(found, "Job/check").containers} == used


@each_overlay
def test_each_service_finds_pods_and_a_port_of_theirs(overlay):
    found = rendered(overlay)

    for name, service in of_kind(found, "Service").items():
        served = [made for made in pods(found) if selects({"matchLabels": service["spec"]["selector"]}, made.labels)]
        assert [made.owner for made in served] == [f"Deployment/{name}"]
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in served[0].ports(), name


@each_overlay
def test_each_deployment_selects_its_own_pods(overlay):
    found = rendered(overlay)

    for name, deployment in of_kind(found, "Deployment").items():
        selector = deployment["spec"]["selector"]
        assert [made.owner for made in pods(found) if selects(selector, made.labels)] == [f"Deployment/{name}"]


@each_overlay
def test_probes_ask_ports_that_there_are(overlay):
    for made in pods(rendered(overlay)):
        if not made.owner.startswith("Deployment/"):
            continue
        for container in made.spec["containers"]:
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                asked = container[probe].get("httpGet", {"port": "exec"})["port"]
                assert asked in {*made.ports(), "exec"}, made.owner


@each_overlay
def test_the_ingress_leads_to_nginx_for_the_names_that_are_certified(overlay):
    found = rendered(overlay)
    ingress = of_kind(found, "Ingress")["thinkring"]["spec"]
    certificate = of_kind(found, "Certificate")["thinkring"]["spec"]
    hosts = settings(found)["ALLOWED_HOSTS"].split(",")

    assert [rule["host"] for rule in ingress["rules"]] == hosts
    assert ingress["tls"] == [{"secretName": certificate["secretName"], "hosts": hosts}]
    assert certificate["dnsNames"] == hosts
    assert certificate["issuerRef"]["name"] in of_kind(found, certificate["issuerRef"]["kind"])
    for rule in ingress["rules"]:
        for path in rule["http"]["paths"]:
            service = of_kind(found, "Service")[path["backend"]["service"]["name"]]
            assert path["backend"]["service"]["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}


def references(entry, kind):
    """Name and key of each Secret or ConfigMap that is named somewhere in an object; no key is all of it."""
    reference = {"Secret": "secretKeyRef", "ConfigMap": "configMapKeyRef"}[kind]
    if isinstance(entry, list):
        yield from itertools.chain.from_iterable(references(inner, kind) for inner in entry)
    elif isinstance(entry, dict):
        for name, inner in entry.items():
            if name in (reference, "accessKeyId", "secretAccessKey") and (name == reference or kind == "Secret"):
                yield inner["name"], inner["key"]
            elif name == "secret" and kind == "Secret" and "secretName" in inner:
                yield from ((inner["secretName"], item["key"]) for item in inner["items"])
            elif kind == "ConfigMap" and name in ("configMapRef", "configMap"):
                yield inner["name"], None
            else:
                yield from references(inner, kind)


@each_overlay
def test_each_config_map_that_is_named_is_there_with_its_key(overlay):
    found = rendered(overlay)
    there = of_kind(found, "ConfigMap")
    named = set(references(found, "ConfigMap"))

    assert {name for name, _ in named} == set(there)
    for name, key in named:
        assert key is None or key in there[name]["data"]


@each_overlay
def test_each_secret_that_is_named_comes_from_somewhere_that_is_told(overlay):
    found = rendered(overlay)
    readme = (FOLDER / "README.md").read_text()

    for name, key in set(references(found, "Secret")):
        if name in MADE["Secret"]:
            assert of_kind(found, MADE["Secret"][name])
            assert key in ("password", "ca.crt")
        else:
            assert f"secret generic {name}" in readme
            assert key in readme
    for url in database_urls(found).values():
        assert url.hostname in MADE["Service"]


@each_overlay
def test_there_is_no_secret_in_it(overlay):
    found = rendered(overlay)

    assert not of_kind(found, "Secret")
    assert not [name for name in settings(found) if re.search("SECRET|PASSWORD|KEY", name)]


def database_urls(found):
    return {
        entry["name"]: urlsplit(entry["value"])
        for made in pods(found)
        for container in made.containers
        for entry in container.get("env", [])
        if entry["name"].startswith("DATABASE_")
    }


@each_overlay
def test_the_database_is_the_one_that_is_asked_for(overlay):
    found = rendered(overlay)
    cluster = of_kind(found, "Cluster")["database"]["spec"]
    drill = drill_cluster(found)["spec"]

    for url in database_urls(found).values():
        for bootstrap in (cluster["bootstrap"]["initdb"], drill["bootstrap"]["recovery"]):
            assert (f"/{bootstrap['database']}", bootstrap["owner"]) == (url.path, url.username)
        # What leaves the node is encrypted, and goes to nobody else.
        assert url.query == "sslmode=verify-full&sslrootcert=/database/ca.crt"
    assert drill["imageCatalogRef"] == cluster["imageCatalogRef"]
    assert drill["storage"] == cluster["storage"]
    assert "plugins" not in drill
    parameters = drill["externalClusters"][0]["plugin"]["parameters"]
    assert parameters == {**cluster["plugins"][0]["parameters"], "serverName": "database"}
    assert parameters["barmanObjectName"] in of_kind(found, "ObjectStore")
    assert of_kind(found, "ScheduledBackup")["nightly"]["spec"]["cluster"]["name"] == "database"


def test_budgets_and_autoscalers_are_of_what_there_is():
    found = rendered("production")
    deployments = {"nginx", "frontend", "backend"}

    assert set(of_kind(found, "PodDisruptionBudget")) == set(of_kind(found, "HorizontalPodAutoscaler")) == deployments
    for name, budget in of_kind(found, "PodDisruptionBudget").items():
        taken = [made.owner for made in pods(found) if selects(budget["spec"]["selector"], made.labels)]
        assert taken == [f"Deployment/{name}"]
    for name, scaler in of_kind(found, "HorizontalPodAutoscaler").items():
        assert scaler["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        # Else each `apply` would take away what it has added.
        assert "replicas" not in of_kind(found, "Deployment")[name]["spec"]
        # With one pod, a budget for one keeps nothing.
        assert scaler["spec"]["minReplicas"] > of_kind(found, "PodDisruptionBudget")[name]["spec"]["maxUnavailable"]
        for metric in scaler["spec"]["metrics"]:
            limit = pod(found, f"Deployment/{name}").spec["containers"][0]["resources"]["limits"]["cpu"]
            assert amount(metric["resource"]["target"]["averageValue"]) < amount(limit)


def test_one_node_can_be_drained():
    found = rendered("single-node")

    assert not of_kind(found, "PodDisruptionBudget")
    assert of_kind(found, "Cluster")["database"]["spec"]["enablePDB"] is False


def test_the_database_has_connections_for_all_backends():
    found = rendered("production")
    most = of_kind(found, "HorizontalPodAutoscaler")["backend"]["spec"]["maxReplicas"]
    surge = of_kind(found, "Deployment")["backend"]["spec"]["strategy"]["rollingUpdate"]["maxSurge"]

    # Two workers of four threads each; of PostgreSQL's hundred three are for administrators, and jobs want some.
    assert (most + surge) * 8 < 100 - 10


def test_production_spreads_its_pods():
    found = rendered("production")
    for made in pods(found):
        if made.owner not in ("Deployment/nginx", "Deployment/frontend", "Deployment/backend"):
            continue
        spread = made.spec["topologySpreadConstraints"]
        assert {entry["topologyKey"] for entry in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
        for entry in spread:
            # What the scheduler looks up in the pod's own labels; the hash is there in a cluster.
            assert "pod-template-hash" in entry["matchLabelKeys"]
            same = {key: made.labels[key] for key in entry["matchLabelKeys"] if key in made.labels}
            selector = {"matchLabels": {**entry["labelSelector"].get("matchLabels", {}), **same}}
            assert [other.owner for other in pods(found) if selects(selector, other.labels)] == [made.owner]


@each_overlay
def test_only_what_runs_is_named(overlay):
    """deploy.sh tells by that label what comes when."""
    for entry in rendered(overlay):
        runs = entry["kind"] in ("Deployment", "Job", "CronJob")
        name = entry["metadata"]["labels"].get("app.kubernetes.io/name") if "labels" in entry["metadata"] else None
        assert name == (entry["metadata"]["name"] if runs else None), entry["metadata"]["name"]
        if entry["kind"] == "ConfigMap":
            assert entry["metadata"]["labels"]["app.kubernetes.io/component"] == "settings"


def amount(quantity):
    number, unit = re.fullmatch(r"(\d+)(m|Mi|Gi)?", str(quantity)).groups()
    return int(number) * {None: 1, "m": 0.001, "Mi": 2**20, "Gi": 2**30}[unit]
