"""
pgBouncer beside the stack, as its profile starts it: what gunicorn's processes have through it. Under traffic:
tests/scaling/test_database.py.
"""

import json
import subprocess
import time

import pytest

from production import ENVIRONMENT, PRODUCTION, docker

# The same container beside both.
FRONT_ENDS = ["docker compose"]
# As gunicorn starts a process.
START = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "thinkring.settings"
exec(open("gunicorn.conf.py").read())
import django
django.setup()
from django.db import connection

def ask(statement, connection=connection):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]
"""
LOOK = """
import json
from apps.core.models import CallCount

CallCount.objects.create(key="of the pgBouncer's test", calls=1, ends_at=0)
written = CallCount.objects.filter(key="of the pgBouncer's test")
another = connection.copy()
print(json.dumps({
    "limits": {name: ask(f"show {name}") for name in ["lock_timeout", "statement_timeout", "jit"]},
    "options": raw_env,
    "from": ask("select host(inet_client_addr())"),
    "read in parts": [count.calls for count in written.iterator()],
    "deleted": written.delete()[0],
    # Between two transactions it is another one's, as in no other mode.
    "shared": ask("select pg_backend_pid()") == ask("select pg_backend_pid()", another),
}))
another.close()
"""
WAIT = "print(ask(\"select 'answered' from pg_sleep(5)\"))"


@pytest.fixture(scope="module")
def pooled(stack):
    profile = ["--profile", "pgbouncer"]
    stack.compose(*profile, "up", "-d", "pgbouncer")
    try:
        end = time.monotonic() + 60
        health = ["inspect", "--format", "{{.State.Health.Status}}", stack.container("pgbouncer")]
        while docker(*health).strip() != "healthy":
            assert time.monotonic() < end, stack.logs("pgbouncer")
            time.sleep(0.5)
        yield stack
    finally:
        stack.compose(*profile, "rm", "--force", "--stop", "pgbouncer")


def through(stack, code):
    """A process in the backend's container, of which a server's is made; what it prints can be read."""
    command = ["exec", "-T", "-e", "PGBOUNCER_HOST=pgbouncer", "backend", "python", "-c", START + code]
    return subprocess.Popen(
        [*stack.front_end, "-f", PRODUCTION, *command],
        cwd=stack.folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_what_is_asked_through_it(pooled):
    stdout, stderr = through(pooled, LOOK).communicate(timeout=60)

    assert json.loads(stdout or "null") == {
        "limits": {"lock_timeout": "5s", "statement_timeout": "20s", "jit": "off"},
        "options": ["PGOPTIONS=-c lock_timeout=5000 -c statement_timeout=20000 -c jit=off"],
        "from": pooled.compose("exec", "-T", "pgbouncer", "hostname", "-i").stdout.strip(),
        "read in parts": [1],
        "deleted": 1,
        "shared": True,
    }, stderr


def test_it_ends_by_itself_once_what_is_under_way_is_answered(pooled):
    waiting = through(pooled, WAIT)
    end = time.monotonic() + 30
    waits = "query like '%pg_sleep(5)%' and state = 'active' and pid <> pg_backend_pid()"
    while pooled.sql(f"select count(*) from pg_stat_activity where {waits}") == "0":
        assert time.monotonic() < end, waiting.communicate()
        time.sleep(0.2)
    began = time.monotonic()
    pooled.compose("--profile", "pgbouncer", "stop", "pgbouncer")

    assert time.monotonic() - began < 15
    assert waiting.communicate(timeout=30) == ("answered\n", "")
    assert docker("inspect", "--format", "{{.State.ExitCode}}", pooled.container("pgbouncer")).strip() == "0"
