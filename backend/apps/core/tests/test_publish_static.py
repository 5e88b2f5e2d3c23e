import gzip
import os
import time
from datetime import datetime, timedelta, timezone

import pytest
import time_machine
from django.core.files.storage import storages
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


@pytest.fixture
def release(source):
    """As the image is built."""
    style = source / "admin/css/base.0123456789ab.css"
    style.write_text("p{}")
    style.with_name("base.css").write_text("p{}")
    style.with_name(f"{style.name}.gz").write_bytes(gzip.compress(b"p{}"))
    (source / "admin/img").mkdir()
    (source / "admin/img/icon.0123456789ab.png").write_bytes(b"PNG")
    return source


def headers(name):
    said = storages["static_bucket"].client.head_object(Bucket="static", Key=f"static/{name}")
    return said["ContentType"], said["CacheControl"], said.get("ContentEncoding")


@pytest.mark.usefixtures("target")
def test_what_has_a_hash_goes_to_the_bucket(release, buckets, capsys):
    call_command("publish_static", release)

    style, icon = "admin/css/base.0123456789ab.css", "admin/img/icon.0123456789ab.png"
    files = buckets("static_bucket")
    assert set(files) == {f"static/{style}", f"static/{icon}"}
    assert gzip.decompress(files[f"static/{style}"]) == b"p{}"
    forever = "public, max-age=31536000, immutable"
    assert headers(style) == ("text/css; charset=utf-8", forever, "gzip")
    assert headers(icon) == ("image/png", forever, None)
    assert "2 static files published into the bucket static." in capsys.readouterr().out


@pytest.mark.usefixtures("target")
def test_files_of_earlier_releases_stay_in_the_bucket_for_30_days(release, buckets):
    store, now = storages["static_bucket"], datetime.now(timezone.utc)
    style = release / "admin/css/base.0123456789ab.css"
    with time_machine.travel(now - timedelta(days=40)):
        call_command("publish_static", release)
        store.put("elsewhere/ours.txt", Body=b"")
    with time_machine.travel(now - timedelta(days=31)):
        call_command("publish_static", release)
    style.rename(style.with_name("base.ba9876543210.css"))

    with time_machine.travel(now - timedelta(days=2)):
        call_command("publish_static", release)
    kept = set(buckets("static_bucket"))
    call_command("publish_static", release)

    assert "static/admin/css/base.0123456789ab.css" in kept
    assert set(buckets("static_bucket")) == kept - {"static/admin/css/base.0123456789ab.css"}
    assert "elsewhere/ours.txt" in kept


@pytest.mark.usefixtures("target")
def test_a_bucket_that_does_not_answer(release, buckets, store_is_away):
    store_is_away()

    with pytest.raises(CommandError, match="the bucket static did not take the static files .* What is there stays"):
        call_command("publish_static", release)
