"""
The bench's back ends as processes of this machine, where no Docker engine answers, on a throw-away PostgreSQL 15.

There is no nginx then, and nobody is held to one processor; what only containers have is left out.
"""

import contextlib
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
import requests
import yaml

from production import DOMAIN, NO_LIMITS, PRODUCTION, ROOT, free_port

from .contenders import AS_NGINX, COMMANDS, DATA, MOST, PEOPLE, YARDSTICKS, Contender, hashing, wait

TICKS = os.sysconf("SC_CLK_TCK")
PSQL = "/usr/lib/postgresql/15/bin/psql"


@dataclass(frozen=True)
class Process(Contender):
    pid: int = 0

    def log(self):
        return "What it says stands above."

    def cpu(self):
        return used(self.pid) * 1e6 / TICKS


def used(pid):
    """Ticks of a process and all that come from it, those that have ended too."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        tasks = [*Path(f"/proc/{pid}/task").iterdir()]
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except FileNotFoundError:
        # It has ended just now, and is among its parent's.
        return 0
    # utime, stime, cutime and cstime, of proc(5).
    return sum(map(int, fields[11:15])) + sum(used(int(child)) for child in children)


def postgres_options():
    """What the production stack gives PostgreSQL, for tests/with-postgres.sh; with fsync, unlike there."""
    words = yaml.safe_load((ROOT / PRODUCTION).read_text())["services"]["db"]["command"]
    # Not what it does with its log and its archive.
    return " ".join(
        word for word in words if word.startswith("-c") and not word.startswith(("-clog", "-carchive", "-cmax_slot"))
    )


class ProcessStack:
    """thinkRing's back end on the database that stands in the environment."""

    in_containers = False

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.api = f"http://127.0.0.1:{self.port}/api/v1"
        self.dsn = " ".join(
            f"{name}={os.environ[variable]}"
            for name, variable in (
                ("host", "DB_HOST"), ("port", "DB_PORT"), ("dbname", "DB_NAME"), ("user", "DB_USER"),
                ("password", "DB_PASSWORD"),
            )
        )  # fmt: skip
        self.environment = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD")
        } | {name: str(limit) for name, limit in NO_LIMITS.items()}
        self.environment |= {
            # The yardsticks know no other than the usual one.
            "PGPORT": os.environ["DB_PORT"],
            "ALLOWED_HOSTS": f"api.{DOMAIN}",
            "JWT_ACCESS_TOKEN_LIFETIME": "1440",
            "SECRET_KEY": secrets.token_urlsafe(60),
            "JWT_SECRET_KEY": secrets.token_urlsafe(60),
        }

    @contextlib.contextmanager
    def running(self):
        manage = [sys.executable, "manage.py"]
        subprocess.run(
            [*manage, "prepare_database"], cwd=ROOT / "backend", env=self.environment, check=True, capture_output=True
        )
        gunicorn = [Path(sys.executable).with_name("gunicorn"), "--bind", f"127.0.0.1:{self.port}", "thinkring.wsgi"]
        with process(gunicorn, ROOT / "backend", self.environment) as self.pid:
            yield

    def request(self, method, url, **arguments):
        return requests.request(method, url, headers=AS_NGINX, timeout=60, **arguments)

    def sql(self, statement):
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statement)

    def database(self):
        with psycopg.connect(self.dsn) as connection:
            # Its parent, which all of them come from.
            status = Path(f"/proc/{connection.info.backend_pid}/stat").read_text()
        return Process("db", "", "", pid=int(status.rpartition(")")[2].split()[1]))

    def fill(self, password):
        hashed = subprocess.run(
            [sys.executable, "manage.py", "shell", "-v0", "-c", hashing(password)],
            cwd=ROOT / "backend", env=self.environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        with DATA.open() as statements:
            subprocess.run(
                [
                    *(PSQL, "-XqAt", "-v", "ON_ERROR_STOP=1", "-v", f"password={hashed.stdout.strip()}"),
                    *("-v", f"people={PEOPLE}", "-v", f"most={MOST}", self.dsn),
                ],
                stdin=statements, stdout=subprocess.DEVNULL, check=True, timeout=3600,
            )  # fmt: skip

    @contextlib.contextmanager
    def contenders(self):
        subprocess.run([sys.executable, "-m", "venv", self.folder / "venv"], check=True)
        programs = self.folder / "venv" / "bin"
        subprocess.run([programs / "pip", "install", "--quiet", "-r", YARDSTICKS / "requirements.txt"], check=True)
        url = self.api.removesuffix("/api/v1")
        with contextlib.ExitStack() as running:
            found = {"thinkRing": Process("thinkRing", url, "", pid=self.pid)}
            for name, command in COMMANDS.items():
                port = free_port()
                program, *arguments = command.format(host="127.0.0.1", port=port).split()
                pid = running.enter_context(process([programs / program, *arguments], YARDSTICKS, self.environment))
                found[name] = Process(name, f"http://127.0.0.1:{port}", "", pid=pid)
            wait(found)
            yield found


@contextlib.contextmanager
def process(command, folder, environment):
    running = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield running.pid
    finally:
        running.terminate()
        running.wait()
