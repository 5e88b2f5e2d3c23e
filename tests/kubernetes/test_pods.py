"""
The pods of ops/kubernetes as containers of Docker: with the user, the read-only root, the volumes, the variables, the
commands and the probes that their objects say, beside the database of the production stack. What only a cluster does is
not seen here.
"""

import contextlib
import re
import subprocess
import time
import uuid

import pytest
import requests

from production import docker

from .rendering import of_kind, pod, rendered, settings

pytestmark = pytest.mark.torture

HOSTS = "page.test,api.page.test"
DOMAIN = "thinkring.svc.cluster.local"


class Node:
    """One machine's kubelet, as far as these pods need it."""

    def __init__(self, stack, folder):
        self.stack, self.folder = stack, folder
        self.found = rendered("single-node")
        self.name = f"{stack.project}-pods"
        self.session = requests.Session()
        self.session.trust_env = False
        self.images = {
            half: docker("inspect", "--format", "{{.Image}}", stack.container(half)).strip()
            for half in ("backend", "frontend")
        }
        password = re.search(r"^DB_PASSWORD=(.*)$", (stack.folder / ".env.production").read_text(), re.M)[1]
        secret = uuid.uuid4().hex * 2
        self.secrets = {"password": password, "SECRET_KEY": secret, "JWT_SECRET_KEY": secret}
        self.given = settings(self.found) | {"ALLOWED_HOSTS": HOSTS, "VITE_API_BASE_URL": "/api/v1"}

    def image(self, name):
        half = re.search(r"thinkring-(backend|frontend):", name)
        return self.images[half[1]] if half else "nginx:alpine"

    def variables(self, container):
        yield from self.given.items() if container.get("envFrom") else ()
        for entry in container.get("env", []):
            reference = entry.get("valueFrom", {})
            if "secretKeyRef" in reference:
                if reference["secretKeyRef"]["key"] in self.secrets:
                    yield entry["name"], self.secrets[reference["secretKeyRef"]["key"]]
            elif "configMapKeyRef" in reference:
                yield entry["name"], self.given[reference["configMapKeyRef"]["key"]]
            else:
                # The stack's own database, which speaks no TLS. A variable that is not there stays as it is written.
                url = entry["value"].replace("$(DB_PASSWORD)", self.secrets.get("password", "$(DB_PASSWORD)"))
                yield entry["name"], re.sub(r"@.*\?.*", "@db:5432/thinkring_prod?sslmode=disable", url)

    def volume(self, owner, volume):
        """A folder for it, as the pod sees it; nothing for one that is in memory, or not tried here."""
        folder = self.folder / owner.replace("/", "-") / volume["name"]
        folder.mkdir(parents=True, exist_ok=True)
        if "configMap" in volume:
            for name, text in of_kind(self.found, "ConfigMap")[volume["configMap"]["name"]]["data"].items():
                (folder / name).write_text(text)
        folder.chmod(0o777)
        return folder

    def arguments(self, made, container):
        spec, own = made.spec, container["securityContext"]
        assert own["readOnlyRootFilesystem"]
        assert own["capabilities"] == {"drop": ["ALL"]}
        user = spec["securityContext"]
        yield from ("--user", f"{user['runAsUser']}:{user['runAsGroup']}", "--read-only", "--cap-drop", "ALL")
        yield from ("--security-opt", "no-new-privileges:true")
        yield from ("--memory", str(container["resources"]["limits"]["memory"]).replace("i", "").lower())
        for name, value in self.variables(container):
            yield from ("--env", f"{name}={value}")
        volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
        for mount in container.get("volumeMounts", []):
            volume = volumes[mount["name"]]
            if volume.get("emptyDir", {}).get("medium") == "Memory":
                size = volume["emptyDir"]["sizeLimit"].replace("Mi", "m")
                # Docker gives it the mode that the folder has in the image; a kubelet gives it to everybody.
                owner = f"uid={user['runAsUser']},gid={user['runAsGroup']}"
                yield from ("--tmpfs", f"{mount['mountPath']}:size={size},{owner}")
            else:
                read_only = ":ro" if mount.get("readOnly") or "configMap" in volume else ""
                yield from ("--volume", f"{self.volume(made.owner, volume)}:{mount['mountPath']}{read_only}")

    def run_once(self, made, container, *more):
        """What an init container or a job does, until it is done."""
        command = [*self.arguments(made, container), *more, self.image(container["image"]), *container["command"]]
        result = subprocess.run(
            ["docker", "run", "--rm", "--network", f"{self.stack.project}_database", *command],
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def start(self, owner):
        made = pod(self.found, owner)
        name = owner.split("/")[1]
        for container in made.spec.get("initContainers", []):
            # Docker's DNS, in the place of the cluster's.
            resolv = self.folder / "resolv.conf"
            resolv.write_text(f"search {DOMAIN} svc.cluster.local cluster.local\nnameserver 127.0.0.11\n")
            self.run_once(made, container, "--volume", f"{resolv}:/etc/resolv.conf:ro")
        (container,) = made.spec["containers"]
        entry, *rest = container.get("command", [None])
        docker(
            "create", "--name", f"{self.name}-{name}", "--network", self.name, "--network-alias", f"{name}.{DOMAIN}",
            "--publish", f"127.0.0.1::{container['ports'][0]['containerPort']}", *self.arguments(made, container),
            *(["--entrypoint", entry] if entry else []), self.image(container["image"]), *rest,
        )  # fmt: skip
        if name == "backend":
            docker("network", "connect", f"{self.stack.project}_database", f"{self.name}-{name}")
        docker("start", f"{self.name}-{name}")
        self.wait_for(name, container["startupProbe"])
        self.wait_for(name, container["readinessProbe"])

    def wait_for(self, name, probe):
        end = time.monotonic() + probe["periodSeconds"] * probe["failureThreshold"]
        while not self.answers(name, probe):
            if time.monotonic() > end:
                pytest.fail(f"{name}: {self.logs(name)}")
            time.sleep(0.5)

    def answers(self, name, probe):
        if "exec" in probe:
            command = ["docker", "exec", f"{self.name}-{name}", *probe["exec"]["command"]]
            return subprocess.run(command, capture_output=True).returncode == 0
        asked = probe["httpGet"]
        headers = {entry["name"]: entry["value"] for entry in asked.get("httpHeaders", [])}
        try:
            return self.session.get(f"{self.address(name)}{asked['path']}", headers=headers, timeout=5).ok
        except requests.RequestException:
            return False

    def address(self, name):
        published = docker("port", f"{self.name}-{name}").split()[-1]
        return f"http://{published}"

    def logs(self, name):
        result = subprocess.run(["docker", "logs", f"{self.name}-{name}"], capture_output=True, text=True)
        return result.stdout + result.stderr

    def get(self, path, host="page.test", **headers):
        """As the ingress controller asks nginx."""
        sent = {"Host": host, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"} | headers
        return self.session.get(f"{self.address('nginx')}{path}", headers=sent, timeout=10, allow_redirects=False)

    @contextlib.contextmanager
    def running(self):
        docker("network", "create", self.name)
        try:
            for owner in ("Deployment/backend", "Deployment/frontend", "Deployment/nginx"):
                self.start(owner)
            yield self
        finally:
            for name in ("nginx", "frontend", "backend"):
                subprocess.run(["docker", "rm", "--force", "--volumes", f"{self.name}-{name}"], capture_output=True)
            # Other users have written there.
            volume = f"{self.folder}:/folder"
            clear = ["nginx:alpine", "sh", "-c", "rm -rf /folder/*"]
            docker("run", "--rm", "--network", "none", "--volume", volume, *clear)
            subprocess.run(["docker", "network", "rm", self.name], capture_output=True)


@pytest.fixture(scope="module")
def node(stack, tmp_path_factory):
    with Node(stack, tmp_path_factory.mktemp("pods")).running() as node:
        yield node


def test_the_page_and_the_api_answer_through_nginx(node):
    page = node.get("/")
    assert page.status_code == 200
    assert "thinkRing" in page.text
    assert page.headers["Strict-Transport-Security"]

    ready = node.get("/api/v1/health/ready/", host="api.page.test")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


def test_whoever_comes_without_tls_is_sent_to_it(node):
    for host in HOSTS.split(","):
        answer = node.get("/a?b=c", host=host, **{"X-Forwarded-Proto": "http"})
        assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{host}/a?b=c")


def test_the_visitor_is_who_the_controller_says(node):
    node.get("/api/v1/version/?whoami", host="api.page.test", **{"X-Forwarded-For": "198.51.100.9, 203.0.113.8"})

    time.sleep(1.5)
    line = next(line for line in node.logs("nginx").splitlines() if "/api/v1/version/" in line)
    assert '"address": "203.0.113.8"' in line


def test_static_files_of_both_halves_come_from_nginxs_own_copies(node):
    chunk = re.search(r"/_app/immutable/entry/start\.[\w-]+\.js", node.get("/").text)[0]
    style = re.search(r'href="(/static/[^"]+\.css)"', node.get("/admin/login/", host="api.page.test").text)[1]

    for path in (chunk, style):
        answer = node.get(path)
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["Cache-Control"]
    docker("stop", f"{node.name}-frontend")
    try:
        assert node.get(chunk).status_code == 200
    finally:
        docker("start", f"{node.name}-frontend")
        node.wait_for("frontend", pod(node.found, "Deployment/frontend").spec["containers"][0]["startupProbe"])


def test_a_chunk_that_nginx_lacks_comes_from_the_pages_server(node):
    chunk = re.search(r"/_app/immutable/entry/app\.[\w-]+\.js", node.get("/").text)[0]
    static = node.folder / "Deployment-nginx" / "static"
    before = node.get(chunk)
    docker(
        "run", "--rm", "--network", "none", "--volume", f"{static}:/static", "nginx:alpine",
        "sh", "-c", f"rm /static{chunk}*",
    )  # fmt: skip
    # What nginx keeps open it looks at again after five seconds.
    time.sleep(6)

    after = node.get(chunk)

    assert (after.status_code, after.content) == (200, before.content)
    assert "immutable" in after.headers["Cache-Control"]
    assert node.get("/_app/immutable/entry/app.of-nobody.js").status_code == 404


@pytest.mark.parametrize("name", ["nginx", "frontend", "backend"])
def test_every_probe_is_answered(node, name):
    container = pod(node.found, f"Deployment/{name}").spec["containers"][0]

    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert node.answers(name, container[probe]), probe


@pytest.mark.parametrize(
    "owner", ["Job/check", "Job/schema", "Job/migrate", "CronJob/empty-trash", "CronJob/delete-old-sessions"]
)
def test_every_job_does_its_work(node, owner):
    made = pod(node.found, owner)

    said = [node.run_once(made, container) for container in made.containers]

    if owner == "Job/schema":
        assert said == ["looked\n"]


def test_a_release_can_be_checked_before_there_is_a_database(node):
    """Whose password is made with it."""
    made = pod(node.found, "Job/check")
    password = node.secrets.pop("password")
    try:
        node.run_once(made, made.spec["containers"][0])
    finally:
        node.secrets["password"] = password


@pytest.mark.parametrize(("name", "signal"), [("backend", "TERM"), ("frontend", "TERM"), ("nginx", "QUIT")])
def test_it_stops_by_itself_within_its_time(node, name, signal):
    spec = pod(node.found, f"Deployment/{name}").spec
    seconds = spec["terminationGracePeriodSeconds"] - spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    begun = time.monotonic()
    docker("kill", "--signal", signal, f"{node.name}-{name}")

    assert docker("wait", f"{node.name}-{name}").strip() in ("0", "143")
    assert time.monotonic() - begun < seconds


def test_static_files_have_room(node):
    volumes = {volume["name"]: volume for volume in pod(node.found, "Deployment/nginx").spec["volumes"]}
    used = sum(
        file.stat().st_size for file in (node.folder / "Deployment-nginx" / "static").rglob("*") if file.is_file()
    )

    assert used * 2 < int(volumes["static"]["emptyDir"]["sizeLimit"].removesuffix("Mi")) * 2**20
