import contextlib
import re
import subprocess
import time

import pytest

from production import FRONT_ENDS

SERVICES = ["nginx", "frontend", "backend", "db", "wal"]
# What an error is, by how its code begins.
KINDS = {
    "AUTH": "authentication_error",
    "BIZ": "conflict_error",
    "REQ": "request_error",
    "RES": "not_found_error",
    "SRV": "server_error",
    "VAL": "validation_error",
}
# One transparent pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc33"
    "0000000049454e44ae426082"
)


def pytest_generate_tests(metafunc):
    """Everything here with both front ends, one stack each; but for a module that names its own."""
    if "stack" in metafunc.fixturenames:
        front_ends = getattr(metafunc.module, "FRONT_ENDS", FRONT_ENDS)
        metafunc.parametrize("stack", front_ends, indirect=True, scope="session")


@pytest.fixture
def account(stack):
    return stack.register()


def bearer(access):
    return {"Authorization": f"Bearer {access}"}


def chunk(stack):
    """The address of one of the page's scripts."""
    return re.search(r"/_app/immutable/entry/start\.[\w-]+\.js", stack.get(f"{stack.page}/").text)[0]


def put_media(stack, name, content):
    """Writes an upload as the backend would."""
    subprocess.run(
        [*stack.front_end, "-f", "docker-compose.prod.yml", "exec", "-T", "backend", "sh", "-c", f"cat >media/{name}"],
        cwd=stack.folder, input=content, check=True,
    )  # fmt: skip


def check_error(response, status, code):
    """The API's error shape, as nginx says it."""
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    error = response.json()["error"]
    assert set(error) == {"code", "type", "message", "details", "request_id", "timestamp"}
    assert (error["code"], error["type"]) == (code, KINDS[code.split("_")[0]])
    assert error["request_id"] == response.headers["X-Request-ID"]
    return error


def admin_style(stack):
    """The address of the admin's own style sheet, as its log-in page names it."""
    page = stack.get(f"{stack.page}/admin/login/").text
    return re.search(r'href="(/static/admin/css/base\.[0-9a-f]{12}\.css)"', page)[1]


@contextlib.contextmanager
def without(stack, table):
    """The database no longer has what the code knows: an error that nobody has foreseen."""
    stack.sql(f"alter table {table} rename to {table}_away")
    try:
        yield
    finally:
        stack.sql(f"alter table {table}_away rename to {table}")


def wait_for_the_lock(stack):
    """Until a statement that locks the table of users has come to the database."""
    held = "select count(*) from pg_locks where relation = 'accounts_user'::regclass and mode = 'AccessExclusiveLock'"
    end = time.monotonic() + 20
    while stack.sql(held) == "0":
        assert time.monotonic() < end
        time.sleep(0.3)
