# Before prometheus_client, which it tells where to count.
from apps.core import metrics

# isort: split
import os
import shutil
import subprocess

import pytest
from django.http import HttpResponse
from django.urls import path
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families


def in_progress(request):
    return HttpResponse(sample("thinkring_requests_in_progress"))


def broken(request):
    raise RuntimeError("nobody thought of this")


urlpatterns = [path("in-progress/", in_progress), path("broken/", broken)]


@pytest.fixture(autouse=True)
def counted(settings):
    settings.MIDDLEWARE = ["apps.core.metrics.MetricsMiddleware", *settings.MIDDLEWARE]


@pytest.fixture(scope="module", autouse=True)
def folder():
    yield
    shutil.rmtree(metrics.FOLDER)


def served():
    """What Prometheus is sent."""
    return generate_latest(metrics.all_processes(workers=[])).decode()


def sample(name, **labels):
    families = text_string_to_metric_families(served())
    samples = [sample for family in families for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == name and sample.labels == labels)


def test_it_works(client):
    route = {"method": "GET", "route": "api/v1/health/"}
    before = sample("thinkring_requests_total", **route, status="200")

    for _ in range(3):
        client.get("/api/v1/health/")

    assert sample("thinkring_requests_total", **route, status="200") == before + 3
    assert sample("thinkring_request_duration_seconds_count", **route) == before + 3
    assert sample("thinkring_request_duration_seconds_bucket", **route, le="30.0") == before + 3
    assert 0 < sample("thinkring_request_duration_seconds_sum", **route) < 30


@pytest.mark.parametrize(
    ("address", "route", "status"),
    [
        ("/api/v1/projects/the-private-one/?q=private", "api/v1/projects/<str:pk>/", "401"),
        ("/api/v1/the-private-one/", "^api/", "404"),
        ("/the-private-one/", "none", "404"),
    ],
)
def test_an_address_is_counted_by_its_route(client, address, route, status):
    client.get(address)

    assert sample("thinkring_requests_total", method="GET", route=route, status=status) > 0
    assert "private" not in served()


def test_a_host_that_is_not_ours_is_counted(client):
    client.get("/api/v1/version/", headers={"Host": "evil.example.com"})

    assert sample("thinkring_requests_total", method="GET", route="none", status="400") > 0
    assert "evil" not in served()


def test_an_invented_method_is_no_label(client):
    client.generic("BREW", "/api/v1/version/")

    assert sample("thinkring_requests_total", method="other", route="api/v1/version/", status="405") > 0
    assert "BREW" not in served()


@pytest.mark.urls("apps.core.tests.test_metrics")
def test_what_is_in_progress(client):
    assert client.get("/in-progress/").content == b"1.0"
    assert sample("thinkring_requests_in_progress") == 0


@pytest.mark.urls("apps.core.tests.test_metrics")
def test_a_view_that_fails_is_a_500_and_no_longer_in_progress(client):
    client.raise_request_exception = False

    client.get("/broken/")

    assert sample("thinkring_requests_total", method="GET", route="broken/", status="500") == 1
    assert sample("thinkring_requests_in_progress") == 0


def test_the_memory_of_workers():
    gone = subprocess.Popen(["true"])
    gone.wait()

    assert metrics.memory_of(os.getpid()) > 1_000_000
    assert metrics.memory_of(gone.pid) == 0


@pytest.mark.parametrize(("port", "imported"), [("", "False"), ("9100", "True")])
def test_without_a_port_nothing_is_imported(manage, production, tmp_path, port, imported):
    code = "import sys, thinkring.wsgi; print('prometheus_client' in sys.modules)"

    done = manage("shell", "--no-imports", "--command", code, **production, METRICS_PORT=port, TMPDIR=str(tmp_path))

    assert done.stdout.strip() == imported, done.stderr
