"""
The deploying job of the workflow, step by step as GitHub's runner takes it, on a server that it reaches over SSH: sshd
in a container, which shares this machine's engine, network and checkout.
"""

import os
import re
import shlex
import subprocess
import time

import pytest
import yaml

from production import DOMAIN, ROOT, docker, free_port

from ..runbook import commands
from .traffic import Traffic

JOB = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())["jobs"]["build-and-deploy"]
SERVER = """FROM python:3.10-slim
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \\
  curl docker-compose docker.io git openssh-server && mkdir -p /run/sshd
"""
SOCKET = "/var/run/docker.sock"


class Host:
    """A server with sshd, one host key of each kind, and one key that opens it."""

    def __init__(self, server, folder):
        self.server, self.folder, self.port = server, folder, free_port()
        self.key = folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        image = f"{server.project}-sshd"
        subprocess.run(
            ["docker", "build", "-q", "-t", image, "-"], input=SERVER, text=True, check=True, capture_output=True
        )  # fmt: skip
        base = server.folder.parent
        self.container = docker(
            "run", "--detach", "--network", "host", "--volume", f"{SOCKET}:{SOCKET}", "--volume", f"{base}:{base}",
            "--volume", f"{self.key}.pub:/authorized_keys:ro", image, "/usr/sbin/sshd", "-D", "-e",
            "-p", str(self.port), "-o", "ListenAddress=127.0.0.1", "-o", "StrictModes=no",
            "-o", "AuthorizedKeysFile=/authorized_keys", "-o", "PasswordAuthentication=no",
            # The older builder, Debian's default, takes COMMIT from the image on which the quick one is built.
            "-o", "SetEnv=DOCKER_BUILDKIT=1",
        ).strip()  # fmt: skip
        self.fingerprint = docker("exec", self.container, "sh", "-c", commands("fingerprint")).strip()

    def remove(self):
        docker("rm", "--force", self.container)
        docker("image", "rm", f"{self.server.project}-sshd")

    def run(self, script, fingerprint, variables):
        """As the action does: the key is offered only to a server of this fingerprint."""
        known = self.folder / "known_hosts"
        scanned = self.scan()
        known.write_text(scanned)
        found = subprocess.run(["ssh-keygen", "-l", "-f", known], check=True, capture_output=True, text=True).stdout
        if found.split()[1] != fingerprint:
            return subprocess.CompletedProcess([], 255, "", "ssh: host key fingerprint mismatch")
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
        return subprocess.run(
            ["ssh", "-F", "none", "-i", self.key, "-p", str(self.port), "-o", "BatchMode=yes",
             "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes", "root@127.0.0.1",
             exports + script.replace("/path/to/thinkring", str(self.server.folder))],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
        )  # fmt: skip

    def scan(self):
        end = time.monotonic() + 20
        while True:
            scanned = subprocess.run(
                ["ssh-keyscan", "-t", "ecdsa", "-p", str(self.port), "127.0.0.1"], capture_output=True, text=True
            ).stdout
            if scanned:
                return scanned
            assert time.monotonic() < end, docker("logs", self.container)
            time.sleep(0.2)


@pytest.fixture(scope="module")
def host(server, missing, tmp_path_factory):
    if not os.path.exists(SOCKET):
        missing(f"the engine has no socket at {SOCKET}")
    host = Host(server, tmp_path_factory.mktemp("ssh"))
    yield host
    host.remove()


class Run:
    """One run of the job: the names of the steps that ran, what they printed, and whether one failed."""

    def __init__(self, host, commit, **differences):
        self.host, self.steps, self.said, self.failed, self.outcomes = host, [], "", False, {}
        server = host.server
        # A runner on the internet finds the site by its name and trusts its certificate.
        (host.folder / ".curlrc").write_text(
            "".join(
                f'connect-to = "{name}:443:127.0.0.1:{server.ports["https"]}"\n' for name in (DOMAIN, f"api.{DOMAIN}")
            )
            + f'cacert = "{server.certificate}"\n'
        )
        self.known = {
            "secrets.FINGERPRINT": host.fingerprint,
            "github.sha": commit,
            "vars.SITE": server.page,
        } | differences
        for step in JOB["steps"]:
            if self.wanted(step.get("if", "success()")) and not step.get("uses", "").startswith("actions/"):
                self.take(step)

    def wanted(self, condition):
        words = re.sub(r"^\$\{\{|\}\}$", "", condition).replace("&&", "and")
        words = words.replace("failure()", str(self.failed)).replace("success()", str(not self.failed))
        return eval(re.sub(r"steps\.(\w+)\.outcome", lambda name: repr(self.outcomes.get(name[1])), words))  # noqa: S307

    def filled_in(self, text):
        return re.sub(r"\$\{\{ (\S+) \}\}", lambda expression: self.known[expression[1]], text)

    def take(self, step):
        variables = {name: self.filled_in(value) for name, value in step.get("env", {}).items()}
        if "uses" in step:
            fingerprint = self.filled_in(step["with"]["fingerprint"])
            handed = {name: variables[name] for name in step["with"].get("envs", "").split(",") if name}
            result = self.host.run(step["with"]["script"], fingerprint, handed)
        else:
            result = subprocess.run(
                ["bash", "-e", "-c", step["run"]], cwd=ROOT, capture_output=True, text=True,
                env={"PATH": os.environ["PATH"], "HOME": str(self.host.folder)} | variables,
            )  # fmt: skip
        self.steps.append(step["name"])
        self.said += result.stdout + result.stderr
        self.outcomes[step.get("id")] = "success" if result.returncode == 0 else "failure"
        self.failed = self.failed or result.returncode != 0


ALL = ["Refuse a server that is not known", "Deploy to server", "Ask from outside"]


def test_a_push_is_deployed_over_ssh(server, host, figure):
    tested = server.commit("Tested", {"backend/gunicorn.conf.py": "# tested\n"})
    server.commit("Pushed while the tests ran", {"backend/gunicorn.conf.py": "# newer\n"})

    with Traffic(server) as traffic:
        run = Run(host, tested)

    assert not run.failed, run.said
    assert run.steps == ALL
    traffic.assert_nothing_failed()
    figure("deploy over SSH by the workflow", traffic)
    assert server.release() == (tested, tested)
    assert server.head() == tested


@pytest.mark.torture
def test_it_goes_back_when_the_site_is_not_what_was_deployed(server, host):
    before = server.release()[0]
    commit = server.commit("Seen by nobody", {"backend/gunicorn.conf.py": "# not seen\n"})

    with Traffic(server) as traffic:
        run = Run(host, commit, **{"vars.SITE": f"https://{DOMAIN}:1"})

    assert run.failed
    assert run.steps == [*ALL, "Roll back"]
    assert f"Deployed {commit}" in run.said
    assert "Health check failed: DNS: " in run.said
    assert f"Went back to {before}" in run.said
    traffic.assert_nothing_failed()
    assert server.release() == (before, before)


def test_what_does_not_start_is_not_gone_back_from(server, host):
    before = server.release()
    commit = server.commit("It ends", {"backend/gunicorn.conf.py": "raise SystemExit('no, never')\n"})

    run = Run(host, commit)

    assert run.failed
    assert run.steps == ALL[:2]
    assert "no, never" in run.said
    assert server.release() == before


def test_a_site_that_says_another_commit_is_no_success(server, host):
    (step,) = [step for step in JOB["steps"] if step.get("name") == "Ask from outside"]
    run = Run(host, "0" * 40, **{"secrets.FINGERPRINT": ""})
    run.take(step)

    assert f"{server.page}/api/v1/version/ does not say {'0' * 40}." in run.said


@pytest.mark.parametrize(("setting", "words", "steps"), [
    ({"secrets.FINGERPRINT": ""}, "Set the secret FINGERPRINT", ALL[:1]),
    ({"secrets.FINGERPRINT": "SHA256:of-another"}, "fingerprint mismatch", ALL[:2]),
    ({"vars.SITE": ""}, "Set the variable SITE", ALL[:1]),
])  # fmt: skip
def test_a_server_that_is_not_known_gets_nothing(server, host, setting, words, steps):
    before, log = server.release(), server.log()

    run = Run(host, server.quick, **setting)

    assert run.failed
    assert run.steps == steps
    assert words in run.said
    assert (server.release(), server.log()) == (before, log)
