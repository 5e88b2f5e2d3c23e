import os
import time

import pytest
from django.core.management import CommandError, call_command

DAY = 24 * 3600


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "build"
    (folder / "admin/css").mkdir(parents=True)
    (folder / "admin/css/base.0123abcd.css").write_text("new")
    (folder / "staticfiles.json").write_text("{}")
    return folder


@pytest.fixture
def target(tmp_path, settings):
    settings.STATIC_ROOT = tmp_path / "static"
    return settings.STATIC_ROOT


def aged(file, days):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("old")
    os.utime(file, (time.time() - days * DAY,) * 2)
    return file


def published(target):
    return {str(file.relative_to(target)): file.read_text() for file in target.rglob("*") if file.is_file()}


def test_it_works(source, target, capsys):
    call_command("publish_static", source)

    assert published(target) == {"admin/css/base.0123abcd.css": "new", "staticfiles.json": "{}"}
    assert capsys.readouterr().out == "2 static files published.\n"


def test_what_changed_is_replaced(source, target):
    aged(target / "staticfiles.json", 1)

    call_command("publish_static", source)

    assert published(target)["staticfiles.json"] == "{}"


def test_files_of_earlier_releases_stay_for_30_days(source, target):
    kept = aged(target / "admin/css/base.ffff0000.css", 29)
    gone = aged(target / "admin/css/base.eeee0000.css", 31)

    call_command("publish_static", source)

    assert kept.exists()
    assert not gone.exists()


def test_files_of_this_release_count_from_now(source, target):
    call_command("publish_static", source)
    file = target / "staticfiles.json"
    os.utime(file, (time.time() - 40 * DAY,) * 2)

    call_command("publish_static", source)

    assert time.time() - file.stat().st_mtime < DAY


def test_the_front_ends_files_are_left_alone(source, target):
    foreign = aged(target / "_app/immutable/chunks/a.js", 400)

    call_command("publish_static", source)

    assert foreign.exists()


def test_files_are_readable_for_nginx(source, target):
    call_command("publish_static", source)

    assert (target / "admin/css/base.0123abcd.css").stat().st_mode & 0o444 == 0o444


def test_a_volume_of_another_user(source, target, monkeypatch):
    def replace(self, other):
        raise PermissionError(13, "Permission denied", str(other))

    monkeypatch.setattr("pathlib.Path.replace", replace)

    with pytest.raises(
        CommandError, match=r"base.0123abcd.css cannot be written: the volume has files of another user"
    ):
        call_command("publish_static", source)


def test_an_image_without_static_files(source, target):
    old = aged(target / "admin/css/base.eeee0000.css", 31)

    with pytest.raises(CommandError, match="is not there"):
        call_command("publish_static", source / "missing")

    assert old.exists()
