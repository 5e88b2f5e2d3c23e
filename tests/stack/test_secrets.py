"""
Secrets are in `.env.production`, or in files that it names, and nowhere else: not in an image or its history, not in a
log, not in an answer, whatever went wrong before.
"""

import gzip
import re
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from production import docker

from .conftest import SERVICES, bearer, without

# What an image or a log has in it does not depend on who starts it.
FRONT_ENDS = ["docker compose"]
NAMES = ["SECRET_KEY", "JWT_SECRET_KEY", "DB_PASSWORD"]
# Each is in its image, so that a search which finds nothing at all is no proof.
KNOWN = {"backend": b"to a secret of your own: it is missing.", "frontend": b"files published."}


@pytest.fixture
def secrets(stack):
    lines = (stack.folder / ".env.production").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert all(len(settings[name]) >= 32 for name in NAMES)
    return {name: settings[name] for name in NAMES}


def image(stack, service):
    return docker("inspect", "--format", "{{.Image}}", stack.container(service)).strip()


@pytest.mark.parametrize("service", KNOWN)
def test_none_in_how_an_image_was_made(stack, secrets, service):
    made = docker("history", "--no-trunc", image(stack, service)) + docker("image", "inspect", image(stack, service))

    assert "COMMIT=" in made
    assert [name for name, value in secrets.items() if value in made] == []


@pytest.mark.parametrize("service", KNOWN)
def test_none_in_an_images_files(stack, secrets, service):
    """In any of its layers, so that a file counts which a later one has deleted."""
    sought = {KNOWN[service], *(value.encode() for value in secrets.values())}
    found = set()
    with (
        subprocess.Popen(["docker", "image", "save", image(stack, service)], stdout=subprocess.PIPE) as saving,
        tarfile.open(fileobj=saving.stdout, mode="r|") as saved,
    ):
        for layer in filter(tarfile.TarInfo.isfile, saved):
            content = saved.extractfile(layer)
            # Some engines keep their layers compressed.
            is_compressed = content.peek(2)[:2] == b"\x1f\x8b"
            with gzip.open(content) if is_compressed else content as plain:
                found |= words_in(plain, sought)

    assert found == {KNOWN[service]}


def words_in(content, words):
    found, before = set(), b""
    longest = max(map(len, words))
    while block := content.read(4 * 1024 * 1024):
        block = before + block
        found |= {word for word in words if word in block}
        before = block[-longest:]
    return found


def test_none_in_answers_and_logs(stack, secrets, account):
    name, headers = {"username": account["username"]}, bearer(account["access"])
    login = f"{stack.api}/auth/login/"
    link = reset_link(stack, account)
    with stack.session() as session:
        session.post(login, json=name | {"password": account["password"]}, timeout=30)
        refresh = session.cookies["__Secure-refresh"]
        answers = [session.post(f"{stack.api}/auth/refresh/", headers={"Origin": "https://elsewhere.test"}, timeout=30)]
    answers += [
        stack.request("POST", login, json=name | {"password": "not the right one at all"}),
        stack.request(
            "POST", login, data='{"password": "cut off in the middle', headers={"Content-Type": "application/json"}
        ),
        stack.request("POST", f"{stack.api}/auth/register/", json=name | {"password": account["password"]}),
        stack.request("POST", f"{stack.api}/auth/refresh/", json={"refresh": "no.token.atall"}),
        stack.get(f"{stack.api}/projects/?access={account['access']}", headers=bearer("no.token.atall")),
        stack.get(f"{stack.page}/reset/?token={refresh}"),
        stack.get(f"{stack.page}{link}"),
        stack.get(f"{stack.page}/admin/login/"),
    ]
    with without(stack, "thinking_project"):
        answers.append(stack.request("POST", f"{stack.api}/projects/", json={"title": "a"}, headers=headers))
    with without(stack, "django_session"):
        answers.append(stack.get(f"{stack.page}/admin/", headers={"Cookie": f"__Host-sessionid={'a' * 32}"}))
    assert [answer.status_code for answer in answers] == [403, 401, 400, 422, 401, 401, 308, 200, 200, 500, 500]

    said = "".join(f"{answer.headers}\n{answer.text}\n" for answer in answers)
    logs = "".join(stack.logs(service) for service in [*SERVICES, "certificate", "backups"])

    assert "ProgrammingError" in logs
    assert [what for what, value in secrets.items() if value in said + logs] == []
    of_a_person = {
        "password": account["password"],
        "wrong password": "not the right one at all",
        "half a password": "cut off in the middle",
        "access token": account["access"],
        "refresh token": refresh,
        "a reset link's token": link.split("/")[-1],
    }
    assert [what for what, value in of_a_person.items() if value in logs] == []


def test_a_slow_statement_is_told_without_its_values(stack, account):
    title = f"kept to oneself {account['username']}"

    with ThreadPoolExecutor(1) as pool:
        locked = pool.submit(stack.sql, "begin; lock table thinking_project; select pg_sleep(2); commit")
        while stack.sql("select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted") == "0":
            assert not locked.done()
        answer = stack.request(
            "POST", f"{stack.api}/projects/", json={"title": title}, headers=bearer(account["access"])
        )
    assert answer.status_code == 201

    log = stack.logs("db")
    assert re.search('duration: .*INSERT INTO "thinking_project"', log)
    assert title not in log


def reset_link(stack, account):
    """The path of the page by which a new password is set, as it is mailed."""
    code = (
        "from apps.accounts import passwords; from apps.accounts.models import User; "
        f"print(passwords.link_mail(User.objects.get(username='{account['username']}')).body)"
    )
    mail = stack.compose("exec", "-T", "backend", "python", "manage.py", "shell", "--no-imports", "-c", code).stdout
    return re.search(r"https://[^/]+(/reset/[\w-]+/[\w-]+)", mail)[1]


def test_each_may_come_from_a_file(stack, secrets, tmp_path):
    """Which stands above the variable; the database takes the password."""
    options = []
    for name, value in secrets.items():
        (tmp_path / name).write_text(f"{value}\n")
        options += ["-e", f"{name}={'n' * 64}", "-e", f"{name}_FILE=/run/secrets/{name}"]
        options += ["-v", f"{tmp_path / name}:/run/secrets/{name}:ro"]
    code = (
        "from pathlib import Path; from django.conf import settings; from django.db import connection; "
        "connection.ensure_connection(); "
        "print([getattr(settings, name) == Path('/run/secrets', name).read_text().strip()"
        " for name in ('SECRET_KEY', 'JWT_SECRET_KEY')])"
    )

    said = stack.compose(
        "run",
        "--rm",
        "-T",
        "--no-deps",
        *options,
        "backend",
        "python",
        "manage.py",
        "shell",
        "--no-imports",
        "-c",
        code,
    ).stdout

    assert said == "[True, True]\n"
