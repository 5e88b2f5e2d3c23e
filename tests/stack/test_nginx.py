"""
What comes back through nginx and TLS: redirects, headers on every location, files, both names, one request's id
everywhere, and nginx's own errors in the shape of the API.
"""

import concurrent.futures
import json
import re
import subprocess
import time

import pytest

from .conftest import bearer
from .test_first_start import admin_style

SECURITY = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
}
# One transparent pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc33"
    "0000000049454e44ae426082"
)


def values(response, name):
    """Each header of that name for itself; requests would join them."""
    return response.raw.headers.getlist(name)


def chunk(stack):
    """The address of one of the page's scripts."""
    return re.search(r"/_app/immutable/entry/start\.[\w-]+\.js", stack.get(f"{stack.page}/").text)[0]


def put_media(stack, name, content):
    """Writes an upload as the backend would."""
    subprocess.run(
        [*stack.front_end, "-f", "docker-compose.prod.yml", "exec", "-T", "backend", "sh", "-c", f"cat >media/{name}"],
        cwd=stack.folder, input=content, check=True,
    )  # fmt: skip


def check_error(response, status, code, kind):
    """The API's error shape, as nginx says it."""
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    error = response.json()["error"]
    assert set(error) == {"code", "type", "message", "details", "request_id", "timestamp"}
    assert (error["code"], error["type"]) == (code, kind)
    assert error["request_id"] == response.headers["X-Request-ID"]
    return error


def test_tls_of_today_only(stack):
    def handshake(version):
        return subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{stack.ports['https']}", "-servername", "thinkring.test",
             "-CAfile", stack.certificate, "-verify_return_error", version],
            stdin=subprocess.DEVNULL, capture_output=True,
        ).returncode  # fmt: skip

    assert handshake("-tls1_2") == 0
    assert handshake("-tls1_3") == 0
    assert handshake("-tls1_1") != 0


def test_http2(stack):
    version = subprocess.run(
        ["curl", "-sS", "--cacert", stack.certificate, "--connect-to", f"::127.0.0.1:{stack.ports['https']}",
         "-o", "/dev/null", "-w", "%{http_version}", f"{stack.page}/"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip

    assert version == "2"


@pytest.mark.parametrize("host", ["thinkring.test", "api.thinkring.test"])
def test_plain_http_is_redirected_to_the_same_host(stack, host):
    response = stack.get(f"http://{host}/projects/?status=active")

    assert response.status_code == 301
    assert response.headers["Location"] == f"https://{host}/projects/?status=active"


def test_a_certificate_challenge_is_not_redirected(stack):
    challenge = stack.folder / "nginx" / "acme" / ".well-known" / "acme-challenge" / "token"
    challenge.parent.mkdir(parents=True)
    challenge.write_text("token.key")

    for host in ["thinkring.test", "api.thinkring.test"]:
        assert stack.get(f"http://{host}/.well-known/acme-challenge/token").text == "token.key"
        assert stack.get(f"http://{host}/.well-known/acme-challenge/other").status_code == 404


def test_security_headers_on_every_location(stack):
    put_media(stack, "headers.png", PNG)
    for path, status in [
        ("/", 200),
        ("/no/such/page", 404),
        (chunk(stack), 200),
        ("/_app/immutable/missing.js", 404),
        (admin_style(stack), 200),
        ("/static/missing.css", 404),
        ("/media/headers.png", 200),
        ("/media/missing.png", 404),
        ("/api/v1/health/", 200),
        ("/api/v1/missing/", 404),
        ("/admin/login/", 200),
    ]:
        response = stack.get(f"{stack.page}{path}")

        assert response.status_code == status, path
        for name, value in SECURITY.items():
            assert values(response, name) == [value], f"{path}: {name}"
        for name in ["Referrer-Policy", "Cross-Origin-Opener-Policy", "Permissions-Policy", "X-Request-ID"]:
            assert len(values(response, name)) == 1, f"{path}: {name}"
        assert response.headers["Server"] == "nginx"


def test_the_pages_of_django_have_one_policy(stack):
    paths = ["/api/v1/docs/", "/api/v1/missing/", "/admin/login/"]
    policies = [values(stack.get(f"{stack.page}{path}"), "Content-Security-Policy") for path in paths]

    assert policies == [policies[0]] * len(paths)
    assert len(policies[0]) == 1
    assert policies[0][0].startswith("default-src 'none'; script-src 'self'; ")


def test_health_byte_for_byte_on_both_hosts(stack):
    for host in ["thinkring.test", "api.thinkring.test"]:
        assert stack.get(f"https://{host}/api/v1/health/").content == b'{"status": "healthy"}'


def test_version(stack):
    changelog = (stack.folder / "CHANGELOG.md").read_text()
    latest = re.search(r"^## (\S+)", changelog, re.M)[1]
    assert stack.get(f"{stack.api}/version/").json() == {"version": latest, "commit": "unknown"}


def test_a_static_file_of_django(stack):
    response = stack.get(f"{stack.page}{admin_style(stack)}")

    assert response.status_code == 200
    assert values(response, "Cache-Control") == ["max-age=2592000", "public, immutable"]
    assert response.headers["Content-Encoding"] == "gzip"


def test_a_chunk_of_the_page(stack):
    response = stack.get(f"{stack.page}{chunk(stack)}")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/javascript"
    assert values(response, "Cache-Control") == ["public, max-age=31536000, immutable"]
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Vary"] == "Accept-Encoding"


def test_a_missing_chunk_is_a_plain_404(stack):
    response = stack.get(f"{stack.page}/_app/immutable/chunks/missing.js")

    assert response.status_code == 404
    assert "Cache-Control" not in response.headers
    assert "thinkRing" not in response.text


def test_the_icon_that_browsers_ask_for_by_themselves(stack):
    response = stack.get(f"{stack.page}/favicon.ico")

    assert response.status_code == 301
    assert stack.get(response.headers["Location"]).headers["Content-Type"] == "image/svg+xml"


def test_the_page_is_asked_for_again(stack):
    response = stack.get(f"{stack.page}/")

    assert response.headers["Content-Type"].startswith("text/html")
    assert response.headers["Cache-Control"] == "no-cache"
    again = stack.get(f"{stack.page}/", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_the_page_knows_the_address_of_the_api(stack):
    response = stack.get(f"{stack.page}/")

    assert stack.api in response.text
    assert re.search(r"connect-src [^;]*https://api\.thinkring\.test", response.headers["Content-Security-Policy"])


def test_an_upload_is_shown_but_never_run(stack):
    put_media(stack, "picture.png", PNG)
    put_media(stack, "page.html", b"<script>alert(1)</script>")

    picture = stack.get(f"{stack.page}/media/picture.png")
    page = stack.get(f"{stack.page}/media/page.html")

    assert picture.content == PNG
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.headers["Cache-Control"] == "max-age=604800"
    assert "Content-Disposition" not in picture.headers
    assert page.headers["Content-Type"] == "application/octet-stream"
    for response in [picture, page]:
        assert "sandbox" in response.headers["Content-Security-Policy"]


def test_an_unknown_route_of_the_api(stack):
    response = stack.get(f"{stack.api}/nothing/here/", headers={"Accept-Language": "en"})

    assert response.status_code == 404
    error = response.json()["error"]
    assert error["code"] == "RES_006"
    assert error["request_id"] == response.headers["X-Request-ID"]


def test_one_id_in_header_body_and_both_logs(stack):
    response = stack.get(f"{stack.api}/nothing/here/?q=secret", headers={"X-Request-ID": "the-clients-own-id"})

    request_id = response.headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", request_id)
    assert response.json()["error"]["request_id"] == request_id

    (by_nginx,) = entries(stack, "nginx", request_id)
    assert by_nginx["request"] == "GET /api/v1/nothing/here/"
    assert by_nginx["host"] == "api.thinkring.test"
    assert by_nginx["status"] == 404
    assert by_nginx["upstream_status"] == "404"
    by_django = entries(stack, "backend", request_id)
    assert "GET /api/v1/nothing/here/ 404" in [entry["message"] for entry in by_django]
    assert "secret" not in stack.logs("nginx")


def entries(stack, service, request_id):
    """What a service logged about one request; both write after the answer, so it may take a moment."""
    for _ in range(20):
        found = [json.loads(line) for line in stack.logs(service).splitlines() if request_id in line]
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{service} logged nothing about {request_id}")


def test_too_large(stack):
    response = stack.request(
        "POST",
        f"{stack.api}/auth/login/",
        data=b" " * (50 * 1024 * 1024 + 1),
        headers={"Content-Type": "application/json", "Accept-Language": "en-GB,en;q=0.9,ja;q=0.8"},
    )

    error = check_error(response, 413, "REQ_003", "request_error")
    assert error["message"] == "The request is too large. At most 50 MB can be sent."


def test_the_version_of_a_compressed_answer_can_be_sent_back(stack, account):
    headers = bearer(account["access"])
    project = stack.request("POST", f"{stack.api}/projects/", json={"title": "a"}, headers=headers).json()
    (round_,) = stack.get(f"{stack.api}/projects/{project['id']}/rounds/", headers=headers).json()["results"]
    step = stack.get(f"{stack.api}/rounds/{round_['id']}/steps/", headers=headers).json()["results"][0]
    url, body = f"{stack.api}/steps/{step['id']}/", {"content": {"theme": "改善" * 1000}}
    stack.request("PATCH", url, json=body, headers=headers)

    read = stack.get(url, headers=headers)
    written = stack.request("PATCH", url, json=body, headers=headers | {"If-Match": read.headers["ETag"]})

    assert read.headers["Content-Encoding"] == "gzip"
    assert written.status_code == 200


def test_a_large_title_reaches_django(stack):
    response = stack.request("POST", f"{stack.api}/auth/login/", json={"username": "a" * 1_000_000, "password": "b"})

    assert response.status_code == 422
    assert response.json()["error"]["code"] == "VAL_003"


def test_a_method_that_nginx_refuses(stack):
    check_error(stack.request("TRACE", f"{stack.api}/projects/"), 405, "REQ_001", "request_error")


def test_an_address_that_is_too_long(stack):
    check_error(stack.get(f"{stack.api}/{'a' * 40_000}/"), 414, "REQ_003", "request_error")


def test_headers_that_are_too_large(stack):
    response = stack.get(f"{stack.api}/projects/", headers={"X-Padding": "a" * 40_000})

    check_error(response, 431, "REQ_003", "request_error")


def curl(stack, url, *arguments):
    """Status and type of an answer, over HTTP/2: that takes longer headers than HTTP/1.1 and knows less of bad ones."""
    return subprocess.run(
        ["curl", "-sS", "--path-as-is", "--cacert", stack.certificate, "-o", "/dev/null",
         "--connect-to", f"::127.0.0.1:{stack.ports['https']}", "-w", "%{http_code} %{content_type}", url, *arguments],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


@pytest.mark.parametrize("path", ["/api/v1/%00", "/api/%zz"])
def test_an_address_that_cannot_be_decoded(stack, path):
    for version in ["--http2", "--http1.1"]:
        assert curl(stack, f"{stack.page}{path}", version) == "400 application/json"


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {"X-Padding": "a" * 9000}),
        ("a" * 9000, {}),
        ("", {f"X-{number}": "a" for number in range(120)}),
        ("", {f"X-{number}": "a" * 5000 for number in range(4)}),
    ],
)
def test_what_nginx_lets_through_nobody_behind_it_refuses(stack, query, headers):
    arguments = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]

    assert curl(stack, f"{stack.api}/health/?{query}", *arguments) == "200 application/json"
    assert curl(stack, f"{stack.page}/?{query}", *arguments) == "200 text/html"


def test_a_malformed_request(stack):
    response = stack.get(f"{stack.api}/projects/", headers={"Host": "not a name"})

    error = check_error(response, 400, "VAL_002", "validation_error")
    assert error["message"] == "リクエストの形式が正しくありません。"


@pytest.mark.parametrize(
    ("wanted", "language"),
    [("", "ja"), ("ja", "ja"), ("en", "en"), ("ja,en;q=0.5", "ja"), ("fr-FR, en;q=0.7, ja;q=0.3", "en"), ("de", "ja")],
)
def test_nginx_speaks_the_language_that_is_asked_for(stack, wanted, language):
    response = stack.request("TRACE", f"{stack.api}/projects/", headers={"Accept-Language": wanted})

    assert response.json()["error"]["message"].isascii() == (language == "en")


def test_the_page_may_read_nginxs_own_errors(stack):
    def origin(value):
        return stack.request("TRACE", f"{stack.api}/projects/", headers={"Origin": value}).headers

    page = origin("https://thinkring.test")
    assert page["Access-Control-Allow-Origin"] == "https://thinkring.test"
    assert page["Access-Control-Allow-Credentials"] == "true"
    assert "Retry-After" in page["Access-Control-Expose-Headers"]
    for stranger in ["https://thinkring.test.evil.test", "http://thinkring.test", "https://evil.test"]:
        assert "Access-Control-Allow-Origin" not in origin(stranger)


def test_a_spoofed_address_is_only_appended_to(stack):
    response = stack.get(f"{stack.api}/nothing/", headers={"X-Forwarded-For": "203.0.113.7"})

    (entry,) = entries(stack, "nginx", response.headers["X-Request-ID"])
    assert entry["address"] != "203.0.113.7"


def test_a_flood_is_refused_but_never_health(stack):
    def flood(path, requests):
        """So many requests as fast as they go, a hundred at once."""
        # HTTP/1.1: a parallel curl fails when nginx ends an HTTP/2 connection after its thousand requests.
        result = subprocess.run(
            ["curl", "-sS", "--http1.1", "--parallel", "--parallel-max", "100", "--cacert", stack.certificate,
             "--connect-to", f"::127.0.0.1:{stack.ports['https']}", "-o", "/dev/null",
             "-w", "%{http_code} %header{retry-after} %{content_type}\n", f"{stack.page}{path}?[1-{requests}]"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return set(result.stdout.splitlines())

    assert flood("/api/v1/health/", 600) == {"200  application/json"}
    # So many that a busy machine, which sends them slowly, is refused too.
    assert flood("/_app/immutable/none.js", 3000) == {"404  text/html", "429 1 text/html; charset=utf-8"}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        flooded = pool.submit(flood, "/_app/immutable/none.js", 3000)
        while not flooded.done():
            response = stack.get(f"{stack.api}/nothing/")
            if response.status_code == 429:
                error = check_error(response, 429, "SRV_004", "server_error")
                assert response.headers["Retry-After"] == "1"
                assert "入力した内容は失われていません" in error["message"]
                return
    pytest.fail("the API was never refused")
