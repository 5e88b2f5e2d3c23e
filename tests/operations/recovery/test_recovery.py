"""
`ops/base-backup.sh` and the archive of WAL on the running stack, and what `ops/restore.sh --to` cannot recover from.
That it goes back to a moment, and `ops/drill.sh`, are in test_runbook.py.
"""

import os
import re
import shutil
import subprocess
import time
from datetime import datetime, timezone

import pytest


def run(stack, script, *arguments, check=True, env=None):
    result = subprocess.run(
        [stack.folder / script, *arguments], capture_output=True, text=True, timeout=400, cwd="/",
        env=os.environ | (env or {}),
    )  # fmt: skip
    if check:
        assert result.returncode == 0, result.stdout + result.stderr
    return result


def in_database(stack, script, *arguments, check=True):
    return stack.compose("exec", "-T", "db", "bash", "-euc", script, "bash", *arguments, check=check)


def sql(stack, statement):
    return in_database(stack, 'psql -XqAt -U "$POSTGRES_USER" "$POSTGRES_DB" -c "$1"', statement).stdout.strip()


def archived(stack):
    """Everything written so far is in the archive."""
    segment = sql(stack, "select pg_walfile_name(pg_switch_wal())")
    for _ in range(60):
        if sql(stack, "select last_archived_wal from pg_stat_archiver") >= segment:
            return segment
        time.sleep(0.5)
    raise AssertionError(sql(stack, "select * from pg_stat_archiver"))


@pytest.fixture(scope="module")
def base(stack):
    """The folder of a base backup, as the database sees it."""
    yield run(stack, "ops/base-backup.sh").stdout
    for name in sql(stack, "select datname from pg_database where datname like 'thinkring_before_%'").split():
        sql(stack, f"drop database {name}")


def test_a_base_backup_is_verified_and_says_where_it_is(stack, base):
    folder = "/" + re.search(r"backups/base/\d+/\d{8}_\d{6}", base)[0]
    files = in_database(stack, 'ls "$1"', folder).stdout.split()
    assert sorted(files) == ["backup_manifest", "base.tar.zst", "start"]
    assert in_database(stack, 'ls -A "$(dirname "$1")"', folder).stdout.split() == [folder.rpartition("/")[2]]


def test_what_is_no_time_or_has_no_base_backup_is_told(stack, base):
    for time_, status, sentence in [
        ("yesterday evening", 2, '"yesterday evening" is no time'),
        ("2999-01-01", 2, "2999-01-01 has not come yet"),
        ("2020-01-01", 1, "there is no base backup from before 2020-01-01"),
    ]:
        result = run(stack, "ops/restore.sh", "--to", time_, "--replace", check=False)
        assert (result.returncode, sentence in result.stderr) == (status, True), result.stderr
    assert run(stack, "ops/restore.sh", "--to", check=False).returncode == 2


def test_a_gap_in_the_archive_is_told(stack, base):
    system = sql(stack, "select system_identifier from pg_control_system()")
    sql(stack, "create table gap (number int)")
    missing = archived(stack)
    for number in range(2):
        sql(stack, f"insert into gap values ({number})")
        archived(stack)
    # The receiver may have it still, and then nothing is lost.
    in_database(stack, 'cd "/backups/wal/$1" && mv "$2.zst" .. && rm -f "received/$2"', system, missing)
    try:
        result = run(stack, "ops/restore.sh", "--to", "now", "--replace", check=False)
        assert result.returncode == 1
        assert f"{missing} is missing" in result.stderr
        assert missing in cannot_be_gone_through(stack)
        again = run(stack, "ops/base-backup.sh")
        assert "Wrote" in again.stdout
        assert cannot_be_gone_through(stack) == ""
    finally:
        in_database(stack, 'mv "/backups/wal/$2.zst" "/backups/wal/$1/"', system, missing)
        sql(stack, "drop table gap")


def cannot_be_gone_through(stack):
    """What the doctor says of the archive."""
    said = run(stack, "ops/doctor.sh", check=False).stdout
    return "".join(re.findall(r"^wrong  what was archived since .*", said, re.M))


def test_a_damaged_base_backup_is_told(stack):
    folder = "/" + re.search(r"backups/base/\S+", run(stack, "ops/base-backup.sh").stdout)[0]
    file = f"{folder}/base.tar.zst"
    in_database(stack, 'cp "$1" "$1.kept"; printf damage | dd of="$1" bs=1 seek=100000 conv=notrunc', file)
    try:
        result = run(stack, "ops/restore.sh", "--to", "now", "--replace", check=False)
        assert result.returncode == 1
        assert "cannot be unpacked" in result.stderr or "is damaged" in result.stderr
        left = ["docker", "ps", "-aq", "--filter", f"name={stack.project}_recovery_"]
        assert subprocess.check_output(left) == b""
    finally:
        in_database(stack, 'mv "$1.kept" "$1"', file)


def test_a_base_backup_that_is_not_what_the_database_told_does_not_count(stack, base, tmp_path):
    """Damaged between the database and the disk."""
    there = "ls -A /backups/base/*"
    before = in_database(stack, there).stdout
    damage = "printf damage >>$folder/.check/PG_VERSION; pg_verifybackup"
    (tmp_path / "docker").write_text(f"""#!/usr/bin/python3
import os, sys
os.execv("{shutil.which("docker")}", [text.replace("pg_verifybackup", "{damage}") for text in sys.argv])
""")
    (tmp_path / "docker").chmod(0o755)

    result = run(stack, "ops/base-backup.sh", check=False, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})

    assert result.returncode == 1
    assert "the base backup was not made (pg_verifybackup: error: " in result.stderr
    assert "PG_VERSION" in result.stderr
    assert result.stderr.endswith("Older ones are untouched.\n")
    assert in_database(stack, there).stdout == before


def test_the_archive_never_replaces_what_it_has(stack, base):
    system = sql(stack, "select system_identifier from pg_control_system()")
    segment = archived(stack)
    again = 'zstd -dcq "/backups/wal/$1/$2.zst" >/tmp/again; sh /wal/archive.sh /tmp/again "$2"'
    assert in_database(stack, again, system, segment).returncode == 0
    other = in_database(stack, 'echo other >/tmp/other; sh /wal/archive.sh /tmp/other "$1"', segment, check=False)
    assert other.returncode == 1
    assert "is there already and holds something else" in other.stderr


def test_old_base_backups_go_with_the_wal_that_only_they_need(stack, base):
    system = sql(stack, "select system_identifier from pg_control_system()")
    archived(stack)
    run(stack, "ops/base-backup.sh")
    in_database(stack, 'touch -d "8 days ago" /backups/base/"$1"/*', system)
    time.sleep(1)
    run(stack, "ops/base-backup.sh")
    left = in_database(stack, 'cd "/backups/base/$1" && ls', system).stdout.split()
    assert len(left) == 2
    start = in_database(stack, 'cat "/backups/base/$1/$2/start"', system, min(left)).stdout.strip()
    segments = in_database(stack, 'cd "/backups/wal/$1" && ls *.zst', system).stdout.split()
    assert min(name for name in segments if re.fullmatch(r"[0-9A-F]{24}\.zst", name)) == f"{start}.zst"


def test_the_receiver_finds_a_database_that_was_restarted(stack):
    stack.compose("restart", "db")
    stack.wait()
    for _ in range(60):
        if sql(stack, "select active from pg_replication_slots where slot_name = 'receiver'") == "t":
            return
        time.sleep(0.5)
    raise AssertionError(stack.logs("wal"))


def test_the_receiver_goes_on_where_the_database_has_thrown_away_what_it_lacks(stack):
    """As after an hour without it; then the slot is lost, and what was not received is in the archive alone."""
    received(stack)
    stack.compose("stop", "wal")
    sql(stack, "select pg_drop_replication_slot('receiver')")
    for _ in range(8):
        sql(stack, "create table thrown (number int); drop table thrown")
        archived(stack)
    # And what ops/base-backup.sh had cleared away from the archive before the receiver saw it there.
    system = sql(stack, "select system_identifier from pg_control_system()")
    first = "000000010000000000000001"
    cleared = 'cd "/backups/wal/$1" && rm -f "$2.zst" && truncate -s 16M "received/$2"'
    in_database(stack, cleared, system, first)
    sql(stack, "checkpoint")

    stack.compose("up", "-d", "wal")

    received(stack)


@pytest.mark.torture
def test_without_a_receiver_nothing_is_lost_that_was_just_written(stack, base):
    """And nothing was written after the moment, at which PostgreSQL alone gives up."""
    stack.compose("stop", "wal")
    try:
        sql(stack, "create table latest (number int); insert into latest values (1)")
        time.sleep(1)
        said = run(stack, "ops/restore.sh", "--to", datetime.now(timezone.utc).isoformat(), "--replace").stdout
    finally:
        stack.compose("start", "wal")
    stack.wait()
    assert "Nothing is archived of what was written after" in said
    assert sql(stack, "select number from latest") == "1"
    sql(stack, "drop table latest")


def test_a_lost_volume(stack):
    """The server that is made anew takes over the recovered files, with today's password, and is archived on."""
    sql(stack, "create table lost (number int); insert into lost values (1)")
    sql(stack, "alter role thinkring_user password 'of-that-time'")
    run(stack, "ops/base-backup.sh")
    sql(stack, "insert into lost values (2)")
    time.sleep(1)
    moment = datetime.now(timezone.utc).isoformat()
    time.sleep(1)
    sql(stack, "insert into lost values (8)")
    system = sql(stack, "select system_identifier from pg_control_system()")
    received(stack)
    subprocess.run(["docker", "rm", "-fv", stack.container("db")], check=True, capture_output=True)
    subprocess.run(["docker", "volume", "rm", f"{stack.project}_postgres_data"], check=True, capture_output=True)

    run(stack, "ops/restore.sh", "--to", moment)

    stack.wait()
    assert sql(stack, "select sum(number) from lost") == "3", "what came later is gone"
    assert sql(stack, "select system_identifier from pg_control_system()") == system
    assert in_database(stack, 'ls -d /backups/wal/"$1"_before_*/received /backups/base/"$1"_before_*', system)
    run(stack, "ops/base-backup.sh")
    sql(stack, "insert into lost values (4)")
    received(stack)
    run(stack, "ops/restore.sh", "--to", "now", "--replace")
    stack.wait()
    assert sql(stack, "select sum(number) from lost") == "7"
    sql(stack, "drop table lost")
    for name in sql(stack, "select datname from pg_database where datname like 'thinkring_before_%'").split():
        sql(stack, f"drop database {name}")


def received(stack):
    """Everything written so far has come to the receiver."""
    now = sql(stack, "select pg_current_wal_flush_lsn()")
    for _ in range(60):
        if sql(stack, f"select write_lsn >= '{now}' from pg_stat_replication") == "t":
            return
        time.sleep(0.5)
    raise AssertionError(stack.logs("wal"))
