"""
Bad input, and input that only looks bad: each case of the YAML files beside this one, through nginx and TLS, and the
answer that it says. What may never happen is looked for in every answer.
"""

import json
import re
from urllib.parse import urlsplit

import pytest

from . import connection, notation
from .tokens import sealed

CASES = [(kind, case) for kind in notation.kinds() for case in notation.cases(kind)]
RAW = [pytest.param(case, id=f"{kind}: {case['name']}") for kind, case in CASES if "raw" in case]
# What is in addresses and in headers is read by other code of nginx over HTTP/2; a body is not.
VERSIONS = {"paths": ["HTTP/1.1", "HTTP/2"], "tokens": ["HTTP/1.1", "HTTP/2"]}
CALLS = [
    pytest.param(case, version, id=f"{kind}: {case['name']} ({version})")
    for kind, case in CASES
    if "send" in case
    for version in VERSIONS.get(kind, ["HTTP/1.1"])
]
# Of the file system, of the settings, of the program's inside.
NEVER = re.compile(rb"root:[x*]?:0:|worker_processes|SECRET_KEY|Traceback|/usr/lib|site-packages")


@pytest.fixture(scope="module")
def places(stack):
    """What stands in the cases in braces."""
    host = urlsplit(stack.api).hostname
    account = stack.register()
    pair, ended = (log_in(stack, account) for _ in range(2))
    out = stack.request("POST", f"{stack.api}/auth/logout/", json={"refresh": ended["refresh"]})
    assert out.status_code == 204

    def ask(method, path, **arguments):
        headers = {"Authorization": f"Bearer {pair['access']}"}
        response = stack.request(method, f"{stack.api}{path}", headers=headers, **arguments)
        assert response.ok, response.text
        return response.json()

    project = ask("POST", "/projects/", json={"title": "a"})["id"]
    round = ask("GET", f"/projects/{project}/rounds/")["results"][0]["id"]
    node, other = (ask("POST", "/nodes/", json={"title": title})["id"] for title in ("a", "b"))
    return {
        "host": host,
        **pair,
        "ended access": ended["access"],
        "ended refresh": ended["refresh"],
        "project": project,
        "round": round,
        "step": ask("GET", f"/rounds/{round}/steps/")["results"][0]["id"],
        "node": node,
        "link": ask("POST", f"/nodes/{node}/links/", json={"to": other})["id"],
        "style": re.search(r'/static/admin/css/base\.[^"]+', stack.get(f"{stack.page}/admin/login/").text)[0],
    }


def log_in(stack, account):
    response = stack.request("POST", f"{stack.api}/auth/token/", json=account)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture(scope="module")
def keys(stack):
    lines = (stack.folder / ".env.production").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    names = ["SECRET_KEY", "JWT_SECRET_KEY"]
    return {name: settings[name] for name in names} | {"certificate": stack.certificate.read_text()}


@pytest.fixture
def written(places, keys):
    """A part of a case, with its tokens made and its places filled."""

    def write(value):
        match value:
            case notation.Token():
                return sealed(value, places["access"], keys)
            case dict():
                return {name: write(part) for name, part in value.items()}
            case list():
                return [write(part) for part in value]
            case str() if "{" in value:
                return re.sub(r"{([a-z ]+)}", lambda found: places.get(found[1], found[0]), value)
        return value

    return write


def check(answer, expected):
    """The status, where it says so the code in the API's error shape, and what may never happen."""
    status, _, code = str(expected).partition(" ")
    assert answer.status == status, answer.body[:1000]
    assert "x-injected" not in answer.headers
    assert not NEVER.search(answer.body)
    if status not in ("0.9", "100"):
        # Twice where nginx finds out late that it is an error (416).
        assert {*answer.headers["x-content-type-options"]} == {"nosniff"}
    if code:
        assert answer.headers["content-type"] == ["application/json"]
        error = json.loads(answer.body)["error"]
        assert error["code"] == code
        assert [error["request_id"]] == answer.headers["x-request-id"]


@pytest.mark.parametrize("case", RAW)
def test_bytes(stack, places, written, case):
    data = written(case["raw"])
    data = data.encode() if isinstance(data, str) else data

    answers = connection.sent(stack, places["host"], data, len(case["expect"]), case.get("plain", False))

    if answers and answers[-1].is_version:
        answers.pop()
    assert len(answers) == len(case["expect"]), answers
    for answer, expected in zip(answers, case["expect"], strict=True):
        check(answer, expected)


@pytest.mark.parametrize(("case", "version"), CALLS)
def test_call(stack, places, written, tmp_path, case, version):
    method, target = written(case["send"]).split(" ", 1)
    token, headers = written(case.get("token", "{access}")), written(case.get("headers", {}))
    data = written(case.get("body"))
    if "json" in case:
        data = json.dumps(written(case["json"]), ensure_ascii=False)
    data = data.encode() if isinstance(data, str) else data
    if token is not None:
        headers = {"Authorization": f"Bearer {token}"} | headers
    if data is not None:
        headers = {"Content-Type": "application/json"} | headers

    if version == "HTTP/2":
        answer = connection.by_http2(stack, tmp_path, method, target, places["host"], headers, data)
    else:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {places['host']}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(data)}"] if data is not None else []
        bytes = "\r\n".join([*lines, "", ""]).encode() + (data or b"")
        (answer,) = (one for one in connection.sent(stack, places["host"], bytes, 1) if not one.is_version)

    if version == "HTTP/2" and case.get("http2") == "closed":
        assert answer is None
        return
    check(answer, case["expect"])
    if "same" in case:
        assert json.loads(answer.body)[case["same"]] == json.loads(data)[case["same"]]
    if "becomes" in case:
        assert json.loads(answer.body).items() >= case["becomes"].items()


def test_how_many(figure):
    kinds = ", ".join(f"{len(notation.cases(kind))} × {kind}" for kind in notation.kinds())
    figure("bad input", f"{len(CASES)} cases, {len(RAW) + len(CALLS)} times sent: {kinds}")
    assert len({case["name"] for _, case in CASES}) == len(CASES) >= 150
