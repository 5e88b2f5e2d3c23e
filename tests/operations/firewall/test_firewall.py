"""`ops/firewall.sh` with the real ufw, on a machine of its own (machine.py)."""

import os
import shutil
import subprocess

import pytest

from production import ROOT


@pytest.fixture
def machine(machine_with_ufw):
    return machine_with_ufw


def test_it_closes_all_but_what_is_wanted(machine):
    assert machine.open_from_outside() == [22, 80, 443, 2222, 5433, 9000]
    assert machine.firewall("--show").returncode == 1
    session, answer = machine.outside.call("192.0.2.1", 2222)
    assert answer == "192.0.2.2"

    result = machine.firewall()

    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith("Opened 2222 (SSH), 80 and 443.\n")
    assert machine.open_from_outside() == [80, 443, 2222]
    print("still there?", file=session.stdin)
    assert session.stdout.readline() == "192.0.2.2\n", "the session from which it was run"
    assert machine.container.call("192.0.2.2", 8080)[1] == "192.0.2.1", "a container reaches the outside"
    assert machine.call("172.30.0.2", 5432)[1] == "172.30.0.1", "the machine reaches its container"

    shown = machine.firewall("--show")
    assert shown.returncode == 0, shown.stderr
    assert "2222/tcp                   ALLOW IN" in shown.stdout
    assert "443/tcp                    ALLOW FWD" in shown.stdout
    assert "-A DOCKER-USER -j DROP" in shown.stdout


def test_it_can_be_run_again(machine):
    before = [file.read_text() for file in machine.rules]
    assert machine.firewall().returncode == 0
    rules = [file.read_text() for file in machine.rules]
    kernel = machine.run("iptables", "-S").stdout
    assert all(new.startswith(old) for new, old in zip(rules, before, strict=True)), "what was there stays"

    assert machine.firewall().returncode == 0

    assert [file.read_text() for file in machine.rules] == rules
    assert machine.run("iptables", "-S").stdout == kernel
    machine.run("ufw", "reload")
    machine.run("iptables", "-A", "DOCKER-USER", "-j", "RETURN")
    assert machine.open_from_outside() == [80, 443, 2222], "after a reload, and a restart of Docker"


def test_what_was_allowed_before_stays(machine):
    machine.run("ufw", "allow", "9000/tcp")
    machine.run("ufw", "route", "allow", "proto", "tcp", "from", "any", "to", "any", "port", "5432")

    machine.firewall()

    assert machine.open_from_outside() == [80, 443, 2222, 5433, 9000]


def test_the_port_of_the_session_when_sudo_has_taken_its_name_away(machine):
    """A port that sshd does not listen on any more."""
    script = f"env -u SSH_CONNECTION {machine.checkout}/ops/firewall.sh; exit $?"

    result = machine.run("env", "SSH_CONNECTION=192.0.2.2 40000 192.0.2.1 9000", "bash", "-c", script)

    assert result.stdout.startswith("Opened 2222 9000 (SSH), 80 and 443.\n")
    assert machine.open_from_outside() == [80, 443, 2222, 9000]


def test_other_ports_of_the_page(machine):
    (machine.checkout / ".env.production").write_text("HTTP_PORT=8080\nHTTPS_PORT=8443\n")

    result = machine.firewall()

    assert result.stdout.startswith("Opened 2222 (SSH), 8080 and 8443.\n")
    assert machine.open_from_outside() == [80, 2222], "80 is the container's"


def test_rules_that_ufw_does_not_take(machine):
    machine.rules[0].write_text("nonsense\n")

    result = machine.firewall()

    assert result.returncode == 1
    assert "The files in /etc/ufw are as they were." in result.stderr
    assert machine.rules[0].read_text() == "nonsense\n"


def test_a_mark_without_its_other_half(machine):
    broken = machine.rules[0].read_text() + "# thinkring: begin\n"
    machine.rules[0].write_text(broken)

    result = machine.firewall()

    assert result.returncode == 1
    assert "has lost its other half" in result.stderr
    assert machine.rules[0].read_text() == broken
    assert machine.open_from_outside() == [22, 80, 443, 2222, 5433, 9000]


def test_a_docker_that_does_not_ask(machine, tmp_path):
    machine.run("iptables", "-D", "FORWARD", "-j", "DOCKER-USER")
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "docker").chmod(0o755)

    result = machine.firewall(env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"})

    assert result.returncode == 1
    assert "Docker does not ask the chain DOCKER-USER" in result.stderr


def test_as_somebody_else(tmp_path):
    for name in ["bash", "id", "basename", "dirname", "readlink"]:
        (tmp_path / name).symlink_to(shutil.which(name))
    (tmp_path / "id").unlink()
    (tmp_path / "id").write_text("#!/bin/bash\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    environment = {"PATH": str(tmp_path)}

    result = subprocess.run([ROOT / "ops" / "firewall.sh"], env=environment, capture_output=True, text=True)

    assert result.returncode == 1
    assert result.stderr == "firewall.sh: only root may look at the firewall; run it with sudo.\n"


def test_called_wrongly():
    assert subprocess.run([ROOT / "ops" / "firewall.sh", "--list"], capture_output=True).returncode == 2
