"""
Who is measured: thinkRing's back end, the yardsticks, and nginx with and without thinkRing.

Each is a container of one processor with two workers, on one machine and one database. Back ends are asked directly,
with the headers that nginx would send.
"""

import contextlib
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from production import DOMAIN, Stack, docker

YARDSTICKS = Path(__file__).with_name("yardsticks")
DATA = Path(__file__).with_name("data.sql")
# Of data.sql.
PEOPLE, MOST = 1000, 100_000
CGROUPS = Path("/sys/fs/cgroup")
# Of gunicorn, as thinkRing's own (backend/gunicorn.conf.py).
GUNICORN = (
    "gunicorn --bind {host}:{port} --workers 2 --threads 4 --worker-class gthread --keep-alive 75 "
    "--worker-tmp-dir /dev/shm --no-control-socket"
)
COMMANDS = {
    "floor": GUNICORN + " floor:application",
    "FastAPI": "uvicorn --host {host} --port {port} --workers 2 --no-access-log fastapi_sqlmodel:app",
    "plain DRF": GUNICORN + " plain_drf.wsgi",
}
AS_NGINX = {
    "Host": f"api.{DOMAIN}",
    "X-Real-IP": "192.0.2.1",
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Proto": "https",
    "X-Request-ID": "0123456789abcdef0123456789abcdef",
}


def hashing(password):
    """What `manage.py shell` has to do for the hash of a password."""
    return f"from django.contrib.auth.hashers import make_password; print(make_password({password!r}))"


class BenchStack(Stack):
    """The production stack without the limits that a single visitor of the bench would reach."""

    in_containers = True

    def be_apart(self, settings, **more):
        super().be_apart(settings, JWT_ACCESS_TOKEN_LIFETIME=1440, **more)
        nginx = self.folder / "nginx" / "nginx.conf"
        text = nginx.read_text()
        lifted = text.replace("rate=100r/s", "rate=1000000r/s")
        assert lifted != text
        nginx.write_text(lifted)

    def fill(self, password, people=PEOPLE, most=MOST):
        """Puts data.sql into the database, whose accounts have this password."""
        hashed = self.compose("exec", "-T", "backend", "python", "manage.py", "shell", "-v0", "-c", hashing(password))
        with DATA.open() as statements:
            subprocess.run(
                [
                    *("docker", "exec", "-i", self.container("db"), "psql", "-XqAt", "-v", "ON_ERROR_STOP=1"),
                    *("-v", f"password={hashed.stdout.strip()}", "-v", f"people={people}", "-v", f"most={most}"),
                    *("-U", "thinkring_user", "thinkring_prod"),
                ],
                stdin=statements, stdout=subprocess.DEVNULL, check=True, timeout=3600,
            )  # fmt: skip

    def database(self):
        return Contender("db", "", full_id(self.container("db")))

    @contextlib.contextmanager
    def contenders(self):
        """All of them by name, running; while the stack runs."""
        network, image = f"{self.project}_database", f"{self.project}-yardsticks"
        own = settings(self)
        started = []

        def run(name, *arguments):
            container = f"{self.project}-{name.lower().replace(' ', '-')}"
            docker("run", "--detach", "--name", container, "--cpus", "1", "--memory", "1g", *arguments)
            started.append(container)
            return container

        try:
            docker("build", "--quiet", "--tag", image, str(YARDSTICKS))
            backend = self.container("backend")
            found = {"thinkRing": Contender("thinkRing", f"http://{address(backend, network)}:8000", full_id(backend))}
            environment = [
                f"--env={name}={own[name]}"
                for name in ("DB_HOST", "DB_NAME", "DB_USER", "DB_PASSWORD", "SECRET_KEY", "JWT_SECRET_KEY")
            ]
            for name, command in COMMANDS.items():
                started_by = command.format(host="0.0.0.0", port=8000).split()  # noqa: S104
                container = run(name, "--network", network, *environment, image, *started_by)
                found[name] = Contender(name, f"http://{address(container, network)}:8000", full_id(container))
            container = run(
                "bare nginx",
                *("--publish", "127.0.0.1::443"),
                *("--volume", f"{YARDSTICKS / 'nginx.conf'}:/etc/nginx/nginx.conf:ro"),
                *("--volume", f"{self.folder / 'nginx' / 'ssl'}:/etc/nginx/ssl:ro"),
                *("--volume", f"{self.project}_static_files:/var/www/static:ro"),
                "nginx:alpine",
            )
            port = int(docker("port", container, "443").split(":")[-1])
            own_port, certificate = self.ports["https"], str(self.certificate)
            found["bare nginx"] = Contender("bare nginx", self.page, full_id(container), port, certificate)
            nginx = full_id(self.container("nginx"))
            found["nginx"] = Contender("nginx", self.page, nginx, own_port, certificate)
            api = self.api.removesuffix("/api/v1")
            found["thinkRing by nginx"] = Contender("thinkRing by nginx", api, nginx, own_port, certificate)
            wait(found)
            yield found
        finally:
            if started:
                docker("rm", "--force", "--volumes", *started)


@dataclass(frozen=True)
class Contender:
    name: str
    url: str
    container: str
    # Over TLS wrk has to ask for the name and be led here.
    port: int | None = None
    certificate: str = ""

    @property
    def headers(self):
        return AS_NGINX if self.port is None else {}

    def log(self):
        return docker("logs", "--tail", "30", self.container)

    def cpu(self):
        """Microseconds of a processor that it has taken so far."""
        folder = cgroup(self.container, "cpuacct")
        usage = folder / "cpuacct.usage"
        if usage.exists():
            return int(usage.read_text()) / 1000
        return numbers(folder / "cpu.stat")["usage_usec"]


def cgroup(container, controller):
    """The folder of a container's control group, in version 1 or 2, with either of Docker's drivers."""
    for root in (CGROUPS / controller, CGROUPS):
        for name in (f"docker/{container}", f"system.slice/docker-{container}.scope"):
            if (root / name).is_dir():
                return root / name
    raise FileNotFoundError(f"no control group of {container} under {CGROUPS}")


def numbers(file):
    return {name: int(value) for name, value in (line.split() for line in file.read_text().splitlines())}


FILES = ("active_file", "inactive_file")


def memory(container):
    """Bytes that it needs: without the files that the kernel only keeps because nobody else needs the room.

    What PostgreSQL shares among its processes is no file, and counts.
    """
    folder = cgroup(container, "memory")
    version_1 = folder / "memory.usage_in_bytes"
    used = version_1 if version_1.exists() else folder / "memory.current"
    stat = numbers(folder / "memory.stat")
    return int(used.read_text()) - sum(stat.get(f"total_{kind}", stat.get(kind, 0)) for kind in FILES)


def settings(stack):
    """Those of the stack, which the yardsticks get too."""
    lines = (stack.folder / ".env.production").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def address(container, network):
    """In that network; this machine reaches it there."""
    return docker(
        "inspect", "--format", f'{{{{(index .NetworkSettings.Networks "{network}").IPAddress}}}}', container
    ).strip()


def full_id(container):
    return docker("inspect", "--format", "{{.Id}}", container).strip()


def wait(found, deadline=60):
    """Until each back end answers something; who cannot start says why."""
    end = time.monotonic() + deadline
    for contender in found.values():
        while contender.port is None:
            try:
                requests.get(f"{contender.url}/api/v1/auth/me/", headers=contender.headers, timeout=5)
                break
            except requests.RequestException:
                if time.monotonic() > end:
                    raise RuntimeError(f"{contender.name} does not answer. {contender.log()}") from None
                time.sleep(0.3)
