"""
The commands of docs/runbook.md, as they stand there, typed into a shell in the checkout of a running stack. Each
block has the test of its name. Clean-up comes last, since it leaves nothing.
"""

import re
import shutil
import subprocess
import time
import uuid
from datetime import datetime, timezone

import pytest

from production import DOMAIN, ENVIRONMENT, PASSWORD, clone, docker, free_port

from .runbook import BLOCKS, TEXT, commands
from .terminal import Terminal


def test_every_block_has_a_test():
    # Those are part of another block's test; the last ones are in deploy/test_workflow.py, in scaling/test_database.py
    # and in upgrade/.
    elsewhere = {"drop", "roll-back", "staging-data", "fingerprint", "move-database"}
    elsewhere |= {"upgrade-postgres", "postgres-back", "postgres-back-pgbouncer", "postgres-old"}

    assert {f"test_{name.replace('-', '_')}" for name in BLOCKS.keys() - elsewhere} <= set(globals())
    assert len(BLOCKS) == TEXT.count("```bash")


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
    terminal = Terminal(["bash", "-euc", commands("administrator")], cwd=stack.folder, env=shell.environment)
    terminal.make_administrator(name, f"{name}@example.com", PASSWORD)
    assert terminal.exit_status() == 0

    assert stack.can_log_in(name)


def test_certificate(server, shell):
    shell.environment["REQUESTS_CA_BUNDLE"] = str(server.authority.own_certificate)

    with server.told_of(server.authority.directory):
        said = shell(commands("certificate"))

    assert f"Served as {DOMAIN} and api.{DOMAIN}" in said
    assert server.served_to_all() == server.in_file()


def test_renewal(server, shell):
    shell.environment["REQUESTS_CA_BUNDLE"] = str(server.authority.own_certificate)
    with server.told_of(server.authority.directory):
        shell(commands("certificate"))
        before = server.served_to_all()
        shell(commands("renewal"))

    assert server.served_to_all() == server.in_file() != before


@pytest.fixture
def crontab(tmp_path):
    """What a cron has that only remembers, so that this machine's does nothing of it."""
    kept = tmp_path / "kept"
    kept.touch()
    for name, script in {
        "id": "case $1 in -u) echo 1000 ;; *) echo operator ;; esac",
        "crontab": f'if [ "$1" != -l ]; then exec cat >"{kept}"; fi; exec cat "{kept}"',
        "pgrep": "true",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    return kept


def test_install(server, shell, crontab):
    """Where there is a server already; from nothing to one it goes in tests/operations/install/."""
    shell.environment["REQUESTS_CA_BUNDLE"] = str(server.authority.own_certificate)
    with server.told_of(server.authority.directory):
        # The doctor finds no names of a test in the DNS.
        said = shell(f"{commands('install').strip()} <<<yes || true")

    assert f"Going on with {DOMAIN}" in said
    assert re.search("^A certificate that browsers trust … (done, |there already)", said, re.M)
    assert re.search("^A base backup … (done, |there already)", said, re.M)
    assert "./backup.sh" in crontab.read_text()
    assert f"thinkRing answers at {server.stack.page}" in said
    assert server.served_to_all() == server.in_file()


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
    name = stack.register()["username"]

    shell(commands("update-plain"))

    stack.wait()
    assert stack.can_log_in(name)


def test_update(stack, shell, origin):
    name = stack.register()["username"]

    shell(commands("update"))

    answer = stack.get(f"{stack.api}/version/")
    assert answer.status_code == 200, answer.text + stack.logs("nginx")[-3000:]
    assert answer.json()["commit"] == origin
    shell(commands("roll-back"))
    assert stack.get(f"{stack.api}/version/").json()["commit"] != origin
    assert stack.can_log_in(name)


def test_backup(stack, shell):
    said = shell(commands("backup"))

    date = newest_backup(stack)
    assert f"backups/thinkring_db_{date}.sql" in said
    assert (stack.folder / "backups" / f"thinkring_media_{date}.tar.gz").exists()
    assert (stack.folder / "backups" / f"thinkring_{date}.json").exists()


def test_schedule(stack, shell, crontab):
    said = shell(commands("schedule"))

    assert "Put the entries into the crontab of operator." in said
    assert f"0 2 * * * cd '{stack.folder}' && {{ ./backup.sh >" in said
    command = re.search("^45 2 .*?( cd .*empty_trash.*)", crontab.read_text(), re.M)[1]
    shell(command, cwd="/")
    assert "from the trash." in (stack.folder / "ops" / "state" / "last-empty_trash.txt").read_text()


def test_firewall(machine_with_ufw):
    said = machine_with_ufw.run("sh", "-euc", f"cd {machine_with_ufw.checkout}\n{commands('firewall')}").stdout

    assert "Opened 2222 (SSH), 80 and 443." in said
    assert machine_with_ufw.open_from_outside() == [80, 443, 2222]


def test_firewall_plain(machine_with_ufw):
    """Without the port at which its sshd listens; what Docker publishes besides 80 and 443 goes past it, as is said."""
    machine_with_ufw.run("sh", "-euc", commands("firewall-plain"))

    assert machine_with_ufw.open_from_outside() == [22, 80, 443, 5433]


@pytest.fixture
def newer_nginx(stack, shell, tmp_path):
    """What a registry would have, that cannot be asked everywhere: a newer nginx, and of the rest what is here."""
    name, program = "thinkring-test-newer-nginx", shutil.which("docker")
    was = docker("image", "inspect", "-f", "{{.Id}}", "nginx:alpine").strip()
    subprocess.run(["docker", "build", "-t", name, "-"], input=b"FROM nginx:alpine\nLABEL newer=yes\n", check=True)
    (tmp_path / "docker").write_text(f"""#!/bin/sh
case "$*" in
  pull*nginx:alpine | "compose pull --ignore-pull-failures") exec {program} tag {name} nginx:alpine ;;
  pull*) exit ;;
  "compose build --pull") exec {program} compose build ;;
esac
exec {program} "$@"
""")
    (tmp_path / "docker").chmod(0o755)
    yield docker("image", "inspect", "-f", "{{.Id}}", name)
    docker("tag", was, "nginx:alpine")
    stack.compose("up", "-d")
    stack.wait()
    docker("rmi", name)


def test_update_images(stack, shell, newer_nginx):
    said = shell(commands("update-images"))

    assert "Newer: nginx:alpine, for nginx." in said
    assert said.endswith("Replaced nginx.\nEverything runs on the newest images.\n")
    assert docker("inspect", "-f", "{{.Image}}", stack.container("nginx")) == newer_nginx
    stack.wait()


def test_update_images_plain(stack, shell, newer_nginx):
    shell(commands("update-images-plain"))

    stack.wait()
    assert docker("inspect", "-f", "{{.Image}}", stack.container("nginx")) == newer_nginx


def test_restore(stack, shell):
    before = stack.register()["username"]
    stack.compose("exec", "-T", "backend", "sh", "-c", "echo ring >media/ring.png")
    # As if a newer image sorted texts in another way, of which the database warns whoever comes.
    psql = ["exec", "-T", "db", "psql", "-U", "thinkring_user", "thinkring_prod", "-c"]
    stack.compose(*psql, "update pg_database set datcollversion = '0' where datname <> 'template0'")
    assert "WARNING" in stack.compose(*psql, "").stderr
    shell(commands("backup"))
    after = stack.register()["username"]
    stack.compose("exec", "-T", "backend", "rm", "media/ring.png")

    said = shell(commands("restore"))

    stack.wait()
    assert stack.can_log_in(before)
    assert not stack.can_log_in(after), "what came later is gone"
    assert stack.get(f"{stack.page}/media/ring.png").text == "ring\n"
    for name in ["postgres", "template1"]:
        stack.compose(*psql, f"alter database {name} refresh collation version")
    assert "WARNING" not in stack.compose(*psql, "").stderr
    assert "thinkring_before" in databases(stack)
    date = re.search(r"thinkring_before_(\d{8}_\d{6})", said)[1]
    drop = re.sub(r"^DATE=.*", f"DATE={date}", commands("drop"))
    shell(drop.replace("thinkring_media", f"{stack.project}_media"))
    assert "thinkring_before" not in databases(stack)


def test_base_backup(stack, shell):
    assert re.search(r"^Wrote backups/base/\d+/\d{8}_\d{6} ", shell(commands("base-backup")), re.M)


@pytest.mark.torture
def test_moment(stack, shell, figure):
    def media(command):
        stack.compose("exec", "-T", "-w", "/app/media", "backend", "sh", "-c", command)

    shell(commands("base-backup"))
    before = stack.register()["username"]
    media("echo backed up >early.png")
    shell(commands("backup"))
    media("rm early.png")
    time.sleep(1)
    moment = datetime.now(timezone.utc)
    time.sleep(1)
    after = stack.register()["username"]
    media("echo in use >late.png")

    begun = time.monotonic()
    said = shell(re.sub(r"--to '.*?'", f"--to '{moment.isoformat()}'", commands("moment")))
    figure("back to a moment, the stack in use", f"{time.monotonic() - begun:.0f} s")

    stack.wait()
    assert stack.can_log_in(before)
    assert not stack.can_log_in(after), "what came later is gone"
    assert stack.get(f"{stack.page}/media/early.png").text == "backed up\n"
    assert stack.get(f"{stack.page}/media/late.png").text == "in use\n"
    kept = re.search(r"thinkring_before_\d{8}_\d{6}", said)[0]
    query = f"select count(*) from accounts_user where username = '{after}'"
    assert stack.sql(query, kept) == "1"
    stack.compose("exec", "-T", "db", "dropdb", "-U", "thinkring_user", kept)


@pytest.mark.torture
def test_drill(stack, shell, figure):
    said = shell(commands("drill"))

    lost, writes, rpo, rto = re.search(r"lost (\d+) of (\d+) .*RPO ([\d.]+) s .* after (\d+) s", said).groups()
    figure(
        "drill, database killed and its volume deleted (goals: RPO 5 s, RTO 60 s)",
        f"{rto} s; {writes} writes, {lost} lost; RPO {rpo} s",
    )
    assert lost == "0"
    assert float(rpo) <= 5
    assert int(rto) <= 60
    assert (stack.folder / "ops" / "state" / "drill.log").read_text().splitlines()[-1].split()[1] == "ok,"
    left = ["docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={stack.project}_drill"]
    assert subprocess.check_output(left) == b""


@pytest.fixture
def staging(stack, tmp_path):
    """The folder of a staging server beside the stack; its containers are removed in the end."""
    folder = tmp_path / "thinkring-staging"
    clone(folder)
    yield folder
    command = [*stack.front_end, "-f", "docker-compose.prod.yml", "down", "-v", "--rmi", "local"]
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)


def test_staging(stack, shell, staging):
    setup, rest = commands("staging").split("\n", 2)[2].split("\n", 1)
    shell(setup, cwd=staging)
    settings = staging / ".env.production"
    ports = {"8080": free_port(), "8443": free_port()}
    text = re.sub("8080|8443", lambda port: str(ports[port[0]]), settings.read_text())
    settings.write_text(f"{text}EMAIL_HOST=mail.{DOMAIN}\n")

    said = shell(rest, cwd=staging)

    password = re.search(r"The password of both accounts is (\S+);", said)[1]
    assert said.count(password) == 1
    site = ("curl", "-sk", "--connect-to", f"::127.0.0.1:{ports['8443']}", "--retry", "60", "--retry-all-errors")

    def ask(path, *arguments, host="staging"):
        address = f"https://{host}.{DOMAIN}:{ports['8443']}{path}"
        return subprocess.run([*site, "-f", *arguments, address], capture_output=True, text=True).stdout

    def in_staging(*arguments):
        return subprocess.run(
            [*stack.front_end, "-f", "docker-compose.prod.yml", *arguments],
            cwd=staging, env=ENVIRONMENT, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    def logs_in(name, password):
        body = f'{{"username": "{name}", "password": "{password}"}}'
        arguments = ("--retry", "0", "--json", body)
        return "access" in ask("/api/v1/auth/token/", *arguments, host="api.staging")

    assert "x-robots-tag: noindex" in ask("/", "-i").lower()
    assert logs_in("demo-ja", password)
    arguments = ("--retry", "0", "--json", '{"email": "demo-ja@example.com"}')
    ask("/api/v1/auth/password/reset/", *arguments, host="api.staging")
    # It is sent after the answer.
    end = time.monotonic() + 20
    while "To: demo-ja@example.com" not in (log := in_staging("logs", "backend")):
        assert time.monotonic() < end, log
        time.sleep(0.5)

    name = stack.register()["username"]
    shell(commands("backup"))
    restore = commands("staging-data").replace("/path/to/thinkring", str(stack.folder))
    said = shell(restore.replace("DATE", newest_backup(stack)), cwd=staging)

    assert "Masked the personal data, and left the uploads out" in said
    assert "healthy" in ask("/api/v1/health/")
    dump = in_staging("exec", "-T", "db", "pg_dump", "-U", "thinkring_user", "thinkring_prod")
    assert "person-1@example.invalid" in dump
    assert name not in dump
    assert not logs_in(name, PASSWORD)
    assert not [*(staging / "backups").rglob("0000*")], "an archive would have what was not masked yet"
    for script in ["base-backup.sh", "drill.sh"]:
        refused = subprocess.run([staging / "ops" / script], env=ENVIRONMENT, capture_output=True, text=True)
        assert refused.returncode == 1
        assert refused.stderr.startswith(f"{script}: this installation archives nothing")


def databases(stack):
    return stack.compose("exec", "-T", "db", "psql", "-U", "thinkring_user", "-l", "thinkring_prod").stdout


def test_clear_away(stack, shell):
    login = {"username": stack.register()["username"], "password": PASSWORD}
    access = stack.request("POST", f"{stack.api}/auth/token/", json=login).json()["access"]
    as_them = {"headers": {"Authorization": f"Bearer {access}"}}
    for title in ["old", "new"]:
        project = stack.request("POST", f"{stack.api}/projects/", json={"title": title}, **as_them).json()
        stack.request("DELETE", f"{stack.api}/projects/{project['id']}/", **as_them)
    query = "update thinking_project set deleted_at = now() - interval '31 days' where title = 'old'"
    stack.sql(query)

    said = shell(commands("clear-away"))

    assert "Deleted 1 projects and 0 nodes from the trash." in said
    assert "Deleted 0 old sessions, 0 expired tokens," in said
    trash = stack.get(f"{stack.api}/trash/", **as_them).json()
    assert [thing["title"] for thing in trash["results"]] == ["new"]


def test_mail(stack, shell):
    said = shell(f"exec 2>&1\n{commands('mail')}")

    assert "no mail server is set. Set EMAIL_HOST" in said


def test_logs(stack, shell):
    stack.get(f"{stack.page}/?asked-for-the-logs")

    assert '"request": "GET /"' in shell(commands("logs"))


def test_slow(stack, shell):
    stack.sql("select pg_sleep(0.6)")

    assert "pg_sleep" in shell(commands("slow"))


def test_health(stack, shell):
    assert shell(commands("health")) == ""


def test_doctor(stack, shell):
    said = shell(f"{commands('doctor').strip()} || true")

    assert "ok     the settings in .env.production" in said
    assert re.search("^(ok|wrong) +the certificate: ", said, re.M)
    assert re.search("^(ok|wrong) +.*(proven backup)", said, re.M)


def test_locks(stack, shell):
    assert "select pid, state" in shell(commands("locks")), "it sees itself at least"


def test_restic(stack, shell, tmp_path, missing):
    if not shutil.which("restic"):
        missing("restic is not installed (Debian: apt install restic)")
    shell.environment |= {"RESTIC_REPOSITORY": str(tmp_path / "repository"), "RESTIC_PASSWORD": "of the repository"}
    shell("./backup.sh")
    new = tmp_path / "new"
    new.mkdir()

    shell(commands("restic"), cwd=new)

    restored = new / "backups" / f"thinkring_db_{newest_backup(stack)}.sql"
    assert restored.read_bytes() == (stack.folder / "backups" / restored.name).read_bytes()


def test_metrics(stack, shell):
    """Every metric that the rules below the command ask for is among what it shows."""
    settings = stack.folder / ".env.production"
    kept = settings.read_text()
    settings.write_text(re.sub("^METRICS_PORT=$", "METRICS_PORT=9100", kept, flags=re.M))
    try:
        shell("docker-compose up -d backend")
        stack.wait()
        said = shell(commands("metrics"))
    finally:
        settings.write_text(kept)
        stack.compose("up", "-d", "backend")
        stack.wait()

    rules = TEXT.partition("```bash metrics\n")[2].partition("\n## ")[0]
    asked = set(re.findall(r"\bthinkring_[a-z_]+\b", rules))
    assert len(asked) == 2
    assert asked <= set(re.findall(r"^\w+", said, re.M))


def test_scale(stack, shell):
    try:
        shell(commands("scale"))
        assert len(shell("docker-compose ps -q backend").split()) == 3
    finally:
        stack.compose("up", "-d")
        stack.wait()
    assert len(shell("docker-compose ps -q backend").split()) == 1


def test_redis(stack, shell):
    """It is used, and missed by nobody but the doctor."""
    settings = stack.folder / ".env.production"
    kept = settings.read_text()
    count = "docker-compose exec -T redis sh -c 'REDISCLI_AUTH=\"$REDIS_PASSWORD\" redis-cli dbsize'"
    try:
        shell(commands("redis"))
        stack.wait()
        name = stack.register()["username"]
        assert int(shell(count)) > 0
        shell("docker-compose stop redis")
        assert stack.can_log_in(name)
        said = shell("ops/doctor.sh || true")
        assert "redis does not run." in said
        assert "Redis does not answer" in stack.logs("backend")
    finally:
        settings.write_text(kept)
        docker("rm", "-f", stack.container("redis"))
        stack.compose("up", "-d")
        stack.wait()


def test_troubleshooting_start(stack, shell):
    said = shell(commands("troubleshooting-start"))

    for service in ["nginx", "frontend", "backend", "db"]:
        assert service in said


def test_troubleshooting_database(stack, shell):
    said = shell(commands("troubleshooting-database"))

    assert "DB_HOST=db" in said
    assert re.search(r"^db\S* +\| \S+ \S+ UTC \[\d+\] LOG:  ", said, re.M)


def test_administrators(stack, shell):
    name = stack.register()["username"]
    make = f"update accounts_user set is_superuser = true where username = '{name}'"
    stack.sql(make)

    assert f" {name}\n" in shell(commands("administrators"))


def test_second_factor(stack, shell):
    name = stack.register()["username"]
    stack.compose(
        "exec", "-T", "backend", "python", "manage.py", "shell", "-c",
        "from django.utils import timezone; from apps.accounts.models import *; factor = SecondFactor.objects.create("
        f"user=User.objects.get(username='{name}'), secret='JBSWY3DPEHPK3PXP', confirmed_at=timezone.now()); "
        "factor.recovery_codes.create(digest='0')",
    )  # fmt: skip
    assert not stack.can_log_in(name)

    shell(commands("second-factor").replace("somebody", name))

    assert stack.can_log_in(name)


def test_audit(stack, shell):
    account = stack.register()["user"]["id"]

    (line,) = [line for line in shell(commands("audit")).splitlines() if account in line and '"registered"' in line]

    assert '"address": "' in line


def test_unlock(stack, shell):
    login = {"username": stack.register()["username"], "password": "not that one"}
    assert stack.request("POST", f"{stack.api}/auth/login/", json=login).status_code == 401

    assert re.search(r"^[1-9]\d* attempts removed\.$", shell(commands("unlock")), re.M)


def test_disk(shell):
    assert "Images" in shell(commands("disk"))


def test_password(stack, shell):
    """The database was first started with another one than .env.production has now."""
    alter = "alter role thinkring_user password 'of-the-first-start'"
    stack.sql(alter)
    stack.compose("restart", "backend")
    end = time.monotonic() + 60
    while "It keeps the names and the password that it was first started with" not in stack.logs("backend"):
        assert time.monotonic() < end
        time.sleep(0.5)

    shell(commands("password"))

    stack.wait()
    assert stack.can_log_in(stack.register()["username"])


def test_it_warns_of_the_complete_clean_up():
    before, _, after = TEXT.partition("```bash clean-up\n")
    paragraph = before.strip().split("\n\n")[-1]

    assert paragraph.startswith("**`docker-compose down -v` deletes the database and every upload.**")
    assert after.startswith("./backup.sh\n")


def test_clean_up(stack, shell):
    name = stack.register()["username"]

    shell(commands("clean-up"))

    stack.wait()
    assert not stack.can_log_in(name)
    kept = stack.folder / "backups" / f"thinkring_db_{newest_backup(stack)}.sql"
    assert name in kept.read_text(), "the backup outlives it"
