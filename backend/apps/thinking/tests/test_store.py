"""Images of nodes in a store: what people do with them is the same, and the store may be away."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.core.management import call_command
from rest_framework.test import APIClient

from apps.accounts import registration
from apps.thinking import images
from apps.thinking.models import Node
from apps.thinking.tests.test_api_exchange import exported, imported
from apps.thinking.tests.test_api_images import put
from apps.thinking.tests.test_images import picture
from conftest import refused

pytestmark = pytest.mark.usefixtures("buckets")


@pytest.fixture
def url(node):
    return f"/api/v1/nodes/{node.pk}/image/"


@pytest.fixture
def stored(as_alice, url, buckets):
    """The name of an image in the bucket."""
    put(as_alice, url)
    (name,) = buckets("default")
    return name


def browse(address):
    """As nginx asks."""
    return APIClient().get(address)


@pytest.mark.parametrize(("format", "type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_upload_and_show(as_alice, url, buckets, settings, format, type):
    address = put(as_alice, url, picture(format), type).json()["image"]

    ((name, content),) = buckets("default").items()
    assert address == f"/media/{name}"
    assert not settings.MEDIA_ROOT.exists()
    response = browse(address)
    assert response.status_code == 200
    assert (response["X-Accel-Redirect"], response["Content-Type"], response.content) == ("@store", type, b"")
    assert requests.get(response["X-Stored-At"], timeout=10).content == content


def test_the_admin_links_to_the_address_that_browsers_know(node, stored):
    node.refresh_from_db()

    assert node.image.url == f"/media/{stored}"


def test_the_address_of_the_store_is_signed_and_soon_no_more_worth(stored, s3):
    address = browse(f"/media/{stored}")["X-Stored-At"]

    assert address.startswith(f"{s3}/uploads/{stored}?")
    query = parse_qs(urlsplit(address).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-SignedHeaders"] == ["host"]


@pytest.mark.parametrize(
    "name",
    ["", "nodes/", "config", "nodes/a.html", "nodes/a.png/", "nodes/../secret.png", "nodes/a/b.png", "static/a.png"],
)
def test_nothing_else_of_a_bucket_is_shown(name):
    refused(browse(f"/media/{name}"), 404, "RES_006")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_is_only_shown(stored, buckets, method):
    refused(getattr(APIClient(), method)(f"/media/{stored}"), 405, "REQ_001")
    assert set(buckets("default")) == {stored}


def test_without_a_store_there_is_nothing_but_the_volume(settings, stored):
    settings.MEDIA_BUCKET = ""

    refused(browse(f"/media/{stored}"), 404, "RES_006")


def test_another_image_and_none(as_alice, url, stored, buckets, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        put(as_alice, url)
    (second,) = buckets("default")
    assert second != stored
    with django_capture_on_commit_callbacks(execute=True):
        as_alice.delete(url)

    assert buckets("default") == {}


def test_the_file_goes_with_the_account(alice, stored, buckets, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        registration.delete_account(alice)

    assert buckets("default") == {}


def test_a_write_that_fails_leaves_no_file(as_alice, url, buckets, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("apps.core.models.models.Model.save_base", fail)

    refused(put(as_alice, url), 500, "SRV_001")
    assert buckets("default") == {}


@pytest.mark.parametrize("form", ["json", "obsidian"])
def test_export_and_import(as_alice, as_bob, bob, stored, buckets, form):
    imported(as_bob, exported(as_alice, form), "application/json" if form == "json" else "application/zip")

    found = Node.objects.get(owner=bob)
    files = buckets("default")
    assert str(found.image) != stored
    assert set(files) == {stored, str(found.image)}
    assert files[stored] == files[str(found.image)]


def test_the_files_of_an_import_that_failed(as_alice, as_bob, stored, buckets):
    export = json.loads(exported(as_alice))
    export["links"] = [{"from": "nonsense", "to": "nonsense"}]

    response = imported(as_bob, json.dumps(export).encode())

    assert response.status_code == 422
    assert set(buckets("default")) == {stored}


def test_an_image_whose_file_is_gone_is_left_out_of_the_export(as_alice, node, stored):
    node.refresh_from_db()
    node.image.storage.delete(stored)

    assert json.loads(exported(as_alice))["projects"][0]["nodes"][0]["image"] is None


def test_an_image_of_before_the_store(as_alice, node, url, buckets, settings, django_capture_on_commit_callbacks):
    """Its file is in the volume, from where nginx shows it, until it is moved."""
    with_store = settings.STORAGES
    settings.STORAGES = {**with_store, "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}}
    address = put(as_alice, url).json()["image"]
    settings.STORAGES = with_store
    assert buckets("default") == {}
    before = json.loads(exported(as_alice))["projects"][0]["nodes"][0]["image"]

    call_command("move_uploads")

    assert before is not None
    assert json.loads(exported(as_alice))["projects"][0]["nodes"][0]["image"] == before
    assert requests.get(browse(address)["X-Stored-At"], timeout=10).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        as_alice.delete(url)
    assert buckets("default") == {}


def test_an_upload_while_the_store_is_away(as_alice, node, url, store_is_away):
    store_is_away()

    response = put(as_alice, url)

    refused(response, 503, "SRV_003")
    assert response["Retry-After"] == "5"
    node.refresh_from_db()
    assert not node.image


def test_what_is_deleted_while_the_store_is_away_is_named_in_the_log(
    as_alice, node, url, stored, store_is_away, caplog, django_capture_on_commit_callbacks
):
    """The change is made, and an operator can delete the file."""
    store_is_away()

    with django_capture_on_commit_callbacks(execute=True):
        response = as_alice.delete(url)

    assert response.status_code == 200
    assert f"nothing names the upload {stored} any more, and the store did not delete it" in caplog.text


def test_an_address_is_signed_without_asking_the_store(stored, store_is_away):
    store_is_away()

    assert browse(f"/media/{stored}").status_code == 200


def test_a_large_image_arrives_whole(as_alice, url, buckets):
    put(as_alice, url, picture(size=(images.SIDE, images.SIDE)))

    ((_name, content),) = buckets("default").items()
    assert content.startswith(b"\x89PNG")
    assert content.endswith(b"IEND\xaeB`\x82")
