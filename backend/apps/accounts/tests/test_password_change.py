import pytest
from rest_framework.test import APIClient

from apps.accounts import tokens
from apps.accounts.models import Session
from conftest import PASSWORD, refused, signed_in

URL = "/api/v1/auth/password/change/"
NEW = "lantern-7-harbour"


def can_log_in(client, password):
    return client.post("/api/v1/auth/login/", {"username": "alice", "password": password}).status_code == 200


def test_it_works(client, alice_client):
    response = alice_client.post(URL, {"old": PASSWORD, "new": NEW})

    assert response.status_code == 204
    assert response.content == b""
    assert can_log_in(client, NEW)
    assert not can_log_in(client, PASSWORD)


def test_all_sessions_end(alice, bob, client):
    """That of the browser which asks too, and it gets another one by a cookie: somebody may have copied the old one."""
    pair, elsewhere, bobs = tokens.start_session(alice, "Firefox"), tokens.start_session(alice), signed_in(bob)
    browser = APIClient(headers={"Authorization": f"Bearer {pair.access}"})

    response = browser.post(URL, {"old": PASSWORD, "new": NEW})

    assert bobs.get("/api/v1/auth/me/").status_code == 200
    for old in (pair, elsewhere):
        refused(client.get("/api/v1/auth/me/", headers={"Authorization": f"Bearer {old.access}"}), 401, "AUTH_002")
        refused(client.post("/api/v1/auth/refresh/", {"refresh": old.refresh}), 401, "AUTH_002")
    client.cookies = response.cookies
    access = client.post("/api/v1/auth/refresh/").json()["access"]
    assert client.get("/api/v1/auth/me/", headers={"Authorization": f"Bearer {access}"}).status_code == 200
    assert alice.sessions.open().get().user_agent == "Firefox"


def test_blanks_are_part_of_a_password(client, alice_client):
    alice_client.post(URL, {"old": PASSWORD, "new": f" {NEW} "})

    assert can_log_in(client, f" {NEW} ")
    assert not can_log_in(client, NEW)


def test_a_wrong_old_password(client, alice, alice_client):
    """Not 401, which a browser takes for the end of its session."""
    other = signed_in(alice)

    refused(alice_client.post(URL, {"old": "wrong", "new": NEW}), 422, "VAL_005", "old")

    assert can_log_in(client, PASSWORD)
    assert other.get("/api/v1/auth/me/").status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"new": NEW}, "VAL_001", "old"),
        ({"old": PASSWORD}, "VAL_001", "new"),
        ({"old": PASSWORD, "new": ""}, "VAL_001", "new"),
        ({"old": PASSWORD, "new": "short-1"}, "VAL_004", "new"),
        ({"old": PASSWORD, "new": "x" * 129}, "VAL_003", "new"),
        ({"old": PASSWORD, "new": "1234567890"}, "VAL_005", "new"),
        ({"old": PASSWORD, "new": "alice@example.com"}, "VAL_005", "new"),
        ({"old": PASSWORD, "new": ["a", "list"]}, "VAL_002", "new"),
    ],
)
def test_what_is_refused(client, alice_client, body, code, field):
    refused(alice_client.post(URL, body), 422, code, field)

    assert can_log_in(client, PASSWORD)
    assert Session.objects.filter(ended_at=None).count() == 2


def test_who_is_not_logged_in(client, db):
    refused(client.post(URL, {"old": PASSWORD, "new": NEW}), 401, "AUTH_001")
