import functools
import os
import signal
import subprocess
import time

import pytest

from production import ENVIRONMENT, FRONT_ENDS, ROOT, Stack, docker


def git(folder, *arguments):
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


# Built on the images that the stack was started from, so that a commit costs seconds and not a build of the front end.
QUICK = {
    "backend/Dockerfile.prod": """FROM {image}
COPY . ./
ARG COMMIT
ENV COMMIT=$COMMIT
""",
    "frontend/Dockerfile.prod": """FROM {image}
USER 0
COPY start.js ./
ARG COMMIT
ENV COMMIT=$COMMIT
RUN version=$(sed 's/.*:"//; s/".*//' build/client/_app/version.json) \\
 && find build -name '*.gz' -delete && find build -name '*.br' -delete \\
 && grep -rl "$version" build | xargs sed -i "s/$version/$COMMIT/g"
USER 1000
""",
}


class Server(Stack):
    """An installation with an origin of its own, to which commits are pushed, and its operator's commands."""

    def prepare(self, folder):
        self.origin, self.desk = folder / "origin.git", folder / "desk"
        git(folder, "clone", "--quiet", "--bare", ROOT, self.origin)
        git(folder, "clone", "--quiet", self.origin, self.desk)
        git(self.folder, "remote", "set-url", "origin", self.origin)
        self.first = git(self.folder, "rev-parse", "HEAD")
        changes = {}
        for name, text in QUICK.items():
            service = name.split("/")[0]
            image = f"{self.project}-base-{service}"
            docker("tag", f"{self.project}-{service}", image)
            changes[name] = functools.partial(lambda new, _old: new, text.format(image=image))
        self.quick = self.commit("Quick to build", changes, self.first)

    def commit(self, message, changes, parent=None):
        """Pushes a commit to main: files by name, each with what is appended to it, or a function of its text.

        Its parent is quick to build, unless another is named.
        """
        git(self.desk, "checkout", "--quiet", "--detach", parent or self.quick)
        for name, change in changes.items():
            file = self.desk / name
            text = file.read_text() if file.exists() else ""
            file.write_text(change(text) if callable(change) else text + change)
        git(self.desk, "add", "--all")
        git(self.desk, "commit", "--quiet", "-m", message)
        git(self.desk, "push", "--quiet", "--force", "origin", "HEAD:refs/heads/main")
        return git(self.desk, "rev-parse", "HEAD")

    def start(self, script, *arguments, front_end=FRONT_ENDS[-1], **environment):
        # From another folder, as a workflow might.
        return subprocess.Popen(
            [self.folder / "ops" / f"{script}.sh", *arguments], cwd="/",
            env=ENVIRONMENT | {"COMPOSE": front_end} | environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def run(self, script, *arguments, **options):
        process = self.start(script, *arguments, **options)
        stdout, stderr = process.communicate(timeout=600)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def release(self):
        """The commit that backend and frontend say they are, through nginx."""
        backend = self.get(f"{self.api}/version/").json()["commit"]
        frontend = self.get(f"{self.page}/healthz").json()["commit"]
        return backend, frontend

    def head(self):
        return git(self.folder, "rev-parse", "HEAD")

    def log(self):
        return [line.split() for line in (self.folder / "ops/state/deploys.log").read_text().splitlines()]

    def stand_ins(self):
        return docker(
            "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.project}",
            "--filter", "label=thinkring.stand-in",
        ).split()  # fmt: skip

    def kill_when(self, process, happens, *, group=False):
        """SIGKILL for the script alone, or for all that it runs too, as soon as it has come so far."""
        self.when(process, happens)
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate()

    def when(self, process, happens, deadline=300):
        end = time.monotonic() + deadline
        while not happens():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.1)


@pytest.fixture(scope="package")
def server(engine, tmp_path_factory):
    assert os.environ.get("COMPOSE_FILE") is None
    folder = tmp_path_factory.mktemp("deploy")
    server = Server(folder / "thinkring", FRONT_ENDS[-1].split())
    with server.running():
        try:
            server.prepare(folder)
            yield server
        finally:
            for container in server.stand_ins():
                docker("rm", "-f", container)
