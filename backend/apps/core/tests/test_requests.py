import json
import logging
import re

import pytest
from django.http import StreamingHttpResponse
from django.urls import path

from apps.core.logs import RequestIdFilter
from apps.core.requests import current_request_id

URL = "/api/v1/nothing/"


def broken():
    yield b"the beginning"
    raise RuntimeError("the rest is not to be had")


urlpatterns = [path("broken/", lambda request: StreamingHttpResponse(broken()))]


def test_it_works(client):
    """The id that nginx chose stands in the answer's header and body."""
    response = client.get(URL, headers={"X-Request-ID": "0123456789abcdef"})

    assert response["X-Request-ID"] == "0123456789abcdef"
    assert response.json()["error"]["request_id"] == "0123456789abcdef"


@pytest.mark.parametrize(
    "given", [None, "", "short", "x" * 65, "line\nbreak-0123", "<script>alert(1)</script>", "あああああああああ"]
)
def test_without_a_usable_id_it_makes_one(client, given):
    headers = {} if given is None else {"X-Request-ID": given}

    response = client.get(URL, headers=headers)

    assert re.fullmatch("[0-9a-f]{32}", response["X-Request-ID"])
    assert response.json()["error"]["request_id"] == response["X-Request-ID"]


def test_two_requests_have_two_ids(client):
    assert client.get(URL)["X-Request-ID"] != client.get(URL)["X-Request-ID"]


def test_every_line_of_the_log_has_the_id(client, caplog):
    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(RequestIdFilter())

    response = client.get(URL)

    assert {record.request_id for record in caplog.records} == {response["X-Request-ID"]}
    line = next(record for record in caplog.records if record.name == "thinkring.requests")
    assert line.getMessage() == f"GET {URL} 404"
    assert line.duration_ms >= 0


def test_health_is_not_logged(client, caplog):
    caplog.set_level(logging.INFO)

    client.get("/api/v1/health/")

    assert caplog.records == []


def test_the_query_is_not_logged(client, caplog):
    """It holds search words."""
    caplog.set_level(logging.INFO)

    client.get(f"{URL}?q=private")

    assert "private" not in json.dumps([record.getMessage() for record in caplog.records])


def test_between_two_requests_there_is_no_id(client):
    client.get(URL)

    assert current_request_id.get() == ""


@pytest.mark.urls("apps.core.tests.test_requests")
def test_the_log_of_an_answer_that_broke_off_has_its_id(client, caplog):
    """It is gunicorn that logs it, when Django has done with the request."""
    caplog.handler.addFilter(RequestIdFilter())
    response = client.get("/broken/")

    try:
        b"".join(response.streaming_content)
    except RuntimeError:
        logging.getLogger("gunicorn.error").exception("Error handling request")

    [line] = [record for record in caplog.records if record.name == "gunicorn.error"]
    assert line.request_id == response["X-Request-ID"]
