import re

import pytest
import yaml

from apps.core.errors import KINDS

URL = "/api/v1/schema/"
VERSIONED = {"projects": ["put", "patch"], "rounds": ["patch"], "steps": ["patch"], "nodes": ["put", "patch"]}


@pytest.fixture
def schema(client):
    return yaml.safe_load(client.get(URL).content)


def test_it_works(client):
    response = client.get(URL)

    assert response.status_code == 200
    assert response["Content-Type"].startswith("application/vnd.oai.openapi")
    assert yaml.safe_load(response.content)["openapi"].startswith("3.")


def test_as_json(client):
    assert client.get(URL, headers={"Accept": "application/vnd.oai.openapi+json"}).json()["openapi"].startswith("3.")


def test_it_has_no_warnings(manage):
    done = manage("spectacular", "--validate", "--fail-on-warn")

    assert done.returncode == 0, done.stderr


def test_it_is_the_same_in_every_language(client):
    assert client.get(URL, headers={"Accept-Language": "ja"}).content == (
        client.get(URL, headers={"Accept-Language": "en"}).content
    )
    assert client.get(URL, headers={"Accept-Language": "ja"}).content.isascii()


def test_every_operation_says_what_an_error_looks_like(schema):
    error = {"$ref": "#/components/schemas/Error"}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if path == "/health/":
                continue
            for status in ("4XX", "5XX"):
                content = operation["responses"][status]["content"]
                assert content == {"application/json": {"schema": error}}, f"{method} {path}"


def test_the_codes_are_those_that_there_are(schema):
    assert schema["components"]["schemas"]["ErrorCode"]["enum"] == list(KINDS)


def test_paths_follow_the_server(schema):
    assert schema["servers"] == [{"url": "/api/v1"}]
    assert "/health/" in schema["paths"]
    assert "/auth/login/" in schema["paths"]


def test_every_operation_has_a_summary_and_a_tag(schema):
    operations = [operation for path in schema["paths"].values() for operation in path.values()]

    assert [operation["operationId"] for operation in operations if not operation.get("summary")] == []
    assert {len(operation["tags"]) for operation in operations} == {1}
    assert len({operation["operationId"] for operation in operations}) == len(operations)


def test_all_but_the_open_operations_want_a_token(schema):
    open_operations = {
        operation["operationId"]
        for path in schema["paths"].values()
        for operation in path.values()
        if operation.get("security") != [{"bearer": []}]
    }

    assert open_operations == {
        "health",
        "readiness",
        "version",
        "register",
        "login",
        "token",
        "refresh",
        "logout",
        "reset_password",
        "confirm_password_reset",
    }
    assert schema["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }


def test_a_delete_may_have_a_body(schema):
    body = schema["paths"]["/auth/me/"]["delete"]["requestBody"]

    assert body["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/PasswordRequest"}


def test_versions_are_described(schema):
    for kind, methods in VERSIONED.items():
        for method in methods:
            operation = schema["paths"][f"/{kind}/{{id}}/"][method]
            names = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"}
            assert "If-Match" in names, f"{method} {kind}"
            assert "ETag" in operation["responses"]["200"]["headers"]


def test_what_is_refused_in_a_query_or_a_header_does_not_fit_the_description(schema):
    parameters = [
        parameter
        for path in schema["paths"].values()
        for operation in path.values()
        for parameter in operation.get("parameters", [])
    ]
    pages = [parameter["schema"] for parameter in parameters if parameter["name"] in ("page", "page_size")]
    versions = [parameter["schema"]["pattern"] for parameter in parameters if parameter["name"] == "If-Match"]

    assert {(page["minimum"], page["maximum"]) for page in pages} == {(1, 999_999_999)}
    for pattern in versions:
        assert all(re.search(pattern, version) for version in ["3", '"3"', 'W/"3"'])
        assert not any(re.search(pattern, version) for version in ["", "*", '3"', '"3', "3.0", "\u0663"])
