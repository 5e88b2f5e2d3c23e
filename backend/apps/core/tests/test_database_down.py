"""With a database that cannot be reached, asked of a process that has no other."""

import json
import runpy

import pytest
from django.db import connection, transaction

ASK = """
import json
from django.test import Client
client = Client(raise_request_exception=False)
answers = []
for method, path, headers in {requests!r}:
    response = client.generic(method, path, {body!r}, content_type="application/json", headers=headers)
    answers.append([response.status_code, response.headers.get("Retry-After"), response.json()])
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def ask(manage, production):
    def asked(*requests, body="", debug="False"):
        environment = {
            **production,
            "DB_HOST": "127.0.0.1",
            "DB_PORT": "1",
            "ALLOWED_HOSTS": "testserver",
            "DEBUG": debug,
        }
        done = manage("shell", "--no-imports", "--command", ASK.format(requests=requests, body=body), **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return asked


@pytest.mark.parametrize("debug", ["False", "True"])
def test_it_works(ask, debug):
    """The process is healthy, it is not ready, and a request says which of the two it is."""
    health, ready, login = ask(
        ("GET", "/api/v1/health/", {}),
        ("GET", "/api/v1/health/ready/", {}),
        ("POST", "/api/v1/auth/login/", {}),
        body='{"username": "alice", "password": "tomato-9-umbrella"}',
        debug=debug,
    )

    assert health == [200, None, {"status": "healthy"}]
    assert ready[0] == 503
    assert ready[1] == "5"
    assert ready[2]["checks"] == {"database": "unreachable", "migrations": "unknown", "cache": "unknown"}
    assert login[0] == 503
    assert login[1] == "5"
    assert login[2]["error"]["code"] == "SRV_002"


def test_it_is_logged_once(manage, production):
    """One error for the request, with its cause; not a second one that knows no more."""
    environment = {**production, "DB_HOST": "127.0.0.1", "DB_PORT": "1", "ALLOWED_HOSTS": "testserver"}
    request = ("POST", "/api/v1/auth/login/", {})
    body = '{"username": "alice", "password": "tomato-9-umbrella"}'

    done = manage("shell", "--no-imports", "--command", ASK.format(requests=[request], body=body), **environment)

    entries = [json.loads(line) for line in done.stderr.splitlines()]
    (error,) = [entry for entry in entries if entry["level"] == "ERROR"]
    assert "the database did not answer: connection failed" in error["message"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
@pytest.mark.parametrize(
    ("limit", "statement"),
    [("lock_timeout", "LOCK TABLE accounts_user"), ("statement_timeout", "SELECT pg_sleep(10)")],
)
def test_a_statement_that_takes_too_long(client, monkeypatch, limit, statement):
    """What gunicorn.conf.py limits ends as an answer that may be asked for again."""
    other = connection.copy()
    monkeypatch.setattr("apps.core.checks.pending_migrations", lambda: run(statement))
    try:
        with transaction.atomic(), connection.cursor() as cursor, other.cursor() as holder:
            holder.execute("BEGIN")
            holder.execute("LOCK TABLE accounts_user")
            cursor.execute(f"SET LOCAL {limit} = '100ms'")
            response = client.get("/api/v1/health/ready/")
            transaction.set_rollback(True)
    finally:
        other.close()

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "SRV_002"


def run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_how_gunicorn_limits_statements(manage, postgresql, transactional_db):
    """Its settings reach PostgreSQL through the environment of the server, and do not cut a migration short."""
    settings = runpy.run_path("gunicorn.conf.py")
    told = dict(variable.split("=", 1) for variable in settings["raw_env"])
    database = {
        f"DB_{name}": str(connection.settings_dict[name]) for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")
    }
    show = (
        "from django.db import connection\n"
        "for name in ('lock_timeout', 'statement_timeout'):\n"
        "    print(connection.cursor().execute(f'SHOW {name}').fetchone()[0])"
    )

    def limits(**environment):
        return manage("shell", "--no-imports", "--command", show, **database, **environment).stdout.split()

    assert limits(**told) == ["5s", "20s"]
    assert limits() == ["0", "0"]
