"""
The commands of docs/runbook.md, as they stand there, typed into a shell in the checkout of a running stack. Each
block has the test of its name; what needs the outside world is marked `outside` in the file. Clean-up comes last,
since it leaves nothing.
"""

import os
import pty
import re
import select
import subprocess
import time
import uuid

import pytest

from production import DOMAIN, ENVIRONMENT, ROOT, clone

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
BLOCKS = {
    name: (commands, bool(outside))
    for name, outside, commands in re.findall(r"^```bash (\S+)( outside)?\n(.*?)^```$", RUNBOOK, re.M | re.S)
}
PASSWORD = "correct horse battery"


def commands(name):
    return BLOCKS[name][0].replace("your.domain", DOMAIN)


def test_every_block_has_a_test():
    inside = {name for name, (_, outside) in BLOCKS.items() if not outside}

    assert {f"test_{name.replace('-', '_')}" for name in inside - {"drop", "roll-back"}} <= set(globals())
    assert len(BLOCKS) == RUNBOOK.count("```bash")


@pytest.fixture
def shell(stack, tmp_path):
    """Runs commands as an operator does; `docker-compose` is the front end that the stack was started with."""
    (tmp_path / "docker-compose").write_text(f'#!/bin/sh\nexec {" ".join(stack.front_end)} "$@"\n')
    (tmp_path / "docker-compose").chmod(0o755)
    # What a browser on this machine is told by its arguments.
    (tmp_path / ".curlrc").write_text(
        f'connect-to = "{DOMAIN}::127.0.0.1:{stack.ports["https"]}"\ncacert = "{stack.certificate}"\n'
    )
    environment = ENVIRONMENT | {"PATH": f"{tmp_path}:{ENVIRONMENT['PATH']}", "CURL_HOME": str(tmp_path)}

    def run(text, cwd=stack.folder):
        result = subprocess.run(["bash", "-euc", text], cwd=cwd, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
        return result.stdout

    run.environment = environment
    return run


def register(stack):
    name = f"suzuki-{uuid.uuid4().hex[:8]}"
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    assert stack.request("POST", f"{stack.api}/auth/register/", json=body).status_code == 201
    return name


def can_log_in(stack, name):
    body = {"username": name, "password": PASSWORD}
    return stack.request("POST", f"{stack.api}/auth/login/", json=body).status_code == 200


def newest_backup(stack):
    return sorted((stack.folder / "backups").glob("thinkring_db_*.sql"))[-1].stem.removeprefix("thinkring_db_")


def test_first_deployment(stack, shell, tmp_path):
    setup, rest = commands("first-deployment").split("\n", 1)
    clone(tmp_path / "thinkring")
    shell(setup, cwd=tmp_path / "thinkring")
    assert f"ALLOWED_HOSTS={DOMAIN}" in (tmp_path / "thinkring" / ".env.production").read_text()

    said = shell(rest)

    assert "No migrations to apply." in said
    stack.wait()


def test_administrator(stack, shell):
    name = f"admin-{uuid.uuid4().hex[:8]}"
    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        ["bash", "-euc", commands("administrator")], cwd=stack.folder, env=shell.environment,
        stdin=other_end, stdout=other_end, stderr=other_end, start_new_session=True,
    )  # fmt: skip
    os.close(other_end)
    for answer in [name, f"{name}@example.com", PASSWORD, PASSWORD]:
        read_question(terminal)
        os.write(terminal, f"{answer}\n".encode())
    assert process.wait(timeout=60) == 0
    os.close(terminal)

    assert can_log_in(stack, name)


def read_question(terminal):
    said = ""
    while not said.endswith(": "):
        assert select.select([terminal], [], [], 60)[0], f"no question came after {said!r}"
        said += os.read(terminal, 1000).decode()


def test_certificate(server, shell):
    shell.environment["REQUESTS_CA_BUNDLE"] = str(server.authority.own_certificate)

    with server.told_of_the_authority():
        said = shell(commands("certificate"))

    assert f"Served as {DOMAIN} and api.{DOMAIN}" in said
    assert server.served_to_all() == server.in_file()


def test_renewal(server, shell):
    shell.environment["REQUESTS_CA_BUNDLE"] = str(server.authority.own_certificate)
    with server.told_of_the_authority():
        shell(commands("certificate"))
        before = server.served_to_all()
        shell(commands("renewal"))

    assert server.served_to_all() == server.in_file() != before


@pytest.fixture
def origin(stack, tmp_path):
    """Where the server fetches from: its main is one commit ahead."""

    def git(folder, *arguments):
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()

    desk = tmp_path / "desk"
    clone(desk)
    git(desk, "checkout", "-q", "-B", "main")
    git(desk, "commit", "-q", "--allow-empty", "-m", "newer")
    before = git(stack.folder, "remote", "get-url", "origin")
    git(stack.folder, "remote", "set-url", "origin", desk)
    yield git(desk, "rev-parse", "HEAD")
    git(stack.folder, "remote", "set-url", "origin", before)


def test_update_plain(stack, shell, origin):
    name = register(stack)

    shell(commands("update-plain"))

    stack.wait()
    assert can_log_in(stack, name)


def test_update(stack, shell, origin):
    name = register(stack)

    shell(commands("update"))

    assert stack.get(f"{stack.api}/version/").json()["commit"] == origin
    shell(commands("roll-back"))
    assert stack.get(f"{stack.api}/version/").json()["commit"] != origin
    assert can_log_in(stack, name)


def test_backup(stack, shell):
    said = shell(commands("backup"))

    date = newest_backup(stack)
    assert f"backups/thinkring_db_{date}.sql" in said
    assert (stack.folder / "backups" / f"thinkring_media_{date}.tar.gz").exists()
    assert (stack.folder / "backups" / f"thinkring_{date}.json").exists()


def test_restore(stack, shell):
    before = register(stack)
    stack.compose("exec", "-T", "backend", "sh", "-c", "echo ring >media/ring.png")
    shell(commands("backup"))
    after = register(stack)
    stack.compose("exec", "-T", "backend", "rm", "media/ring.png")

    said = shell(commands("restore"))

    stack.wait()
    assert can_log_in(stack, before)
    assert not can_log_in(stack, after), "what came later is gone"
    assert stack.get(f"{stack.page}/media/ring.png").text == "ring\n"
    assert "thinkring_before" in databases(stack)
    date = re.search(r"thinkring_before_(\d{8}_\d{6})", said)[1]
    drop = re.sub(r"^DATE=.*", f"DATE={date}", commands("drop"))
    shell(drop.replace("thinkring_media", f"{stack.project}_media"))
    assert "thinkring_before" not in databases(stack)


def databases(stack):
    return stack.compose("exec", "-T", "db", "psql", "-U", "thinkring_user", "-l", "thinkring_prod").stdout


def test_clear_away(stack, shell):
    login = {"username": register(stack), "password": PASSWORD}
    access = stack.request("POST", f"{stack.api}/auth/token/", json=login).json()["access"]
    as_them = {"headers": {"Authorization": f"Bearer {access}"}}
    for title in ["old", "new"]:
        project = stack.request("POST", f"{stack.api}/projects/", json={"title": title}, **as_them).json()
        stack.request("DELETE", f"{stack.api}/projects/{project['id']}/", **as_them)
    query = "update thinking_project set deleted_at = now() - interval '31 days' where title = 'old'"
    stack.compose("exec", "-T", "db", "psql", "-U", "thinkring_user", "-c", query, "thinkring_prod")

    said = shell(commands("clear-away"))

    assert "Deleted 1 projects and 0 nodes from the trash." in said
    assert "Deleted 0 old sessions and 0 expired tokens." in said
    trash = stack.get(f"{stack.api}/trash/", **as_them).json()
    assert [thing["title"] for thing in trash["results"]] == ["new"]


def test_mail(stack, shell):
    said = shell(f"exec 2>&1\n{commands('mail')}")

    assert "no mail server is set. Set EMAIL_HOST" in said


def test_logs(stack, shell):
    stack.get(f"{stack.page}/?asked-for-the-logs")

    assert '"request": "GET /"' in shell(commands("logs"))


def test_health(stack, shell):
    assert shell(commands("health")) == ""


def test_locks(stack, shell):
    assert "select pid, state" in shell(commands("locks")), "it sees itself at least"


def test_troubleshooting_start(stack, shell):
    said = shell(commands("troubleshooting-start"))

    for service in ["nginx", "frontend", "backend", "db"]:
        assert service in said


def test_troubleshooting_database(stack, shell):
    said = shell(commands("troubleshooting-database"))

    assert "DB_HOST=db" in said
    assert "database system is ready to accept connections" in said


def test_password(stack, shell):
    """The database was first started with another one than .env.production has now."""
    alter = "alter role thinkring_user password 'of-the-first-start'"
    stack.compose("exec", "-T", "db", "psql", "-U", "thinkring_user", "-c", alter, "thinkring_prod")
    stack.compose("restart", "backend")
    end = time.monotonic() + 60
    while "It keeps the names and the password that it was first started with" not in stack.logs("backend"):
        assert time.monotonic() < end
        time.sleep(0.5)

    shell(commands("password"))

    stack.wait()
    assert can_log_in(stack, register(stack))


def test_it_warns_of_the_complete_clean_up():
    before, _, after = RUNBOOK.partition("```bash clean-up\n")
    paragraph = before.strip().split("\n\n")[-1]

    assert paragraph.startswith("**`docker-compose down -v` deletes the database and every upload.**")
    assert after.startswith("./backup.sh\n")


def test_clean_up(stack, shell):
    name = register(stack)

    shell(commands("clean-up"))

    stack.wait()
    assert not can_log_in(stack, name)
    kept = stack.folder / "backups" / f"thinkring_db_{newest_backup(stack)}.sql"
    assert name in kept.read_text(), "the backup outlives it"
