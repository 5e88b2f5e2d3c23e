"""
`ops/install.sh` in a fresh clone, by somebody at a terminal: from nothing to a page whose certificate is trusted, with
backups and a schedule. It is interrupted and fails on the way, and goes on where it was; in the end it changes nothing.
"""

import contextlib
import shutil
import socket
import subprocess
import time

import pytest

from production import DOMAIN, ENVIRONMENT, FRONT_ENDS, PASSWORD, Stack, clone, docker

from ..certificates.authority import Authority
from ..certificates.server import Server
from ..terminal import Terminal

ADDRESS = "admin@thinkring.test"
# The one of this machine must not be touched; tests/operations/firewall/ has a machine for it.
FIREWALL = """#!/bin/sh
echo "firewall.sh $*" >>ops/state/firewall.txt
if [ "$1" = --show ]; then exec test -e ops/state/closed; fi
touch ops/state/closed
"""


class Machine:
    """A clone that nobody has set up, on a machine to which the names lead."""

    def __init__(self, folder):
        self.stack = Stack(folder / "thinkring", FRONT_ENDS[0].split())
        clone(self.stack.folder)
        self.example = self.stack.folder / ".env.production.example"
        (self.stack.folder / "ops" / "firewall.sh").write_text(FIREWALL)
        self.tools = folder / "tools"
        self.tools.mkdir()
        (here, *_) = subprocess.check_output(["hostname", "-I"], text=True).split()
        self.tool("getent", f"echo {here} STREAM")
        self.tool("timedatectl", "echo yes")
        for name in ["ufw", "crontab", "pgrep"]:
            self.tool(name, "true")
        self.environment = ENVIRONMENT | {"PATH": f"{self.tools}:{ENVIRONMENT['PATH']}"}
        self.command = [self.stack.folder / "ops" / "install.sh"]

    def tool(self, name, script):
        (self.tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.tools / name).chmod(0o755)

    def at_a_terminal(self):
        return Terminal(self.command, cwd="/", env=self.environment)

    def run(self, *answers, arguments=(), **environment):
        return subprocess.run(
            [*self.command, *arguments], input="".join(f"{answer}\n" for answer in answers), cwd="/",
            env=self.environment | environment, capture_output=True, text=True, timeout=600,
        )  # fmt: skip

    @property
    def is_untouched(self):
        return not list(self.stack.folder.glob(".env.production")) and not docker(
            "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.stack.project}"
        )


@pytest.fixture(scope="module")
def installed(engine, missing, cron_of_root, tmp_path_factory):
    """The machine after three runs: the first interrupted, the second without a certificate."""
    for command in ["pebble", "pebble-challtestsrv", "certbot"]:
        if not shutil.which(command):
            missing(f"there is no {command} (Debian: apt install pebble certbot)")
    machine = Machine(tmp_path_factory.mktemp("machine"))
    stack = machine.stack
    machine.cron, enter = cron_of_root
    machine.command = [*enter, *machine.command]
    machine.authority = Authority(tmp_path_factory.mktemp("authority"), stack.ports["http"])
    machine.environment["REQUESTS_CA_BUNDLE"] = str(machine.authority.own_certificate)
    stack.be_apart(machine.example, ACME_SERVER=machine.authority.directory)
    with machine.authority.running():
        try:
            machine.first = machine.at_a_terminal()
            for answer in ["", f"https://{DOMAIN}", DOMAIN.upper()]:
                machine.first.answer("omain", f"{answer}\n")
            for answer in ["admin", ADDRESS]:
                machine.first.answer("e-mail address", f"{answer}\n")
            machine.first.answer("Shall it begin? (yes/no)", "perhaps\n")
            machine.first.answer("Shall it begin? (yes/no)", "yes\n")
            began = time.monotonic()
            machine.first.answer("ユーザー名", "")
            machine.seconds_to_healthy = time.monotonic() - began
            # Python misses what is pressed while it writes the question; nobody is that quick.
            time.sleep(1)
            machine.first.answer("", "\x03")
            machine.first.status = machine.first.exit_status()

            machine.second = machine.at_a_terminal()
            with machine.authority.name_leads_to(f"api.{DOMAIN}", ["192.0.2.1"]):
                machine.second.answer("Shall it begin? (yes/no)", "yes\n")
                machine.second.make_administrator("admin", ADDRESS, PASSWORD)
                machine.second.answer("Shall the firewall close", "yes\n")
                machine.second.status = machine.second.exit_status()

            machine.third = machine.run("yes")
            yield machine
        finally:
            stack.remove()


def test_what_is_wrong_is_asked_again(installed):
    said = installed.first.said

    assert '"" is not a domain; give the bare name' in said
    assert f'"https://{DOMAIN}" is not a domain; give the bare name' in said
    assert f'"admin" is not an address such as you@{DOMAIN}.' in said
    assert said.count("Shall it begin?") == 2
    assert f"thinkRing is going to answer at https://{DOMAIN}:{installed.stack.ports['https']}." in said
    settings = (installed.stack.folder / ".env.production").read_text()
    assert f"\nALLOWED_HOSTS={DOMAIN},api.{DOMAIN}\n" in settings
    assert f"\nCERTBOT_EMAIL={ADDRESS}\n" in settings


def test_interrupted(installed, figure):
    figure("from a fresh clone to a healthy stack, images cached", f"{installed.seconds_to_healthy:.0f} s")
    assert installed.first.status == 1
    assert "install.sh: no administrator was made; run it again, and it goes on from here." in installed.first.said


def test_it_goes_on_without_a_certificate(installed):
    said = installed.second.said

    assert installed.second.status == 1
    assert f"Going on with {DOMAIN}" in said
    assert "The containers, which take some minutes … there already." in said
    assert f"certificates.sh: certbot got no certificate: api.{DOMAIN}: " in said
    assert "The self-signed one stays" in said
    for step in ["A backup", "A base backup", "The schedule", "The firewall"]:
        assert f"{step} … done, " in said
    assert "the certificate: it is self-signed, and browsers warn of it." in said
    assert said.endswith("install.sh: it is not complete; mend what is said above, and run it again.\n")


def test_it_is_complete(installed):
    result = installed.third

    assert result.returncode == 0, result.stdout + result.stderr
    assert "A certificate that browsers trust … done, " in result.stdout
    assert "wrong" not in result.stdout
    assert f"\nthinkRing answers at https://{DOMAIN}:{installed.stack.ports['https']}, and " in result.stdout
    assert result.stdout.endswith("\nKeep a copy of .env.production on another machine: it is in no backup.\n")


def test_it_is_served(installed):
    server = Server(installed.stack, installed.authority, installed.tools)

    assert server.served_to_all() == server.in_file()
    installed.stack.certificate = installed.authority.root
    assert installed.stack.get(f"{installed.stack.page}/").status_code == 200
    assert installed.stack.can_log_in("admin")


def test_it_is_backed_up_and_scheduled(installed):
    backups = installed.stack.folder / "backups"

    assert len(list(backups.glob("thinkring_db_*.sql"))) == len(list(backups.glob("base/*/*"))) == 1
    (schedule,) = installed.cron.iterdir()
    assert f"0 2 * * * root cd '{installed.stack.folder}' && {{ ./backup.sh >" in schedule.read_text()
    assert "firewall.sh \n" in (installed.stack.folder / "ops" / "state" / "firewall.txt").read_text()


def test_once_more_it_changes_nothing(installed):
    def state():
        folder = installed.stack.folder
        containers = docker(
            "ps", "--quiet", "--no-trunc", "--filter", f"label=com.docker.compose.project={installed.stack.project}"
        ).split()
        started = docker("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", *containers)
        files = [folder / ".env.production", folder / "ops/state/closed", *installed.cron.iterdir()]
        for place in ["nginx/domain", "nginx/ssl", "nginx/letsencrypt", "backups/base"]:
            files += (folder / place).rglob("*")
        files += (folder / "backups").glob("thinkring_*")
        return started, {file: file.stat().st_mtime_ns for file in files}

    before = state()

    # As cloud-init would type it each time: what is not asked for any more is passed over.
    result = installed.run(DOMAIN, ADDRESS, "yes", "no")

    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("there already.") == 6
    assert state() == before


def test_the_machine_is_lost(installed, figure):
    """What is left: .env.production, and the backups as restic has them. Nothing else is set up by hand."""
    stack, environment = installed.stack, installed.environment | {"COMPOSE": FRONT_ENDS[0]}
    # That of the third run; it is issued anew on the new machine.
    stack.certificate = installed.authority.root
    there = stack.register()["username"]
    subprocess.run([stack.folder / "backup.sh"], check=True, env=environment, capture_output=True)
    later = stack.register()["username"]
    stack.compose("down", "--volumes")
    lost = stack.folder.rename(stack.folder.with_name("lost"))

    began = time.monotonic()
    clone(stack.folder)
    shutil.copy(lost / ".env.production", stack.folder)
    (stack.folder / "backups").mkdir()
    for file in (lost / "backups").glob("thinkring_*"):
        shutil.copy2(file, stack.folder / "backups")
    (stack.folder / "ops" / "firewall.sh").write_text(FIREWALL)
    restored = subprocess.run(
        [stack.folder / "ops" / "restore.sh", "--latest"], cwd="/", env=environment, capture_output=True, text=True
    )
    result = installed.run("yes", "yes")
    figure("back on a lost machine by restore.sh and install.sh, images built", f"{time.monotonic() - began:.0f} s")

    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert restored.stdout.endswith("\nNext: ops/install.sh, which does what is not there yet.\n")
    assert result.returncode == 0, result.stdout + result.stderr
    known = [stack.can_log_in(name) for name in ["admin", there, later]]
    assert known == [True, True, False], "what came after the backup is gone"


@pytest.fixture
def machine(engine, tmp_path):
    machine = Machine(tmp_path)
    machine.stack.be_apart(machine.example)
    return machine


@pytest.mark.parametrize("answers", [[], [f"https://{DOMAIN}"], [DOMAIN], [DOMAIN, ""]])
def test_an_answer_is_missing(machine, answers):
    result = machine.run(*answers)

    assert result.returncode == 1
    assert result.stderr == (
        "install.sh: no answer came; run it at a terminal, or give it the answers as lines of its standard input.\n"
    )
    assert machine.is_untouched


def test_a_port_is_taken(machine):
    with contextlib.closing(socket.create_server(("127.0.0.1", machine.stack.ports["https"]))):
        result = machine.run(DOMAIN, "", "no")

    assert result.returncode == 1
    assert result.stderr.startswith(f"install.sh: port {machine.stack.ports['https']} is taken; ")
    assert machine.is_untouched


def test_docker_does_not_answer(machine):
    result = machine.run(DOMAIN, "", "no", DOCKER_HOST="unix:///nowhere.sock")

    assert result.returncode == 1
    assert result.stderr.startswith("install.sh: Docker does not answer (")
    assert "start it: systemctl start docker" in result.stderr
    assert machine.is_untouched


@pytest.mark.parametrize("command", ["git", "openssl", "curl"])
def test_something_is_not_installed(machine, command, path_without):
    result = machine.run(DOMAIN, "", "no", PATH=path_without(command))

    assert result.returncode == 1
    assert result.stderr.startswith(f"install.sh: there is no {command} on this machine; install it: apt-get install ")


def test_the_disk_is_too_full(machine):
    machine.tool("df", "echo Avail; echo 2000000000")

    result = machine.run(DOMAIN, "", "no")

    assert result.returncode == 1
    assert f"the disk of {machine.stack.folder} has 1.9G free, and should have 3.0G; make room." in result.stderr
    assert machine.is_untouched


@pytest.mark.parametrize(
    ("dns", "words"),
    [
        ("exit 2", "has no address in the DNS"),
        ("echo 192.0.2.77 STREAM", "leads to 192.0.2.77, and that is no address"),
    ],
)
def test_names_that_do_not_lead_here(machine, dns, words):
    machine.tool("getent", dns)

    result = machine.run(DOMAIN, "", "no")

    assert result.returncode == 1
    for name in [DOMAIN, f"api.{DOMAIN}"]:
        assert f"Warning: {name} {words}" in result.stdout
    assert result.stderr == "install.sh: nothing was changed.\n"
    assert machine.is_untouched


def test_it_takes_no_arguments(machine):
    result = machine.run(arguments=[DOMAIN])

    assert result.returncode == 2
    assert result.stderr == "install.sh: it takes no arguments, it asks; see install.sh --help.\n"
