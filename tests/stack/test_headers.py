"""Every header of every kind of answer (answers.py), what Mozilla's table makes of them, and what hashes are worth."""

import base64
import hashlib
import re

import pytest

from .answers import differences
from .conftest import PNG, admin_style, bearer, check_error, chunk, put_media, without
from .observatory import grade

# nginx is the same, whoever starts it.
FRONT_ENDS = ["docker compose"]
PAGE, API = "https://thinkring.test", "https://api.thinkring.test/api/v1"
FOREIGN = {"Origin": "https://elsewhere.example.org"}
OWN = {"Origin": PAGE}

# Those that need nothing but a request.
REQUESTS = {
    "a page": ("GET", f"{PAGE}/", {}, 200),
    "no such page": ("GET", f"{PAGE}/no/such/page", {}, 404),
    "a page by its address with a slash": ("GET", f"{PAGE}/trash/", {}, 308),
    "a method that a page does not take": ("POST", f"{PAGE}/", {}, 405),
    "the icon": ("GET", f"{PAGE}/favicon.svg", {}, 200),
    "the icon's other name": ("GET", f"{PAGE}/favicon.ico", {}, 301),
    "the manifest": ("GET", f"{PAGE}/manifest.webmanifest", {}, 200),
    "the service worker": ("GET", f"{PAGE}/service-worker.js", {}, 200),
    "health": ("GET", f"{API}/health/", {}, 200),
    "an answer of the API": ("GET", f"{API}/version/", {}, 200),
    "a preflight": (
        "OPTIONS", f"{API}/projects/", {"headers": {"Origin": PAGE, "Access-Control-Request-Method": "POST"}}, 204,
    ),
    "an unknown route of the API": ("GET", f"{API}/missing/", {}, 404),
    "without a token": ("GET", f"{API}/projects/", {}, 401),
    "a method that the API does not take": ("DELETE", f"{API}/version/", {}, 405),
    "a value that is not allowed": ("POST", f"{API}/auth/login/", {"json": {}}, 422),
    "the API's schema": ("GET", f"{API}/schema/", {}, 200),
    "the API's documentation": ("GET", f"{API}/docs/", {}, 200),
    "whom to tell of a hole": ("GET", f"{PAGE}/.well-known/security.txt", {}, 200),
    "the admin's log-in": ("GET", f"{PAGE}/admin/login/", {}, 200),
    "the admin, not logged in": ("GET", f"{PAGE}/admin/", {}, 302),
    # Whatever host is named: the address that it leads to has none.
    "the admin by its address without a slash": ("GET", f"{PAGE}/admin", {"headers": {"Host": "evil.test"}}, 301),
}  # fmt: skip

# nginx's own: the request, the status and the code that goes with it, and as what.
ERRORS = [
    ("GET", f"{PAGE}/_app/immutable/missing.js", {}, 404, "", "an error as a page"),
    ("TRACE", f"{PAGE}/", {}, 405, "", "an error as a page"),
    ("GET", f"{PAGE}/?{'a' * 40_000}", {}, 414, "", "an error as a page"),
    ("GET", f"{API}/{'a' * 40_000}/", {}, 414, "REQ_003", "an error as JSON"),
    ("GET", f"{PAGE}/static/missing.css", {}, 404, "RES_006", "an error as JSON"),
    ("GET", f"{PAGE}/media/missing.png", {}, 404, "RES_006", "an error as JSON"),
    ("GET", f"{API}/projects/", {"headers": {"Host": "not a name"}}, 400, "VAL_002", "an error as JSON"),
    ("TRACE", f"{API}/projects/", {}, 405, "REQ_001", "an error as JSON"),
    ("TRACE", f"{API}/projects/", {"headers": OWN}, 405, "REQ_001", "an error as JSON that the page may read"),
    ("TRACE", f"{API}/projects/", {"headers": FOREIGN}, 405, "REQ_001", "an error as JSON"),
    ("POST", f"{PAGE}/", {"data": b" " * 20_000}, 413, "", "an error as a page"),
    ("POST", f"{API}/auth/login/", {"data": b" " * (10 * 1024 * 1024 + 1)}, 413, "REQ_003", "an error as JSON"),
    ("POST", f"{API}/account/import/", {"data": b"{}"}, 401, "AUTH_001", "an import without a token"),
    ("GET", f"{API}/projects/", {"headers": {"X-Padding": "a" * 40_000}}, 431, "REQ_003", "an error as JSON"),
]


@pytest.mark.parametrize("answer", REQUESTS)
def test_it_has_these_headers_and_no_others(stack, answer):
    method, url, arguments, status = REQUESTS[answer]

    response = stack.request(method, url, **arguments)

    assert response.status_code == status
    assert differences(response, answer) == {}


@pytest.mark.parametrize(
    ("method", "url", "arguments", "status", "code", "answer"),
    ERRORS,
    ids=[f"{error[0]}-{error[3]}" for error in ERRORS],
)
def test_errors_of_nginx(stack, method, url, arguments, status, code, answer):
    response = stack.request(method, url, **arguments)

    assert response.status_code == status
    if code:
        check_error(response, status, code)
    assert differences(response, answer) == {}


def test_files(stack):
    chunk_of_page, style = f"{PAGE}{chunk(stack)}", f"{PAGE}{admin_style(stack)}"
    kept = stack.get(style, headers={"If-Modified-Since": stack.get(style).headers["Last-Modified"]})
    other = {"If-Match": '"another version"'}

    assert differences(stack.get(chunk_of_page), "a chunk") == {}
    assert differences(stack.get(style), "a static file") == {}
    assert kept.status_code == 304
    assert differences(kept, "a static file that is not newer") == {}
    check_error(stack.get(style, headers=other), 412, "BIZ_002")
    assert differences(stack.get(style, headers=other), "an error as JSON") == {}
    assert stack.get(chunk_of_page, headers=other).status_code == 412
    assert differences(stack.get(chunk_of_page, headers=other), "an error as a page") == {}


def test_uploads_are_shown_and_never_run(stack):
    put_media(stack, "headers.png", PNG)
    put_media(stack, "headers.html", b"<script>alert(1)</script>")

    image, script = (stack.get(f"{PAGE}/media/headers.{kind}") for kind in ["png", "html"])

    assert image.content == PNG
    assert differences(image, "an upload") == {}
    assert differences(script, "an upload that is no image") == {}


@pytest.mark.parametrize("part", ["bytes=0-3", "bytes=9000-9999"])
def test_a_part_of_a_file_is_the_whole(stack, part):
    """nginx would send each header twice with the answer that there is no such part."""
    put_media(stack, "part.png", PNG)

    response = stack.get(f"{PAGE}/media/part.png", headers={"Range": part})

    assert response.status_code == 200
    assert differences(response, "an upload") == {}


def test_a_page_that_is_not_newer(stack):
    response = stack.get(f"{PAGE}/", headers={"If-None-Match": stack.get(f"{PAGE}/").headers["ETag"]})

    assert response.status_code == 304
    assert differences(response, "a page that is not newer") == {}


def test_answers_about_a_person(stack, account):
    headers = bearer(account["access"])

    assert differences(stack.get(f"{API}/projects/", headers=headers), "an answer about a person") == {}
    assert differences(stack.get(f"{API}/projects/", headers=headers | {"Origin": PAGE}), "an answer to the page") == {}
    assert differences(stack.get(f"{API}/projects/", headers=headers | FOREIGN), "an answer about a person") == {}
    assert (
        differences(
            stack.request("POST", f"{API}/projects/", json={"title": "a"}, headers=headers), "an object with a version"
        )
        == {}
    )


def test_from_a_log_in_to_the_log_out(stack, account):
    login = {"username": account["username"], "password": account["password"]}
    with stack.session() as session:
        into = session.post(f"{API}/auth/login/", json=login, timeout=30)
        out = session.post(f"{API}/auth/logout/", timeout=30)

    assert into.status_code == 200
    assert differences(into, "a log-in") == {}
    assert out.status_code == 204
    assert differences(out, "nothing, after a log-out") == {}


def test_exceptions(stack, account):
    with without(stack, "thinking_project"):
        api = stack.get(f"{API}/projects/", headers=bearer(account["access"]))
    with without(stack, "django_session"):
        admin = stack.get(f"{PAGE}/admin/", headers={"Cookie": f"__Host-sessionid={'a' * 32}"})

    assert api.status_code == admin.status_code == 500
    assert differences(api, "an exception in the API") == {}
    assert differences(admin, "an exception in the admin") == {}
    for response in [api, admin]:
        assert not re.search(r"Traceback|psycopg|thinking_project|django_session", response.text)


def test_without_tls(stack):
    challenge = stack.folder / "nginx" / "acme" / ".well-known" / "acme-challenge" / "headers"
    challenge.parent.mkdir(parents=True, exist_ok=True)
    challenge.write_text("headers.key")

    for host in ["thinkring.test", "api.thinkring.test"]:
        assert differences(stack.get(f"http://{host}/x?y=z"), "a redirect to TLS") == {}
        assert (
            differences(stack.get(f"http://{host}/.well-known/acme-challenge/headers"), "a certificate's challenge")
            == {}
        )
        assert (
            differences(stack.get(f"http://{host}/.well-known/acme-challenge/other"), "no certificate's challenge")
            == {}
        )


@pytest.mark.parametrize(("path", "besides"), [("/_app/immutable/missing.js", ""), ("/", "'self' ")])
def test_the_hash_in_the_policy_is_that_of_the_style(stack, path, besides):
    response = stack.get(f"{PAGE}{path}")

    (style,) = re.findall("<style>(.*?)</style>", response.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src {besides}'sha256-{digest}';" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("host", ["thinkring.test", "api.thinkring.test"])
def test_both_hosts_say_whom_to_tell_of_a_hole(stack, host):
    url = f"https://{host}/.well-known/security.txt"

    lines = stack.get(url).text.splitlines()

    assert "Contact: mailto:security@thinkring.test" in lines
    assert f"Canonical: {url}" in lines


def scored(stack, response):
    """By the table of MDN's Observatory; its scanner names an origin of its own."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    asked = f"http://{response.request.headers['Host']}/"
    redirect = (asked, stack.get(asked).headers["Location"])
    return grade(headers, response.raw.headers.getlist("Set-Cookie"), redirect)


@pytest.mark.parametrize(
    ("url", "score"),
    [
        (f"{PAGE}/", 130),
        (f"{PAGE}/login", 130),
        (f"{PAGE}/no/such/page", 130),
        (f"{API}/version/", 130),
        (f"{API}/docs/", 130),
        # With a cookie that is as it should be.
        (f"{PAGE}/admin/login/", 135),
    ],
)
def test_mdn_observatory_would_give_the_best_mark(stack, url, score):
    assert scored(stack, stack.get(url, headers=FOREIGN)) == (score, "A+")


def test_mdn_observatory_finds_nothing_wrong_with_a_session(stack, account):
    login = {"username": account["username"], "password": account["password"]}
    code = (
        "from apps.accounts.models import User; "
        f"User.objects.filter(username='{account['username']}').update(is_staff=True, is_superuser=True)"
    )
    stack.compose("exec", "-T", "backend", "python", "manage.py", "shell", "-c", code)
    with stack.session() as session:
        api = session.post(f"{API}/auth/login/", json=login, headers=FOREIGN, timeout=30)
        page = session.get(f"{PAGE}/admin/login/", timeout=30)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
        admin = session.post(
            f"{PAGE}/admin/login/?next=/admin/",
            data=login | {"csrfmiddlewaretoken": token},
            headers={"Referer": f"{PAGE}/admin/login/"},
            allow_redirects=False,
            timeout=30,
        )

    assert scored(stack, api) == (135, "A+")
    assert admin.status_code == 302
    assert any(cookie.startswith("__Host-sessionid=") for cookie in admin.raw.headers.getlist("Set-Cookie"))
    assert scored(stack, admin) == (135, "A+")


# A few rows of Mozilla's table, so that the best mark above is one.
GOOD = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
}
SAME_HOST = ("http://a.test/", "https://a.test/")


@pytest.mark.parametrize(
    ("headers", "cookies", "redirect", "expected"),
    [
        (GOOD, [], SAME_HOST, (115, "A+")),
        (GOOD | {"referrer-policy": "unsafe-url"}, [], SAME_HOST, (110, "A+")),
        (GOOD, ["sessionid=a; Secure; SameSite=Lax"], SAME_HOST, (70, "B")),
        (GOOD, ["csrftoken=a; Secure"], SAME_HOST, (80, "B+")),
        (GOOD, ["a=b; HttpOnly"], SAME_HOST, (110, "A+")),
        (GOOD, [], ("http://a.test/", "https://b.test/"), (110, "A+")),
        (GOOD, [], ("http://a.test/", "http://a.test/"), (80, "B+")),
        (GOOD | {"content-security-policy": "default-src 'self' 'unsafe-inline'"}, [], SAME_HOST, (60, "C+")),
        (
            GOOD | {"access-control-allow-origin": "https://c.test", "access-control-allow-credentials": "true"},
            [], SAME_HOST, (50, "C"),
        ),
        ({}, [], ("http://a.test/", "http://a.test/"), (10, "F")),
    ],
)  # fmt: skip
def test_the_table(headers, cookies, redirect, expected):
    assert grade(headers, cookies, redirect) == expected
