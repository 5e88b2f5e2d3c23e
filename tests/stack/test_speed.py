"""
What makes it fast, and would be missed by nobody at first: connections and files that are kept open, the memory of the
database, how many requests are answered at a time. That files are sent as the build has compressed them is in
test_headers.py.
"""

import concurrent.futures
import time

import pytest

from production import docker

from .conftest import admin_style, bearer, chunk, wait_for_the_lock

# What the containers do is the same, whoever started them.
FRONT_ENDS = ["docker compose"]
WORKERS, THREADS = 2, 4
AT_A_TIME = WORKERS * THREADS
FROM_THE_BACKEND = "from pg_stat_activity where client_addr is not null"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/api/v1/version/"),
        ("POST", "/api/v1/auth/login/"),
        ("GET", "/api/v1/health/"),
        ("GET", "/admin/login/"),
        ("GET", "/.well-known/security.txt"),
    ],
)
def test_nginx_keeps_its_connections(stack, method, path):
    # One connection of the client, so that one of nginx's two workers has all of it.
    with stack.session() as session:

        def ask():
            return session.request(method, f"{stack.page}{path}", timeout=30).status_code

        status = ask()
        before = opened_by_nginx(stack)
        assert [ask() for _ in range(10)] == [status] * 10
        # The container's own health check opens one now and then.
        assert opened_by_nginx(stack) - before < 5


def opened_by_nginx(stack):
    """How many TCP connections have been opened from its container so far."""
    table = stack.compose("exec", "-T", "nginx", "cat", "/proc/net/snmp").stdout
    names, values = (line.split() for line in table.splitlines() if line.startswith("Tcp:"))
    return int(values[names.index("ActiveOpens")])


def test_gunicorn_leaves_it_to_nginx_when_a_connection_ends(stack):
    assert stack.get(f"{stack.api}/version/").status_code == 200
    before = connections_to_gunicorn(stack)
    # By default it waits for two seconds.
    time.sleep(5)

    assert before & connections_to_gunicorn(stack)


def connections_to_gunicorn(stack):
    """The other ends of those that are open, but for the container's own."""
    table = stack.compose("exec", "-T", "backend", "cat", "/proc/net/tcp").stdout
    lines = [line.split() for line in table.splitlines()]
    return {
        remote
        for _, local, remote, state, *_ in lines
        if local.endswith(":1F40") and state == "01" and not remote.startswith("0100007F")
    }


@pytest.mark.parametrize("address", [chunk, admin_style])
def test_nginx_keeps_files_open(stack, address):
    path = address(stack)
    assert stack.get(f"{stack.page}{path}").headers["Content-Encoding"] == "gzip"

    # As the workers' user; root in this container may not look into the processes of others.
    files = stack.compose("exec", "-T", "--user", "nginx", "nginx", "sh", "-c", "ls -l /proc/[0-9]*/fd", check=False)
    assert f"-> /var/www/static{path.removeprefix('/static')}.gz" in files.stdout


@pytest.mark.parametrize(("folder", "prefix"), [("_app/immutable", ""), ("", "/static")])
def test_a_file_that_is_kept_open_and_deleted_is_gone_soon(stack, folder, prefix):
    address = f"{stack.page}{prefix}/{folder}/kept-open.js"
    file = f"staticfiles/{folder}/kept-open.js"
    stack.compose("exec", "-T", "backend", "sh", "-c", f"echo 1 >{file}")
    with stack.session() as session:
        assert session.get(address).text == "1\n"
        stack.compose("exec", "-T", "backend", "rm", file)
        end = time.monotonic() + 15
        while session.get(address).status_code != 404:
            assert time.monotonic() < end
            time.sleep(0.5)


def test_the_backend_keeps_its_connections_to_the_database(stack, account):
    # Those that there are may be near the end of their minute.
    stack.sql(f"select pg_terminate_backend(pid) {FROM_THE_BACKEND}")
    ask(stack, account, 10)
    before = connections(stack)
    ask(stack, account, 10)

    assert before
    assert before <= connections(stack)
    assert len(connections(stack)) <= AT_A_TIME


def connections(stack):
    return set(stack.sql(f"select pid, backend_start {FROM_THE_BACKEND}").splitlines())


def ask(stack, account, times):
    for _ in range(times):
        assert stack.get(f"{stack.api}/projects/", headers=bearer(account["access"])).status_code == 200


def test_two_workers_answer_in_four_threads_each(stack, account):
    """While a table is locked, more wait than there are threads; one is begun when the others are busy."""

    def read(_number):
        return stack.get(f"{stack.api}/projects/", headers=bearer(account["access"])).status_code

    with concurrent.futures.ThreadPoolExecutor(1 + 4 * AT_A_TIME) as pool:
        holder = pool.submit(stack.sql, "begin; lock table accounts_user; select pg_sleep(4)")
        wait_for_the_lock(stack)
        assert set(pool.map(read, range(4 * AT_A_TIME))) <= {200, 503}
        holder.result()

    listed = docker("top", stack.container("backend"), "-eo", "pid,ppid,nlwp,args").splitlines()
    gunicorn = [line.split() for line in listed if "/gunicorn " in line]
    everyone = {pid for pid, *_ in gunicorn}
    threads = [int(number) for _, parent, number, *_ in gunicorn if parent in everyone]
    assert len(threads) == WORKERS
    # Which of them is given more is chance; besides those that answer, each has one that listens.
    assert max(threads) == THREADS + 1


def test_postgresql_has_the_memory_of_its_container(stack):
    settings = {
        "shared_buffers": "256MB", "effective_cache_size": "640MB", "work_mem": "8MB", "random_page_cost": "1.1",
    }  # fmt: skip
    assert {name: stack.sql(f"show {name}") for name in settings} == settings

    def size(name):
        return int(stack.sql(f"select pg_size_bytes(current_setting('{name}'))"))

    limit = int(docker("inspect", "--format", "{{.HostConfig.Memory}}", stack.container("db")))
    # While a backend is replaced there are two, and a statement may sort and hash in several places.
    assert size("shared_buffers") + 2 * AT_A_TIME * 4 * size("work_mem") < limit
    assert size("effective_cache_size") < limit
