from django.http import JsonResponse
from django.test import Client

URL = "/api/v1/health/"


def test_it_works(client):
    response = client.get(URL)

    assert response.status_code == 200
    assert response.content == JsonResponse({"status": "healthy"}).content == b'{"status": "healthy"}'
    assert response["Content-Type"] == "application/json"


def test_head(client):
    response = client.head(URL)

    assert response.status_code == 200
    assert response.content == b""
    assert response["Content-Length"] == "21"


def test_other_methods_are_not_taken():
    client = Client(enforce_csrf_checks=True)
    for method in ("post", "put", "patch", "delete", "options"):
        response = getattr(client, method)(URL)

        assert response.status_code == 405
        assert response["Allow"] == "GET, HEAD"
        assert response.json()["error"]["code"] == "REQ_001"


def test_it_touches_nothing_else(client, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        client.get(URL, headers={"Authorization": "Bearer nonsense"})
