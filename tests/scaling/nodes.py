"""
A swarm of three engines, each in a network namespace of its own, with thinkRing's stack on it and its operator.

The script that DOCKER_NODES_SCRIPT names makes the engines: `up N`, `load IMAGE…`, `kill K`, `cut K`, `mend K`, `down`;
node K is at 10.77.0.K, and its engine answers at $DOCKER_NODES/nodeK/docker.sock. They share this machine's memory, and
each takes all of it for its own. The first one has the database.
"""

import contextlib
import itertools
import os
import re
import subprocess
import time

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from operations.deploy.conftest import QUICK, git
from production import DOMAIN, ENVIRONMENT, ROOT, Loopback, Stack, clone, docker, remove_images

from .store import Store

NODES = (1, 2, 3)
# This machine, as the nodes see it: their script's bridge.
HOST = "10.77.0.254"
UPLOADS = "thinkring-uploads"
# Of back and front ends each: one is left while another goes.
REPLICAS = 2
# What the README says, as it stands there.
README = (ROOT / "ops" / "swarm" / "README.md").read_text()
BLOCKS = dict(re.findall(r"^```(?:bash|cron) (\S+)\n(.*?)^```$", README, re.M | re.S))


HALVES = ("backend", "frontend")


def address(node):
    return f"10.77.0.{node}"


class FailOver(HTTPAdapter):
    """What a browser does with a name of several addresses: where one takes no connection, the next one is asked."""

    def __init__(self, adapters):
        self.adapters = adapters
        super().__init__()

    def send(self, request, timeout=30, **arguments):
        for _ in self.adapters:
            try:
                return self.adapters[0].send(request, timeout=(1, timeout), **arguments)
            except requests.ConnectionError as error:
                reason = getattr(error.args[0], "reason", None) if error.args else None
                if not isinstance(reason, (NewConnectionError, ConnectTimeoutError)):
                    raise
                self.adapters = [*self.adapters[1:], self.adapters[0]]
                failed = error
        raise failed

    def close(self):
        for adapter in self.adapters:
            adapter.close()


class Swarm(Stack):
    def __init__(self, folder):
        super().__init__(folder / "thinkring", front_end=[])
        # Nothing else is on its nodes.
        self.ports = {"http": 80, "https": 443}
        self.engines = folder / "engines"
        self.manager = 1
        # Those that visitors are sent to.
        self.addresses = [address(node) for node in (2, 3)]
        self.turns = itertools.count()

    @contextlib.contextmanager
    def up(self):
        try:
            self.nodes("up", len(NODES))
            for node in NODES:
                # Each start of a container asks a registry first; where none answers, that is to be known at once.
                subprocess.run(["ip", "-n", f"node{node}", "route", "replace", "unreachable", "default"], check=True)
            self.docker("swarm", "init", "--advertise-addr", address(1))
            for node in NODES[1:]:
                self.join(node)
            with Store(HOST, [UPLOADS]) as store:
                self.prepare(store)
                yield
        finally:
            self.nodes("down")
            remove_images(self.project)

    def join(self, node):
        token = self.docker("swarm", "join-token", "--quiet", "manager").strip()
        arguments = ["--token", token, "--advertise-addr", address(node), f"{address(self.manager)}:2377"]
        self.docker("swarm", "join", *arguments, node=node)

    def leave(self, node):
        id = self.id(node)
        self.docker("node", "demote", id)
        self.docker("swarm", "leave", node=node)
        self.wait_for(lambda: self.docker("node", "rm", id, check=False))

    def prepare(self, store):
        """The operator's checkout, and the images of its commit on each node."""
        clone(self.folder)
        subprocess.run(["ops/setup.sh", DOMAIN], cwd=self.folder, check=True, capture_output=True)
        own = {"IMAGES": self.project, "BACKENDS": REPLICAS, "FRONTENDS": REPLICAS, "MEDIA_BUCKET": UPLOADS}
        self.be_apart(self.folder / ".env.production", **own, **store.settings)
        subprocess.run(
            ["ops/self-signed-certificate.sh", "nginx/ssl"], cwd=self.folder, check=True, capture_output=True,
            env=ENVIRONMENT | {"ALLOWED_HOSTS": f"{DOMAIN},api.{DOMAIN}"},
        )  # fmt: skip
        self.first = git(self.folder, "rev-parse", "HEAD")
        self.shell("build")
        for half in HALVES:
            docker("tag", f"{self.project}_{half}:{self.first}", f"{self.project}_{half}:base")
        self.load(self.first, "nginx:alpine", "postgres:15")

    def set(self, **settings):
        with (self.folder / ".env.production").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in settings.items())

    def nodes(self, *arguments):
        subprocess.run(
            [os.environ["DOCKER_NODES_SCRIPT"], *map(str, arguments)], check=True, capture_output=True, timeout=300,
            env=os.environ | {"DOCKER_NODES": str(self.engines)},
        )  # fmt: skip

    def host(self, node):
        return f"unix://{self.engines}/node{node}/docker.sock"

    def docker(self, *arguments, node=None, check=True):
        result = subprocess.run(
            ["docker", "--host", self.host(node or self.manager), *map(str, arguments)],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert not check or result.returncode == 0, result.stderr
        return result.stdout

    def id(self, node):
        """Of a node, as the swarm knows it: all have this machine's name."""
        return next(id for id, number in self.numbers().items() if number == node)

    def numbers(self):
        """The nodes' numbers by their ids."""
        ids = self.docker("node", "ls", "--quiet").split()
        told = self.docker("node", "inspect", "--format", "{{.ID}} {{.ManagerStatus.Addr}}", *ids)
        return {id: int(address.split(":")[0].split(".")[-1]) for id, address in map(str.split, told.splitlines())}

    def label(self, node, name, value="true"):
        self.docker("node", "update", "--label-add", f"thinkring.{name}={value}", self.id(node))

    def load(self, commit, *more):
        self.nodes("load", *(f"{self.project}_{half}:{commit}" for half in HALVES), *more)

    def shell(self, block):
        """A block of the README, typed on the manager; images are built by this machine's engine."""
        commands = BLOCKS[block].replace("images=thinkring", f"images={self.project}")
        return self.typed(commands, **{} if block == "build" else {"DOCKER_HOST": self.host(self.manager)})

    def typed(self, commands, **environment):
        result = subprocess.run(
            ["bash", "-euc", commands],
            cwd=self.folder, env=ENVIRONMENT | environment, capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
        return result.stdout

    def every_night(self):
        """What cron does on each node, now; what it says would be a mail."""
        for node in NODES:
            for line in BLOCKS["nightly"].splitlines():
                *_, user, command = line.split(" ", 6)
                assert user == "root"
                assert self.typed(command, DOCKER_HOST=self.host(node)) == ""

    def deploy(self, *arguments, **environment):
        return subprocess.run(
            ["bash", "-euc", BLOCKS["deploy"].strip() + ' "$@"', "deploy", *arguments],
            cwd=self.folder, capture_output=True, text=True, timeout=580,
            env=ENVIRONMENT | {"DOCKER_HOST": self.host(self.manager)} | environment,
        )  # fmt: skip

    def begin_to_deploy(self):
        return subprocess.Popen(
            ["ops/swarm/deploy.sh"], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=ENVIRONMENT | {"DOCKER_HOST": self.host(self.manager)}, start_new_session=True,
        )  # fmt: skip

    def commit(self, message, changes=None, dockerfile=None, told=None):
        """Another release, checked out and on the nodes: files by name, each with what is appended to it."""
        for name, more in (changes or {}).items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text((file.read_text() if file.exists() else "") + more)
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--allow-empty", "-m", message)
        commit = git(self.folder, "rev-parse", "HEAD")
        for name, text in QUICK.items():
            half = name.split("/")[0]
            text = text.format(image=f"{self.project}_{half}:base") + (dockerfile or {}).get(half, "")
            subprocess.run(
                ["docker", "build", "--quiet", "--tag", f"{self.project}_{half}:{commit}", "--build-arg",
                 f"COMMIT={told or commit}", "--file", "-", half],
                cwd=self.folder, input=text, check=True, capture_output=True, text=True,
            )  # fmt: skip
        self.load(commit)
        return commit

    def check_out(self, commit):
        git(self.folder, "checkout", "--quiet", "--detach", commit)

    def session(self):
        session = requests.Session()
        session.verify = str(self.certificate)
        session.trust_env = False
        turn = next(self.turns) % len(self.addresses)
        addresses = self.addresses[turn:] + self.addresses[:turn]
        for scheme in self.ports:
            session.mount(f"{scheme}://", FailOver([Loopback(self.ports, address) for address in addresses]))
        return session

    def get_from(self, node, url):
        """Asked of this node's nginx alone."""
        before, self.addresses = self.addresses, [address(node)]
        try:
            return self.get(url)
        finally:
            self.addresses = before

    def logs(self, service):
        """Asked of each node itself: the swarm would wait for one that was lost."""
        said = []
        for node in NODES:
            label = f"label=com.docker.swarm.service.name=thinkring_{service}"
            for container in self.docker("ps", "--quiet", "--filter", label, node=node, check=False).split():
                command = ["docker", "--host", self.host(node), "logs", container]
                result = subprocess.run(command, capture_output=True, text=True, timeout=60)
                said += [result.stdout, result.stderr]
        return "".join(said)

    def tasks(self, service):
        """The ids of those of its tasks that are to run."""
        return self.docker(
            "service", "ps", "--quiet", "--no-trunc", "--filter", "desired-state=running", f"thinkring_{service}"
        ).split()

    def running(self, service):
        """The nodes on which it runs, by number."""
        numbers = self.numbers()
        tasks = self.tasks(service)
        if not tasks:
            return []
        told = self.docker("inspect", "--type", "task", "--format", "{{.NodeID}} {{.Status.State}}", *tasks)
        return sorted(numbers[node] for node, state in map(str.split, told.splitlines()) if state == "running")

    def wait_for(self, condition, seconds=120):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.docker("service", "ls") + self.docker("node", "ls")
            time.sleep(1)

    def services(self):
        return self.docker("service", "ls", "--format", "{{.Name}}").split()

    def release(self):
        backend = self.get(f"{self.api}/version/").json()["commit"]
        frontend = self.get(f"{self.page}/healthz").json()["commit"]
        return backend, frontend

    def sql(self, statement, database="thinkring_prod"):
        (container,) = self.docker(
            "ps", "--quiet", "--filter", "label=com.docker.swarm.service.name=thinkring_db"
        ).split()
        psql = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "thinkring_user", "-c", statement, database]
        return self.docker("exec", container, *psql).strip()
