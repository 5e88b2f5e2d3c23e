"""
The database in another shape, each time under constant traffic: behind pgBouncer; elsewhere, by DATABASE_URL and TLS;
with a replica that streams from it.
"""

import re
import shutil
import subprocess
import time

import pytest

from operations.deploy.traffic import Traffic
from operations.runbook import commands
from production import ENVIRONMENT, FRONT_ENDS, Stack, docker

pytestmark = pytest.mark.torture
DATABASE, USER = "thinkring_prod", "thinkring_user"
SECRET = "a-password-of-a-test"
VERIFIED = {"sslmode": "verify-full", "sslrootcert": "/database/ca.pem"}


@pytest.fixture(scope="module")
def pooled(engine, tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("pooled") / "thinkring", FRONT_ENDS[-1].split())
    with stack.running(BACKENDS=3, PGBOUNCER_HOST="pgbouncer", COMPOSE_PROFILES="pgbouncer"):
        yield stack


def bearer(stack):
    answer = stack.request("POST", f"{stack.api}/auth/token/", json=stack.register())
    return {"Authorization": f"Bearer {answer.json()['access']}"}


class TestPgbouncer:
    def test_three_backends_over_few_connections(self, pooled, figure):
        with Traffic(pooled) as traffic:
            time.sleep(10)
            connected = "select count(*) from pg_stat_activity where backend_type = 'client backend' and client_addr "
            pool = pooled.compose("exec", "-T", "pgbouncer", "hostname", "-i").stdout.split()[0]
            through = int(pooled.sql(f"{connected} = '{pool}'"))
            past = int(pooled.sql(f"{connected} <> '{pool}'"))

        figure("three backends behind pgBouncer", f"{traffic}; {through} connections to the database")
        traffic.assert_nothing_failed()
        assert 0 < through <= 20
        assert past == 0

    def test_every_kind_of_read(self, pooled):
        token = bearer(pooled)

        def ask(method, path, **arguments):
            answer = pooled.request(method, f"{pooled.api}/{path}", headers=token, **arguments)
            assert answer.status_code < 300, answer.text
            return answer

        project = ask("POST", "account/example/").json()["id"]
        export = f"projects/{project}/export/?as=json"
        for path in [f"projects/{project}/graph/", "search/?q=誤差", "account/export/?as=json", export]:
            for _ in range(3):
                ask("GET", path)

    def test_it_is_started_anew(self, pooled, figure):
        """What was under way is told to come again; nothing is lost."""
        with Traffic(pooled) as traffic:
            time.sleep(2)
            pooled.compose("restart", "pgbouncer")
            time.sleep(10)

        figure("pgBouncer started anew", traffic)
        assert all("503" in failed for failed in traffic.failed), traffic.failed
        assert traffic.lost() == set()
        assert len(traffic.failed) < traffic.asked / 4


def certificates(folder):
    """An authority's, and one by it for a server named `elsewhere`."""
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
    for command in [
        [*openssl, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem"],
        [*openssl, "-subj", "/CN=elsewhere", "-keyout", "server.key", "-out", "server.pem", "-CA", "ca.pem",
         "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:elsewhere"],
        [*openssl, "-subj", "/CN=another", "-keyout", "another.key", "-out", "another.pem"],
    ]:  # fmt: skip
        subprocess.run(command, cwd=folder, check=True, capture_output=True)


class Elsewhere(Stack):
    """A stack whose database is a container beside it, which takes TLS only."""

    def __init__(self, folder, front_end, authority):
        super().__init__(folder, front_end)
        self.authority, self.server = authority, f"{self.project}-elsewhere"

    def move(self):
        """As the runbook says."""
        shutil.copy(self.authority, self.folder / "database-ca.pem")
        block = re.sub("address=.*$", f"address='{url()}'", commands("move-database"), flags=re.M)
        # Where the server is found here.
        block = block.replace("docker run ", f"docker run --network {self.project}_default ")
        subprocess.run(["bash", "-euc", block], cwd=self.folder, env=ENVIRONMENT, check=True, timeout=600)
        self.wait()

    def wait(self, deadline=120):
        network = f"{self.project}_default"
        if network not in docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", self.server):
            docker("network", "connect", "--alias", "elsewhere", network, self.server)
        super().wait(deadline)

    def sql(self, statement, database=DATABASE):
        return docker("exec", self.server, "psql", "-XqAt", "-U", USER, "-c", statement, database).strip()


@pytest.fixture(scope="module")
def elsewhere(engine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    certificates(folder)
    stack = Elsewhere(folder / "thinkring", FRONT_ENDS[0].split(), folder / "ca.pem")
    serve = (
        "install -o postgres -m 600 /tls/server.key /tls/server.pem /tmp && "
        "echo 'hostssl all all all scram-sha-256\nlocal all all trust' >/tmp/hba && "
        "exec docker-entrypoint.sh postgres -c ssl=on -c ssl_cert_file=/tmp/server.pem -c ssl_key_file=/tmp/server.key "
        "-c hba_file=/tmp/hba"
    )
    docker(
        "run", "-d", "--name", stack.server, "-v", f"{folder}:/tls:ro", "-e", f"POSTGRES_DB={DATABASE}",
        "-e", f"POSTGRES_USER={USER}", "-e", f"POSTGRES_PASSWORD={SECRET}", "--entrypoint", "sh", "postgres:15",
        "-c", serve,
    )  # fmt: skip
    try:
        with stack.running():
            stack.name = stack.register()["username"]
            stack.move()
            yield stack
    finally:
        docker("rm", "-fv", stack.server)


def url(**parameters):
    said = "&".join(f"{name}={value}" for name, value in (VERIFIED | parameters).items())
    return f"postgresql://{USER}:{SECRET}@elsewhere/{DATABASE}?{said}"


class TestElsewhere:
    def test_what_was_here_is_there(self, elsewhere):
        assert elsewhere.can_log_in(elsewhere.name)
        assert elsewhere.sql(f"select count(*) from accounts_user where username = '{elsewhere.name}'") == "1"
        moved = elsewhere.folder / "backups" / "moved.sql"
        assert moved.stat().st_mode & 0o077 == 0

    def test_over_tls(self, elsewhere, figure):
        with Traffic(elsewhere) as traffic:
            time.sleep(10)

        figure("a database elsewhere, over TLS", traffic)
        traffic.assert_nothing_failed()
        encrypted = (
            "select bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid) where client_addr is not null"
        )
        assert elsewhere.sql(encrypted) == "t"
        assert docker("ps", "-q", "--filter", f"name={elsewhere.project}-db") == ""

    @pytest.mark.parametrize(
        ("parameters", "authority", "words"),
        [
            ({}, "another.pem", "certificate verify failed"),
            ({"sslrootcert": "/none.pem"}, "ca.pem", 'root certificate file "/none.pem" does not exist'),
            ({"sslmode": "disable"}, "ca.pem", "no pg_hba.conf entry"),
        ],
    )
    def test_the_wrong_way_there(self, elsewhere, parameters, authority, words):
        asked = elsewhere.compose(
            "run", "--rm", "--no-deps", "-T", "-e", f"DATABASE_URL={url(**parameters)}", "backend",
            "python", "manage.py", "prepare_database", "--deadline", "3", check=False,
            DATABASE_CA=str(elsewhere.authority.with_name(authority)),
        )  # fmt: skip

        assert asked.returncode != 0
        assert words in asked.stderr
        assert SECRET not in asked.stderr

    @pytest.mark.parametrize("script", ["backup.sh", "ops/restore.sh", "ops/drill.sh", "ops/upgrade-postgres.sh"])
    def test_what_belongs_to_a_database_here(self, elsewhere, script):
        arguments = ["--latest"] if "restore" in script else []
        done = subprocess.run([elsewhere.folder / script, *arguments], capture_output=True, text=True)

        assert done.returncode == 1
        assert "the database is elsewhere (DATABASE_URL in .env.production), and so are its backups" in done.stderr


class TestReplica:
    """Beside the database of the stack, and streaming from it through its socket, as the service `wal` does."""

    @pytest.fixture(scope="class")
    def replicated(self, engine, tmp_path_factory):
        stack = Stack(tmp_path_factory.mktemp("replica") / "thinkring", FRONT_ENDS[-1].split())
        stack.replica = f"{stack.project}-replica"
        address = f"postgresql://{USER}:{SECRET}@replica/{DATABASE}?sslmode=disable"
        with stack.running(DATABASE_REPLICA_URL=address, DB_PASSWORD=SECRET):
            serve = (
                "install -d -o postgres -m 700 /data && { [ -e /data/PG_VERSION ] || "
                "gosu postgres pg_basebackup -h /socket -U $POSTGRES_USER -D /data -R -X stream -c fast; } && "
                "exec gosu postgres postgres -D /data -c unix_socket_directories=/tmp -c archive_mode=off"
            )
            docker(
                "run", "-d", "--name", stack.replica, "-v", f"{stack.project}_postgres_socket:/socket",
                "-e", f"POSTGRES_USER={USER}", "--entrypoint", "sh", "postgres:15", "-euc", serve,
            )  # fmt: skip
            try:
                docker("network", "connect", "--alias", "replica", f"{stack.project}_database", stack.replica)
                wait_for_replica(stack)
                yield stack
            finally:
                docker("rm", "-fv", stack.replica)

    def test_heavy_reads_go_there(self, replicated):
        token, project = with_project(replicated)
        wait_until_it_knows(replicated)
        before = last_read(replicated)
        for _ in range(5):
            assert graph(replicated, token, project).json()["nodes"]
        assert last_read(replicated) > before

    def test_what_was_written_is_read_though_it_is_behind(self, replicated):
        token, project = with_project(replicated)
        wait_until_it_knows(replicated)
        in_replica(replicated, "select pg_wal_replay_pause()")
        try:
            for number in range(5):
                body = {"title": f"node {number}", "project": project}
                made = replicated.request("POST", f"{replicated.api}/nodes/", headers=token, json=body)
                assert made.json()["id"] in {node["id"] for node in graph(replicated, token, project).json()["nodes"]}
        finally:
            in_replica(replicated, "select pg_wal_replay_resume()")

    def test_without_it_the_site_goes_on(self, replicated, figure):
        token, project = with_project(replicated)
        with Traffic(replicated) as traffic:
            docker("kill", replicated.replica)
            began = time.monotonic()
            slowest = 0
            while time.monotonic() < began + 15:
                asked = time.monotonic()
                assert graph(replicated, token, project).status_code == 200
                slowest = max(slowest, time.monotonic() - asked)
                time.sleep(0.2)
            docker("start", replicated.replica)
            wait_for_replica(replicated)
            time.sleep(6)
            before = last_read(replicated)
            assert graph(replicated, token, project).status_code == 200

        figure("the replica killed", f"{traffic}; slowest graph {slowest:.1f} s")
        traffic.assert_nothing_failed()
        assert last_read(replicated) > before, "it is read again"


def in_replica(stack, statement):
    return docker("exec", stack.replica, "psql", "-XqAt", "-h", "/tmp", "-U", USER, "-c", statement, DATABASE).strip()


def wait_for_replica(stack):
    end = time.monotonic() + 60
    ready = ["docker", "exec", stack.replica, "pg_isready", "-q", "-h", "127.0.0.1"]
    while subprocess.run(ready, capture_output=True).returncode:
        assert time.monotonic() < end, subprocess.run(["docker", "logs", stack.replica], capture_output=True).stderr
        time.sleep(0.5)


def wait_until_it_knows(stack):
    end = time.monotonic() + 30
    counted = "select coalesce(sum(changes), 0) from accounts_changecount"
    while in_replica(stack, counted) != stack.sql(counted):
        assert time.monotonic() < end
        time.sleep(0.2)


def last_read(stack):
    """When the replica was asked for something of an account."""
    return in_replica(
        stack,
        "select coalesce(max(query_start)::text, '') from pg_stat_activity "
        "where client_addr is not null and query like '%thinking\\_%'",
    )


def with_project(stack):
    token = bearer(stack)
    made = stack.request("POST", f"{stack.api}/account/example/", headers=token)
    return token, made.json()["id"]


def graph(stack, token, project):
    return stack.get(f"{stack.api}/projects/{project}/graph/", headers=token)
