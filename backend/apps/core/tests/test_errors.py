import json
import re

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from django.urls import include, path, re_path
from django.utils.translation import override
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from apps.core import errors
from apps.core.errors import KINDS, ApiError, RuleBroken, invalid
from apps.core.views import OpenView, unknown_route
from conftest import refused
from thinkring.wsgi import application

CASES = {
    "not_authenticated": (exceptions.NotAuthenticated(), 401, "AUTH_001"),
    "authentication_failed": (exceptions.AuthenticationFailed(), 401, "AUTH_002"),
    "permission": (exceptions.PermissionDenied(), 403, "AUTH_005"),
    "django_permission": (PermissionDenied(), 403, "AUTH_005"),
    "invalid": (invalid("title", "Bad."), 422, "VAL_002"),
    "parse": (exceptions.ParseError("Bad."), 400, "VAL_002"),
    "not_found": (exceptions.NotFound(), 404, "RES_001"),
    "django_not_found": (Http404(), 404, "RES_001"),
    "media_type": (exceptions.UnsupportedMediaType("text/plain"), 415, "REQ_002"),
    "too_big": (RequestDataTooBig(), 413, "REQ_003"),
    "too_many": (TooManyFieldsSent(), 400, "VAL_002"),
    "rule": (RuleBroken("Not now."), 400, "BIZ_001"),
    "conflict": (ApiError("BIZ_002", current={"id": "x"}), 409, "BIZ_002"),
    "throttled": (exceptions.Throttled(wait=2.5), 429, "SRV_004"),
    "operational": (OperationalError("gone"), 503, "SRV_002"),
    "interface": (InterfaceError("gone"), 503, "SRV_002"),
    "data": (DataError("out of range"), 422, "VAL_002"),
    "bug": (KeyError("the secret of the house"), 500, "SRV_001"),
    "maintenance": (ApiError("SRV_003"), 503, "SRV_003"),
}


class FailingView(OpenView):
    not_found_code = "RES_001"

    def get(self, request, case):
        raise CASES[case][0]


class EchoSerializer(serializers.Serializer):
    title = serializers.CharField(max_length=5, min_length=2)
    kind = serializers.ChoiceField(choices=["a", "b"], default="a")
    items = serializers.ListField(child=serializers.DictField(child=serializers.CharField()), default=list)


class EchoView(OpenView):
    def post(self, request):
        serializer = EchoSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.data)


def broken(request):
    """Not one of DRF's views."""
    raise KeyError("the secret of the house")


urlpatterns = [
    path("api/v1/", include("apps.core.urls")),
    path("api/fail/<case>/", FailingView.as_view()),
    path("api/echo/", EchoView.as_view()),
    path("api/broken/", broken),
    path("api/fine/", lambda request: HttpResponse("fine")),
    re_path("^api/", unknown_route),
]
handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def client(client):
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("case", CASES)
def test_it_works(client, case):
    _exception, status, code = CASES[case]

    refused(client.get(f"/api/fail/{case}/"), status, code)


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("path", ["fail/bug", "broken"])
def test_a_bug_shows_nothing_of_the_inside(client, settings, debug, path):
    settings.DEBUG = debug and path == "fail/bug"

    response = client.get(f"/api/{path}/")

    refused(response, 500, "SRV_001")
    assert "secret" not in response.content.decode()
    assert "Traceback" not in response.content.decode()


def test_a_bug_is_logged_with_its_traceback(client, caplog):
    client.get("/api/fail/bug/")

    record = next(record for record in caplog.records if record.name == "thinkring.errors")
    assert record.exc_info[0] is KeyError


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("path", ["nothing", "nothing/", "v1/nothing/", "v1/projects/0123456789x/", "%ff/", "%00"])
@pytest.mark.parametrize("method", ["get", "post", "delete", "options"])
def test_an_unknown_route(client, settings, debug, path, method):
    settings.DEBUG = debug

    refused(getattr(client, method)(f"/api/{path}"), 404, "RES_006")


def test_a_wrong_method(client):
    response = client.delete("/api/echo/")

    refused(response, 405, "REQ_001")
    assert response["Allow"] == "POST, OPTIONS"


def test_a_host_that_is_not_ours(client, settings, caplog):
    """The operator, who may have forgotten it, is told once; robots do not fill the log."""
    settings.ALLOWED_HOSTS = ["thinkring.example.com"]

    for _ in range(2):
        response = client.get("/api/fine/", headers={"Host": "evil.example.com", "Accept-Language": "en"})
        refused(response, 400, "VAL_002")

    message = response.json()["error"]["message"]
    assert message == "This server does not answer to this host name (ALLOWED_HOSTS)."
    warned = [record.getMessage() for record in caplog.records if record.name == "thinkring.errors"]
    assert warned == ["host 'evil.example.com' is not in ALLOWED_HOSTS"]


def test_401_says_how_to_authenticate(client):
    assert client.get("/api/fail/not_authenticated/")["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("case", ["throttled", "operational", "interface"])
def test_when_to_try_again(client, case):
    assert int(client.get(f"/api/fail/{case}/")["Retry-After"]) >= 3


def test_a_conflict_brings_the_object_as_it_is(client):
    assert client.get("/api/fail/conflict/").json()["error"]["current"] == {"id": "x"}


def test_a_rule_says_which(client):
    assert client.get("/api/fail/rule/").json()["error"]["message"] == "Not now."


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        ({}, "VAL_001", "title"),
        ({"title": None}, "VAL_001", "title"),
        ({"title": ""}, "VAL_001", "title"),
        ({"title": "  "}, "VAL_001", "title"),
        ({"title": ["x"]}, "VAL_002", "title"),
        ({"title": "a\0b"}, "VAL_002", "title"),
        ({"title": "ab\ud800"}, "VAL_002", "title"),
        ({"title": "abcdef"}, "VAL_003", "title"),
        ({"title": "x" * 2**20}, "VAL_003", "title"),
        ({"title": "a"}, "VAL_004", "title"),
        ({"title": "abc", "kind": "c"}, "VAL_005", "kind"),
        ({"title": "abc", "items": [{"text": "x"}, {"text": []}]}, "VAL_002", "items.1.text"),
        ({"title": "abc", "items": [{"\ud800": []}]}, "VAL_002", "items.0.?"),
        ([], "VAL_002", ""),
        ("text", "VAL_002", ""),
        (None, "VAL_001", ""),
    ],
)
def test_what_is_the_matter_with_each_field(client, data, code, field):
    response = client.generic("POST", "/api/echo/", json.dumps(data), content_type="application/json")

    body = refused(response, 422, code)
    assert body["details"][0]["field"] == field
    assert body["details"][0]["reason"]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"",
        b"{'title': 1}",
        b'{"title": NaN}',
        b'{"title": ' + b"9" * 5000 + b"}",
        b'\xef\xbb\xbf{"title": "abc"}',
        b'{"title": "\xff"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_a_body_that_is_no_json(client, content):
    response = client.generic("POST", "/api/echo/", content, content_type="application/json")

    if content:
        body = refused(response, 400, "VAL_002")
        assert len(body["details"]) == 1
    else:
        refused(response, 422, "VAL_001")


def test_where_json_breaks_off(client):
    content = '{"title": "abc",\n "kind"}'

    response = client.generic("POST", "/api/echo/", content, content_type="application/json", HTTP_ACCEPT_LANGUAGE="en")

    assert response.json()["error"]["details"] == [
        {"field": "", "reason": "This is not JSON from line 2, column 8 on."}
    ]


def test_a_body_that_is_too_large(client):
    content = b'{"title": "' + b"x" * (10 * 1024 * 1024) + b'"}'

    refused(client.generic("POST", "/api/echo/", content, content_type="application/json"), 413, "REQ_003")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x", "x" * 999],
)
def test_a_wrong_content_type(client, content_type):
    refused(client.generic("POST", "/api/echo/", '{"title": "abc"}', content_type=content_type), 415, "REQ_002")


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "utf-16", "zlib", "rot13", "nonsense", "undefined"])
def test_a_charset_changes_nothing(rf, db, charset):
    """Through the WSGI application: the test client makes its requests by itself."""
    body = '{"title": "思考"}'.encode()
    environ = rf.generic("POST", "/api/echo/?page=1", body).environ
    environ["CONTENT_TYPE"] = f"application/json; charset={charset}"
    statuses = []

    answer = b"".join(application(environ, lambda status, headers: statuses.append(status)))

    assert statuses == ["200 OK"]
    assert json.loads(answer)["title"] == "思考"


@pytest.mark.parametrize("accept", ["text/html", "image/png", "application/xml;q=0.9", "nonsense", ",;,", "a/" * 9000])
def test_a_format_that_there_is_not(client, accept):
    response = client.post("/api/echo/", {"title": "abc"}, format="json", headers={"Accept": accept})

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    refused(client.get("/api/fail/bug/", headers={"Accept": accept}), 500, "SRV_001")


def test_a_format_in_the_query(client):
    refused(client.get("/api/fail/conflict/?format=xml"), 409, "BIZ_002")


def test_errors_are_json_whatever_the_view_answers_in(client):
    refused(client.post("/api/v1/schema/"), 405, "REQ_001")
    refused(client.post("/api/v1/docs/"), 405, "REQ_001")


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ("ja", "このプロジェクトは見つかりません。削除された可能性があります。"),
        ("ja-JP,ja;q=0.9,en;q=0.8", "このプロジェクトは見つかりません。削除された可能性があります。"),
        ("en-GB,en;q=0.9", "This project is not there. It may have been deleted."),
        ("fr, en;q=0.5", "This project is not there. It may have been deleted."),
        ("fr", "このプロジェクトは見つかりません。削除された可能性があります。"),
        (None, "このプロジェクトは見つかりません。削除された可能性があります。"),
        ("\x7f;q=q, ,", "このプロジェクトは見つかりません。削除された可能性があります。"),
    ],
)
def test_the_language_of_the_message(client, language, message):
    headers = {} if language is None else {"Accept-Language": language}

    assert client.get("/api/fail/not_found/", headers=headers).json()["error"]["message"] == message


@pytest.mark.parametrize("code", KINDS)
def test_each_message_in_both_languages(code):
    with override("en"):
        english = str(KINDS[code].message)
    with override("ja"):
        japanese = str(KINDS[code].message)

    assert english.isascii()
    assert re.search("[ぁ-ん]", japanese)


def test_people_in_the_admin_get_pages(rf):
    request = rf.get("/admin/nothing/")

    for handler, status in ((errors.bad_request, 400), (errors.forbidden, 403), (errors.not_found, 404)):
        response = handler(request, Http404())
        assert (response.status_code, response["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert errors.server_error(request).status_code == 500
