"""Page and API on two hosts of one site, as specified."""

import pytest

PAGE = "https://thinkring.example.com"
URL = "/api/v1/version/"


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.CORS_ALLOWED_ORIGINS = [PAGE]


def preflight(client, origin):
    return client.options(
        URL,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization,content-type,if-match",
        },
    )


def test_it_works(client):
    response = client.get(URL, headers={"Origin": PAGE})

    assert response["Access-Control-Allow-Origin"] == PAGE
    assert response["Access-Control-Allow-Credentials"] == "true"
    exposed = set(response["Access-Control-Expose-Headers"].split(", "))
    assert exposed == {"Content-Disposition", "ETag", "Retry-After", "X-Request-ID"}


def test_what_may_be_sent(client):
    response = preflight(client, PAGE)

    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == PAGE
    assert "PATCH" in response["Access-Control-Allow-Methods"]
    assert {"authorization", "content-type", "if-match"} <= set(response["Access-Control-Allow-Headers"].split(", "))


@pytest.mark.parametrize("origin", ["https://evil.example.com", "http://thinkring.example.com", "null"])
def test_foreign_pages_get_nothing(client, origin):
    assert "Access-Control-Allow-Origin" not in client.get(URL, headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in preflight(client, origin)


def test_errors_can_be_read_too(client):
    assert client.get("/api/v1/nothing/", headers={"Origin": PAGE})["Access-Control-Allow-Origin"] == PAGE
