"""What pods may do, and whom they may talk to."""

import copy

import pytest

from .rendering import OVERLAYS, Pod, of_kind, pod, pods, rendered, selects

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)

# https://kubernetes.io/docs/concepts/security/pod-security-standards/
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}


def violations(spec):
    """What the standard `restricted` does not let a pod have, by its published text."""
    own = spec.get("securityContext", {})
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield name
    for sysctl in own.get("sysctls", []):
        if sysctl["name"] not in SAFE_SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    for volume in spec.get("volumes", []):
        if not set(volume) - {"name"} <= VOLUMES:
            yield f"volume {volume['name']}"
    every = ("initContainers", "containers", "ephemeralContainers")
    for container in (entry for kind in every for entry in spec.get(kind, [])):
        its = container.get("securityContext", {})
        where = f" of {container['name']}"
        if its.get("privileged"):
            yield "privileged" + where
        if its.get("procMount", "Default") != "Default":
            yield "procMount" + where
        if any(port.get("hostPort") for port in container.get("ports", [])):
            yield "hostPort" + where
        if its.get("allowPrivilegeEscalation") is not False:
            yield "allowPrivilegeEscalation" + where
        if "ALL" not in its.get("capabilities", {}).get("drop", []):
            yield "capabilities that are not dropped" + where
        if not set(its.get("capabilities", {}).get("add", [])) <= {"NET_BIND_SERVICE"}:
            yield "capabilities that are added" + where
        if its.get("runAsNonRoot", own.get("runAsNonRoot")) is not True:
            yield "runAsNonRoot" + where
        if its.get("seccompProfile", own.get("seccompProfile", {})).get("type") not in ("RuntimeDefault", "Localhost"):
            yield "seccompProfile" + where
        probes = [container.get(name, {}) for name in ("startupProbe", "livenessProbe", "readinessProbe")]
        hooks = container.get("lifecycle", {}).values()
        if any(asked.get(way, {}).get("host") for asked in [*probes, *hooks] for way in ("httpGet", "tcpSocket")):
            yield "host of a probe" + where
        for context in (own, its):
            if context.get("runAsUser", 1) == 0:
                yield "runAsUser" + where
            if context.get("windowsOptions", {}).get("hostProcess"):
                yield "hostProcess" + where
            if context.get("appArmorProfile", {}).get("type") not in (None, "RuntimeDefault", "Localhost"):
                yield "appArmorProfile" + where
            options = context.get("seLinuxOptions", {})
            if options.get("type", "") not in SELINUX_TYPES or options.get("user") or options.get("role"):
                yield "seLinuxOptions" + where


@each_overlay
def test_every_pod_is_restricted(overlay):
    found = rendered(overlay)

    assert of_kind(found, "Namespace")["thinkring"]["metadata"]["labels"] == {
        "app.kubernetes.io/part-of": "thinkring",
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/enforce-version": "latest",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
    }
    assert {made.owner: list(violations(made.spec)) for made in pods(found) if list(violations(made.spec))} == {}


@pytest.mark.parametrize(
    ("change", "violation"),
    [
        (lambda spec, container: spec.update(hostNetwork=True), "hostNetwork"),
        (lambda spec, container: spec.update(hostPID=True), "hostPID"),
        (lambda spec, container: spec["volumes"].append({"name": "all", "hostPath": {"path": "/"}}), "volume all"),
        (lambda spec, container: spec["securityContext"].update(runAsNonRoot=False), "runAsNonRoot of {}"),
        (lambda spec, container: spec["securityContext"].update(runAsUser=0), "runAsUser of {}"),
        (lambda spec, container: spec["securityContext"].pop("seccompProfile"), "seccompProfile of {}"),
        (
            lambda spec, container: spec["securityContext"].update(sysctls=[{"name": "kernel.msgmax", "value": "1"}]),
            "sysctl kernel.msgmax",
        ),
        (lambda spec, container: container["securityContext"].update(privileged=True), "privileged of {}"),
        (
            lambda spec, container: container["securityContext"].pop("allowPrivilegeEscalation"),
            "allowPrivilegeEscalation of {}",
        ),
        (
            lambda spec, container: container["securityContext"].pop("capabilities"),
            "capabilities that are not dropped of {}",
        ),
        (
            lambda spec, container: container["securityContext"]["capabilities"].update(add=["SYS_ADMIN"]),
            "capabilities that are added of {}",
        ),
        (lambda spec, container: container["ports"][0].update(hostPort=80), "hostPort of {}"),
        (
            lambda spec, container: container["readinessProbe"].update(httpGet={"host": "10.0.0.1"}),
            "host of a probe of {}",
        ),
    ],
)  # fmt: skip
def test_a_pod_that_is_not_is_found(change, violation):
    spec = copy.deepcopy(pod(rendered("production"), "Deployment/nginx").spec)

    change(spec, spec["containers"][0])

    assert violation.format("nginx") in list(violations(spec))


@each_overlay
def test_no_pod_can_change_its_own_files(overlay):
    for made in pods(rendered(overlay)):
        for container in made.containers:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, made.owner


@each_overlay
def test_only_the_drill_has_the_key_to_the_cluster(overlay):
    found = rendered(overlay)

    assert [made.owner for made in pods(found) if made.spec["automountServiceAccountToken"]] == ["CronJob/drill"]
    assert pod(found, "CronJob/drill").spec["serviceAccountName"] in of_kind(found, "ServiceAccount")
    assert set(of_kind(found, "RoleBinding")) == set(of_kind(found, "Role")) == {"drill"}
    # It can delete no other cluster than its own.
    for rule in of_kind(found, "Role")["drill"]["rules"]:
        assert rule["apiGroups"] == ["postgresql.cnpg.io"]
        assert rule["resources"] == ["clusters"]
        named = rule.get("resourceNames")
        assert rule["verbs"] == ["create"] or named == ["drill"] or (named, rule["verbs"]) == (["database"], ["get"])


# --- Who talks to whom ------------------------------------------------------------------------------------------------

# Pods that others make in the namespace.
FOREIGN = [
    Pod("database", {"cnpg.io/cluster": "database"}, {}),
    Pod("drill-database", {"cnpg.io/cluster": "drill"}, {}),
    Pod("acme", {"acme.cert-manager.io/http01-solver": "true"}, {}),
]
# What is not in it, as policies name it.
CONTROLLER = {"namespaceSelector": {"matchLabels": {"thinkring/ingress-controller": "true"}}}
OPERATOR = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "cnpg-system"}},
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "cloudnative-pg"}},
}
DNS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
}
ANYWHERE = {"ipBlock": {"cidr": "0.0.0.0/0"}}
PRIVATE = ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]
OUTSIDE = {"ipBlock": {"cidr": "0.0.0.0/0", "except": PRIVATE}}

# Each way that is open within the namespace, and what it is for.
WITHIN = {
    ("nginx", "frontend", 3000): "pages",
    ("nginx", "backend", 8000): "the API",
    ("backend", "database", 5432): "all that is kept",
    ("job", "database", 5432): "migrations, and clearing away",
    ("drill", "database", 5432): "what the restored one is compared with",
    ("drill", "drill-database", 5432): "the restored one",
    ("database", "database", 5432): "replication",
    ("database", "database", 8000): "the instances ask each other how they are",
}
WITH_REDIS = {
    ("backend", "redis", 6379): "limits and answers",
    ("job", "redis", 6379): "answers that are not right any more",
}
INTO = {
    ("nginx", 8000, str(CONTROLLER)): "browsers",
    ("acme", 8089, str(CONTROLLER)): "the certificate authority",
    ("database", 5432, str(OPERATOR)): "the operator looks after it",
    ("database", 8000, str(OPERATOR)): "the operator looks after it",
    ("drill-database", 5432, str(OPERATOR)): "the operator looks after it",
    ("drill-database", 8000, str(OPERATOR)): "the operator looks after it",
}
WITH_BUCKET = {("nginx", 443, str(OUTSIDE)): "uploads that it shows"}
OUT_OF = {
    ("backend", 443, str(OUTSIDE)): "a bucket of uploads",
    ("backend", 465, str(OUTSIDE)): "a mail server",
    ("backend", 587, str(OUTSIDE)): "a mail server",
    ("job", 443, str(OUTSIDE)): "a bucket of uploads",
    ("job", 465, str(OUTSIDE)): "a mail server",
    ("job", 587, str(OUTSIDE)): "a mail server",
    ("database", 443, str(ANYWHERE)): "the API of Kubernetes, and the bucket of backups",
    ("database", 6443, str(ANYWHERE)): "the API of Kubernetes",
    ("drill-database", 443, str(ANYWHERE)): "the API of Kubernetes, and the bucket of backups",
    ("drill-database", 6443, str(ANYWHERE)): "the API of Kubernetes",
    ("drill", 443, str(ANYWHERE)): "the API of Kubernetes",
    ("drill", 6443, str(ANYWHERE)): "the API of Kubernetes",
}


def everybody(found):
    return [Pod(made.labels["app.kubernetes.io/name"], made.labels, made.spec) for made in pods(found)] + FOREIGN


def rules(found, made, direction, word):
    """Of all policies that select a pod: who, or None for everybody, and at which port."""
    for policy in of_kind(found, "NetworkPolicy").values():
        if not selects(policy["spec"]["podSelector"], made.labels):
            continue
        for rule in policy["spec"].get(direction, []):
            for peer in rule.get(word) or [None]:
                for port in rule.get("ports") or [{"port": None}]:
                    yield peer, port["port"]


def takes(peer, made):
    return set(peer) == {"podSelector"} and selects(peer["podSelector"], made.labels)


@each_overlay
def test_nobody_talks_to_anybody_unless_it_is_said(overlay):
    policy = of_kind(rendered(overlay), "NetworkPolicy")["default-deny"]["spec"]

    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@each_overlay
def test_each_pod_has_a_policy_of_its_own_and_each_policy_a_pod_and_a_reason(overlay):
    found = rendered(overlay)
    policies = of_kind(found, "NetworkPolicy")
    own = {name: entry for name, entry in policies.items() if entry["spec"]["podSelector"]}

    for made in everybody(found):
        assert [name for name, entry in own.items() if selects(entry["spec"]["podSelector"], made.labels)], made.owner
    for name, entry in own.items():
        assert [made for made in everybody(found) if selects(entry["spec"]["podSelector"], made.labels)], name
    for name in set(policies) - {"default-deny"}:
        assert policies[name]["metadata"]["annotations"]["description"].endswith("."), name


@each_overlay
def test_the_ways_within_are_those_that_are_needed(overlay):
    found = rendered(overlay)
    open_ways = set()
    for one in everybody(found):
        for other in everybody(found):
            leaving = {port for peer, port in rules(found, one, "egress", "to") if peer is None or takes(peer, other)}
            entering = {
                port for peer, port in rules(found, other, "ingress", "from") if peer is None or takes(peer, one)
            }
            assert leaving == entering, f"what {one.owner} and {other.owner} are let do does not fit together"
            open_ways |= {(one.owner, other.owner, port) for port in leaving}

    assert open_ways == set(WITHIN) | (set(WITH_REDIS) if overlay == "production" else set())


@each_overlay
def test_the_ways_in_and_out_are_those_that_are_needed(overlay):
    found = rendered(overlay)
    into, out_of = set(), set()
    for made in everybody(found):
        into |= {
            (made.owner, port, str(peer))
            for peer, port in rules(found, made, "ingress", "from")
            if peer is None or set(peer) != {"podSelector"}
        }
        out_of |= {
            (made.owner, port, str(peer))
            for peer, port in rules(found, made, "egress", "to")
            if (peer is None or set(peer) != {"podSelector"}) and peer != DNS
        }

    assert into == set(INTO)
    assert out_of == set(OUT_OF) | (set(WITH_BUCKET) if overlay == "production" else set())


@each_overlay
def test_everybody_may_look_up_names_and_nothing_else_there(overlay):
    names = of_kind(rendered(overlay), "NetworkPolicy")["names"]["spec"]

    assert names["podSelector"] == {}
    assert [(rule["to"], {port["port"] for port in rule["ports"]}) for rule in names["egress"]] == [([DNS], {53})]


@each_overlay
def test_ports_that_are_open_are_ports_that_there_are(overlay):
    found = rendered(overlay)

    for _, name, port in set(WITHIN) | {("", name, port) for name, port, _ in INTO}:
        if name not in [made.owner for made in FOREIGN]:
            assert port in pod(found, f"Deployment/{name}").ports().values(), name
