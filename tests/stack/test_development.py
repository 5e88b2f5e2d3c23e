"""
`docker-compose up` in a clean clone without any settings: debug on, both halves reload when a file changes, and what
the page's address does not serve itself it passes on to the back end.
"""

import contextlib
import re
import subprocess
import time
import uuid

import pytest
import requests

from production import ENVIRONMENT, FRONT_ENDS, clone, docker, remove_images

DEADLINE = 300


class Development:
    def __init__(self, folder, front_end):
        self.folder, self.front_end = folder, front_end
        self.project = f"thinkring-test-{uuid.uuid4().hex[:8]}"

    def compose(self, *arguments):
        result = subprocess.run(
            [*self.front_end, *arguments],
            cwd=self.folder, env=ENVIRONMENT | {"COMPOSE_PROJECT_NAME": self.project},
            capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr[-4000:]
        return result.stdout

    @contextlib.contextmanager
    def running(self):
        clone(self.folder)
        # The three ports may be taken here, and the file takes no variables: let the engine choose them.
        file = self.folder / "docker-compose.yml"
        file.write_text(re.sub(r'"127\.0\.0\.1:(\d+):\1"', r'"127.0.0.1::\1"', file.read_text()))
        try:
            self.compose("up", "-d", "--build")
            yield
        finally:
            print(self.compose("logs", "--tail", "60"))
            self.compose("down", "--volumes", "--remove-orphans")
            remove_images(self.project)

    def address(self, service, port):
        return self.compose("port", service, str(port)).strip()

    def restarts(self, service):
        return int(docker("inspect", "--format", "{{.RestartCount}}", self.compose("ps", "--quiet", service).strip()))

    def get(self, path):
        return requests.get(f"http://{self.address('frontend', 3000)}{path}", timeout=30, allow_redirects=False)

    def until(self, condition):
        end = time.monotonic() + DEADLINE
        while True:
            with contextlib.suppress(requests.RequestException):
                if condition():
                    return
            if time.monotonic() > end:
                pytest.fail(self.compose("logs", "--tail", "40"))
            time.sleep(0.5)


@pytest.fixture(scope="module", params=FRONT_ENDS)
def development(request, engine, tmp_path_factory):
    development = Development(tmp_path_factory.mktemp("development") / "thinkring", request.param.split())
    with development.running():
        development.until(lambda: development.get("/").status_code == 200)
        yield development


def test_one_address_for_everything(development):
    development.until(lambda: development.get("/api/v1/health/").status_code == 200)

    assert development.get("/api/v1/health/").content == b'{"status": "healthy"}'
    assert development.get("/admin/login/").status_code == 200
    assert development.get("/static/admin/css/base.css").status_code == 200


def test_debug_is_on_and_the_database_is_postgresql(development):
    said = development.compose(
        "exec", "-T", "backend", "python", "manage.py", "shell", "--no-imports", "-c",
        "from django.conf import settings as s; from django.db import connection as c; print(s.DEBUG, c.vendor)",
    )  # fmt: skip

    assert said.split() == ["True", "postgresql"]


def test_it_gets_healthy(development):
    containers = docker("ps", "--quiet", "--filter", f"label=com.docker.compose.project={development.project}").split()
    assert len(containers) == 3

    development.until(
        lambda: set(docker("inspect", "--format", "{{.State.Health.Status}}", *containers).split()) == {"healthy"}
    )


def test_it_is_published_on_this_machine_only(development):
    for service, port in [("frontend", 3000), ("backend", 8000), ("db", 5432)]:
        assert development.address(service, port).startswith("127.0.0.1:")


def test_both_halves_reload(development):
    views = development.folder / "backend" / "apps" / "core" / "views.py"
    views.write_text(views.read_text().replace('{"status": "healthy"}', '{"status": "changed"}'))
    page = development.folder / "frontend" / "src" / "app.html"
    changed = page.read_text().replace("</head>", '<meta name="test" content="changed" /></head>')
    with page.open("w") as file:  # emptied first, as editors do
        time.sleep(0.05)
        file.write(changed)

    development.until(lambda: development.get("/api/v1/health/").content == b'{"status": "changed"}')
    development.until(lambda: 'content="changed"' in development.get("/").text)
    assert development.restarts("frontend") == 0


def test_git_sees_only_what_was_changed(development):
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=development.folder, check=True, capture_output=True, text=True
    )
    changed = {line[3:] for line in status.stdout.splitlines()}

    assert changed <= {"docker-compose.yml", "backend/apps/core/views.py", "frontend/src/app.html"}
