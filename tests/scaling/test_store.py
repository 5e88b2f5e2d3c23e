"""
Uploads and static files in a store: an image comes and goes through nginx and TLS as ever, and its volume may go.

The store is moto, which speaks as Amazon's does, on this machine; the containers find it at their bridge's gateway.
What its commands say and refuse is tested beside them: backend/apps/core/tests/test_store.py.
"""

import re
import time
import uuid

import pytest
import requests

from production import FRONT_ENDS, Stack, docker
from stack.answers import differences
from stack.conftest import PNG, bearer, check_error, put_media

from .store import Store, picture, uploaded

pytestmark = pytest.mark.torture
BUCKETS = {"MEDIA_BUCKET": "thinkring-uploads", "STATIC_BUCKET": "thinkring-static"}


@pytest.fixture(scope="module")
def store(engine):
    gateway = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}").strip()
    with Store(gateway, BUCKETS.values()) as store:
        store.open(BUCKETS["STATIC_BUCKET"])
        yield store


@pytest.fixture(scope="module")
def stack(store, tmp_path_factory):
    """An installation that has its files there."""
    stack = Stack(tmp_path_factory.mktemp("store") / "thinkring", FRONT_ENDS[-1].split())
    with stack.running(STATIC_URL=f"{store.address}/{BUCKETS['STATIC_BUCKET']}/static/", **store.settings, **BUCKETS):
        yield stack


@pytest.fixture
def image(stack):
    return uploaded(stack)


def names(store):
    return {file.key for file in store.bucket(BUCKETS["MEDIA_BUCKET"]).objects.all()}


def test_an_image_is_shown_as_from_the_volume(stack, image, store):
    response = stack.get(image, headers={"Cookie": "a=b", "Authorization": "Bearer nobody", "Range": "bytes=0-3"})

    assert response.status_code == 200
    assert response.content.startswith(b"\x89PNG")
    assert response.content.endswith(b"IEND\xaeB`\x82")
    assert differences(response, "an upload") == {}
    assert image.rpartition("/media/")[2] in names(store)
    assert stack.compose("exec", "-T", "backend", "find", "media", "-type", "f").stdout == ""


def test_what_a_browser_has_is_not_sent_again(stack, image):
    kept = stack.get(image).headers

    for condition in ({"If-None-Match": kept["ETag"]}, {"If-Modified-Since": kept["Last-Modified"]}):
        response = stack.get(image, headers=condition)
        assert (response.status_code, response.content) == (304, b"")
        assert "Content-Security-Policy" not in response.headers


def test_a_body_that_nobody_asked_for_holds_nothing_up(stack, image):
    began = time.monotonic()
    response = stack.request("GET", image, data=b"a" * 100)

    assert response.status_code == 200
    assert time.monotonic() - began < 5


def test_its_size_is_told_without_it(stack, image):
    response = stack.request("HEAD", image)

    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["Content-Length"]) == len(stack.get(image).content)


def test_no_other_method_and_no_other_file(stack, image, store):
    store.bucket(BUCKETS["MEDIA_BUCKET"]).put_object(Key="secret.png", Body=PNG)

    for path in ("secret.png", "nodes/none.png", "nodes/", "nodes/../secret.png"):
        response = stack.get(f"{stack.page}/media/{path}")
        check_error(response, 404, "RES_006")
        assert differences(response, "an error as JSON") == {}
    for method in ("POST", "PUT", "DELETE"):
        check_error(stack.request(method, image), 405, "REQ_001")


def test_nobody_gets_it_from_the_store_itself(stack, image, store):
    """nginx's address is signed, and nobody is told of it."""
    name = image.rpartition("/media/")[2]
    assert requests.get(f"{store.address}/{BUCKETS['MEDIA_BUCKET']}/{name}", timeout=10).status_code == 403
    code = f"from django.core.files.storage import default_storage as s; print(s.signed_address('{name}'))"
    told = stack.compose("exec", "-T", "backend", "python", "manage.py", "shell", "--no-imports", "-c", code).stdout

    assert told.startswith(f"{store.address}/{BUCKETS['MEDIA_BUCKET']}/{name}?X-Amz-Algorithm=AWS4-HMAC-SHA256")
    assert "X-Amz-Expires=60" in told
    assert "X-Stored-At" not in stack.get(image).headers


def test_the_volume_may_go(stack, image):
    content = stack.get(image).content

    stack.compose("rm", "--stop", "--force", "nginx", "backend")
    docker("volume", "rm", f"{stack.project}_media_files")
    stack.compose("up", "-d")
    stack.wait()

    assert stack.get(image).content == content


def test_what_was_there_before_moves_while_it_is_shown(stack, store):
    stack.compose("exec", "-T", "backend", "mkdir", "-p", "media/nodes")
    name = f"nodes/{uuid.uuid4().hex}.png"
    put_media(stack, name, PNG)
    before = stack.get(f"{stack.page}/media/{name}")

    said = stack.compose("exec", "-T", "backend", "python", "manage.py", "move_uploads").stdout

    assert said == (
        f"Moved 1 uploads ({len(PNG)} bytes) into the bucket {BUCKETS['MEDIA_BUCKET']}.\nNone is left in the volume.\n"
    )
    assert name in names(store)
    after = stack.get(f"{stack.page}/media/{name}")
    assert before.content == after.content == PNG
    assert differences(before, "an upload") == differences(after, "an upload") == {}


def test_static_files_come_from_the_bucket(stack, store):
    page = stack.get(f"{stack.page}/admin/login/")
    styles = re.findall(r'href="([^"]+\.css)"', page.text)

    assert f"style-src 'self' {store.address};" in page.headers["Content-Security-Policy"]
    assert styles
    for style in styles:
        response = requests.get(style, timeout=10)
        assert style.startswith(f"{store.address}/{BUCKETS['STATIC_BUCKET']}/static/")
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "text/css; charset=utf-8"
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        # As it was compressed when the image was built, and requests has unpacked it.
        assert response.headers["Content-Encoding"] == "gzip"
        assert "{" in response.text


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"MEDIA_BUCKET": "nobodys"}, "there is no bucket nobodys at http://"),
        ({"S3_ENDPOINT_URL": "http://store.invalid"}, "set S3_ENDPOINT_URL to the address of an S3-compatible store"),
        ({"S3_ENDPOINT_URL": "store:9000"}, "thinkRing cannot start: set S3_ENDPOINT_URL to an address"),
    ],
)
def test_a_store_that_is_none_stops_the_start(stack, wrong, sentence):
    options = [option for name, value in wrong.items() for option in ("-e", f"{name}={value}")]

    result = stack.compose("run", "--rm", "-T", "--no-deps", *options, "backend", check=False)

    assert result.returncode != 0
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_a_store_that_is_away(stack, image, store, figure):
    """Images are told to be away, and everything else goes on."""
    account = stack.register()
    headers = bearer(account["access"])
    node = stack.request("POST", f"{stack.api}/nodes/", json={"title": "ring"}, headers=headers).json()
    url = f"{stack.api}/nodes/{node['id']}/image/"
    store.stop()

    began = time.monotonic()
    shown = stack.get(image)
    sent = stack.request("PUT", url, data=picture(), headers=headers | {"Content-Type": "image/png"})
    figure("an image shown and one sent while the store is away, refused after", f"{time.monotonic() - began:.1f} s")

    check_error(shown, 503, "SRV_003")
    assert sent.status_code == 503
    assert sent.json()["error"]["code"] == "SRV_003"
    assert stack.get(f"{stack.api}/nodes/{node['id']}/", headers=headers).json()["image"] is None
