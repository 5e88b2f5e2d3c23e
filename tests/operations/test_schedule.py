"""
`ops/schedule.sh` in a checkout with a difficult name: what it gives to cron is what cron understands, each line of it
runs what is there, and what somebody else has in cron stays.
"""

import os
import re
import shutil
import subprocess

import pytest

from production import ROOT

# Minute, hour, day, month, weekday.
FIELDS = r"((?:\d+(?:,\d+)*|\*(?:/\d+)?)(?: (?:\d+(?:,\d+)*|\*(?:/\d+)?)){4}) "
THEIRS = "MAILTO=somebody@example.com\n# mine\n5 4 * * * true 100\\%\n"


class Machine:
    """A checkout, and a cron that only remembers."""

    def __init__(self, folder):
        self.checkout = folder / "it's 100 % thinkring"
        shutil.copytree(ROOT / "ops", self.checkout / "ops", ignore=shutil.ignore_patterns("*.lock", "last-*"))
        for file in ["backup.sh", "docker-compose.prod.yml"]:
            shutil.copy(ROOT / file, self.checkout / file)
        (self.checkout / ".env.production").write_text("COMPOSE_PROJECT_NAME=think-test\n")
        self.tools = folder / "tools"
        self.tools.mkdir()
        self.crontab = folder / "crontab"
        self.tool(
            "crontab",
            f'if [ "$1" = -l ]; then cat "{self.crontab}" 2>/dev/null || {{ echo no crontab for you >&2; exit 1; }}\n'
            f'else cat >"{self.crontab}"; fi',
        )
        self.tool("pgrep", "echo 1")
        self.tool("docker-compose", 'echo "compose $*"')
        self.uid = 1000
        self.tool("id", 'case $1 in -u) echo "$TEST_UID" ;; *) echo operator ;; esac')
        self.command = []

    def tool(self, name, script):
        (self.tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.tools / name).chmod(0o755)

    def run(self, *arguments, **environment):
        return subprocess.run(
            [*self.command, self.checkout / "ops" / "schedule.sh", *arguments],
            env={"PATH": f"{self.tools}:{os.environ['PATH']}", "TEST_UID": str(self.uid)} | environment,
            cwd="/", capture_output=True, text=True,
        )  # fmt: skip


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture
def as_root(machine, cron_of_root):
    """Where /etc/cron.d is a folder of the test."""
    folder, machine.command = cron_of_root
    machine.uid = 0
    return folder


def entries(text):
    """The commands as cron gives them to the shell, by the name of what they run."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = [re.fullmatch(FIELDS + "(.*)", line) for line in lines]
    assert all(found), lines
    commands = [match[2].replace("\\%", "%") for match in found]
    assert not any("%" in match[2].replace("\\%", "") for match in found), "a bare % ends the line for cron"
    return {re.search(r"last-(\S+)\.txt", command)[1]: command for command in commands}


def times(text):
    """When each of them runs; the minute of the renewal is this installation's own, within the hour's first half."""
    found = {}
    for line in text.splitlines():
        if name := re.search(r"last-(\S+)\.txt", line):
            when = re.match(FIELDS, line)[0].strip()
            found[name[1]] = re.sub(r"^([1-9]|1\d|2[0-8]) (?=3,15)", "MINUTE ", when)
    return found


def test_the_crontab_of_a_user(machine):
    machine.crontab.write_text(THEIRS)

    result = machine.run()

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Put the entries into the crontab of operator.\n")
    text = machine.crontab.read_text()
    assert text.startswith(THEIRS), "what is theirs stays"
    assert times(text.removeprefix(THEIRS)) == {
        "backup": "0 2 * * *",
        "base-backup": "15 2 * * *",
        "empty_trash": "45 2 * * *",
        "delete_old_sessions": "50 2 * * *",
        "renew": "MINUTE 3,15 * * *",
        "check-health": "*/5 * * * *",
        "doctor": "0 7 * * *",
        "drill": "0 4 1 * *",
        "update-images": "30 6 * * 1",
    }

    again = machine.run()

    assert again.stdout.startswith("cron had the entries already.\n")
    assert machine.crontab.read_text() == text
    shown = machine.run("--show")
    assert shown.returncode == 0
    assert shown.stdout == text.removeprefix(THEIRS)

    assert machine.run("--remove").returncode == 0
    assert machine.crontab.read_text() == THEIRS
    assert machine.run("--show").returncode == 1
    assert machine.run("--remove").stdout == "Nothing was scheduled for operator.\n"


def test_cron_itself_takes_it(machine, tmp_path, missing):
    def check(flag, file):
        return subprocess.run(["crontab", flag, file], capture_output=True, text=True)

    (tmp_path / "plain").write_text("0 2 * * * true\n")
    flags = ["-T", "-n"] if shutil.which("crontab") else []
    flag = next((flag for flag in flags if check(flag, tmp_path / "plain").returncode == 0), None)
    if not flag:
        missing("there is no crontab that checks a file (Debian: apt install cron)")
    machine.run()

    result = check(flag, machine.crontab)

    assert result.returncode == 0, result.stderr


def test_the_file_of_root(machine, as_root):
    result = machine.run()

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Wrote /etc/cron.d/thinkring-think-test.\n")
    (file,) = as_root.iterdir()
    assert file.name == "thinkring-think-test", "a name that cron reads"
    assert file.stat().st_mode & 0o777 == 0o644
    root, enter = file.read_text(), machine.command
    machine.uid, machine.command = 1000, []
    machine.run()
    of_user = entries(machine.crontab.read_text())
    assert entries(root) == {name: f"root {command}" for name, command in of_user.items()}

    machine.uid = 0
    machine.command = enter
    assert machine.run("--show").returncode == 0
    file.write_text(root.replace("0 2 * * *", "0 5 * * *"))
    changed = machine.run("--show")
    assert changed.returncode == 1
    assert "this is not what this release wants" in changed.stderr
    assert machine.run().returncode == 0
    assert file.read_text() == root
    assert machine.run("--remove").returncode == 0
    assert list(as_root.iterdir()) == []


def test_each_line_runs_what_is_there(machine):
    machine.run()

    for name, command in entries(machine.crontab.read_text()).items():
        checked = subprocess.run(["sh", "-n", "-c", command], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        for script in re.findall(r"(?:ops/|\./)[\w-]+\.sh", command):
            assert os.access(ROOT / script, os.X_OK), script
            if script != "ops/tell.sh":
                (machine.checkout / script).write_text(f"#!/bin/sh\necho {name} $*\nexit $FAILS\n")
                (machine.checkout / script).chmod(0o755)
        (machine.checkout / "nginx" / "letsencrypt" / "live" / "thinkring").mkdir(parents=True, exist_ok=True)

        def run(fails, command=command):
            # As cron does it: no environment, and not the folder.
            environment = {"PATH": "/usr/bin:/bin", "FAILS": str(fails)}
            return subprocess.run(["sh", "-c", command], env=environment, cwd="/", capture_output=True, text=True)

        kept = machine.checkout / "ops" / "state" / f"last-{name}.txt"
        assert run(0).stdout == "", name
        said = kept.read_text()
        assert (name in said) or ("manage.py" in command and f"exec -T backend python manage.py {name}" in said), said
        if "manage.py" not in command:
            assert run(1).stdout == kept.read_text() != "", "what cron is to send as a mail"


def test_without_a_certificate_of_lets_encrypt_there_is_nothing_to_renew(machine):
    machine.run()
    command = entries(machine.crontab.read_text())["renew"]

    assert subprocess.run(["sh", "-c", command], capture_output=True, text=True).stdout == ""


def test_where_nothing_is_archived_nothing_of_it_is_done(machine):
    with (machine.checkout / ".env.production").open("a") as settings:
        settings.write("ARCHIVE_MODE=off\n")

    machine.run()

    assert {"base-backup", "drill"}.isdisjoint(entries(machine.crontab.read_text()))


def test_where_the_database_is_elsewhere_nothing_is_done_that_works_in_one(machine):
    with (machine.checkout / ".env.production").open("a") as settings:
        settings.write("DATABASE_URL=postgresql://somebody@elsewhere/thinkring?sslmode=require\n")

    result = machine.run()

    assert entries(machine.crontab.read_text()).keys() == {
        "empty_trash", "delete_old_sessions", "renew", "check-health", "doctor", "update-images",
    }  # fmt: skip
    assert "Backups are not in it, since the database is elsewhere (DATABASE_URL)." in result.stdout


def test_another_compose_command_is_remembered(machine):
    machine.run(COMPOSE="docker-compose --ansi never")

    command = entries(machine.crontab.read_text())["backup"]

    assert "export COMPOSE='docker-compose --ansi never'; ./backup.sh" in command


def test_a_mark_without_its_other_half(machine):
    broken = THEIRS + "# thinkring-think-test: begin\n0 1 * * * true\n"
    machine.crontab.write_text(broken)

    result = machine.run()

    assert result.returncode == 1
    assert "has lost its other half" in result.stderr
    assert machine.crontab.read_text() == broken


def test_a_machine_whose_cron_does_not_run(machine):
    machine.tool("pgrep", "exit 1")

    result = machine.run()

    assert result.returncode == 1
    assert result.stderr == (
        "schedule.sh: cron does not run, so nothing will be done; start it: systemctl enable --now cron\n"
    )


def test_called_wrongly(machine):
    assert machine.run("--list").returncode == 2
    assert machine.run("--show", "--remove").returncode == 2
