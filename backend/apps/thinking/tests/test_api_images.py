from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import override

from apps.thinking import images, trash
from apps.thinking.api.images import REASONS
from apps.thinking.exchange import checked
from apps.thinking.models import Node
from apps.thinking.tests.test_images import picture
from conftest import refused

pytestmark = pytest.mark.usefixtures("media")


@pytest.fixture
def url(node):
    return f"/api/v1/nodes/{node.pk}/image/"


def files(media) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


def put(client, url, data=None, content_type="image/png", **headers):
    return client.generic("PUT", url, picture() if data is None else data, content_type, headers=headers)


@pytest.mark.parametrize(("format", "type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_it_works(as_alice, node, url, media, format, type):
    response = put(as_alice, url, picture(format), type)

    assert response.status_code == 200
    body = response.json()
    (file,) = files(media)
    assert body["image"] == f"/media/nodes/{file.name}"
    assert (body["id"], body["version"], response.headers["ETag"]) == (str(node.pk), 2, '"2"')
    assert as_alice.get(f"/api/v1/nodes/{node.pk}/").json() == body
    assert str(node.pk) not in file.name


def test_as_a_form(as_alice, url, media):
    file = SimpleUploadedFile("../../etc/passwd.png", picture(), "image/png")

    response = as_alice.put(url, {"image": file}, format="multipart")

    assert response.status_code == 200
    assert [path.parent.name for path in files(media)] == ["nodes"]
    assert "passwd" not in response.json()["image"]


def test_another_image_replaces_it(as_alice, url, media, django_capture_on_commit_callbacks):
    first = put(as_alice, url).json()["image"]

    with django_capture_on_commit_callbacks(execute=True):
        second = put(as_alice, url).json()["image"]

    assert first != second
    assert [path.name for path in files(media)] == [Path(second).name]


def test_taking_it_away(as_alice, url, media, django_capture_on_commit_callbacks):
    put(as_alice, url)

    with django_capture_on_commit_callbacks(execute=True):
        response = as_alice.delete(url)

    assert response.status_code == 200
    assert (response.json()["image"], response.json()["version"]) == (None, 3)
    assert files(media) == []
    assert as_alice.delete(url).json()["version"] == 3


def test_of_a_stale_version(as_alice, url, media):
    current = refused(put(as_alice, url, **{"if-match": "7"}), 409, "BIZ_002")["current"]

    assert (current["version"], current["image"]) == (1, None)
    refused(as_alice.delete(url, headers={"if-match": "7"}), 409, "BIZ_002")
    assert files(media) == []


def test_a_write_that_fails_leaves_no_file(as_alice, url, media, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("apps.core.models.models.Model.save_base", fail)

    refused(put(as_alice, url), 500, "SRV_001")
    assert files(media) == []


def test_a_disk_that_is_full_keeps_no_part_of_it(as_alice, node, url, media, monkeypatch):
    def write_a_part(storage, name, content):
        path = Path(storage.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.read(10))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("django.core.files.storage.FileSystemStorage._save", write_a_part)

    refused(put(as_alice, url), 500, "SRV_001")
    assert files(media) == []


@pytest.mark.parametrize("data", [b"", b"no image", b"<svg/>", picture()[:40]])
def test_what_is_no_image(as_alice, url, media, data):
    refused(put(as_alice, url, data), 422, "VAL_002" if data else "VAL_001", "image")
    assert files(media) == []


@pytest.mark.parametrize("type", ["image/gif", "image/svg+xml", "text/plain", "application/json", "application/pdf"])
def test_another_type(as_alice, url, type):
    for data in (b"{}", picture()):
        refused(put(as_alice, url, data, type), 415, "REQ_002")


def test_a_form_without_a_file(as_alice, url):
    for body in ({}, {"image": "text"}, {"file": SimpleUploadedFile("a.png", picture())}):
        refused(as_alice.put(url, body, format="multipart"), 422, "VAL_001", "image")


def test_a_form_cut_off(as_alice, url):
    type = "multipart/form-data; boundary=x"

    for body in (b"", b"--x\r\nContent-Disposition: form-data; name=", b"\x00\xff"):
        response = put(as_alice, url, body, type)
        assert 400 <= response.status_code < 500


def test_too_large(as_alice, url, media):
    data = picture() + b"\0" * images.MAXIMUM

    refused(put(as_alice, url, data), 413, "REQ_003")
    file = SimpleUploadedFile("a.png", data, "image/png")
    refused(as_alice.put(url, {"image": file}, format="multipart"), 413, "REQ_003")
    assert files(media) == []


def test_too_many_pixels(as_alice, url):
    error = refused(put(as_alice, url, picture(size=(5001, 5000), mode="1", colour=0)), 422, "VAL_005", "image")

    assert "2,500万" in error["details"][0]["reason"]


@pytest.mark.parametrize(
    ("language", "pixels"),
    [("en", f"{images.PIXELS // 1_000_000:,} million pixels"), ("ja", f"{images.PIXELS // 10_000:,}万画素")],
)
def test_the_limits_are_those_that_are_told(language, pixels):
    with override(language):
        of_a_file, of_pixels = str(checked.NOT_AN_IMAGE[1]), str(REASONS["too_many_pixels"][1])

    assert f"{images.MAXIMUM // 1024 // 1024} MB" in of_a_file
    assert pixels in of_a_file
    assert pixels in of_pixels


def test_of_a_node_in_the_trash(as_alice, node, url, media):
    trash.move_to_trash(node)

    refused(put(as_alice, url), 404, "RES_004")
    assert files(media) == []


def test_other_methods(as_alice, url):
    for method in ("get", "post", "patch"):
        refused(getattr(as_alice, method)(url), 405, "REQ_001")


def test_the_file_goes_with_the_node(as_alice, node, url, media, django_capture_on_commit_callbacks):
    put(as_alice, url)

    with django_capture_on_commit_callbacks(execute=True):
        Node.objects.get().delete()

    assert files(media) == []
