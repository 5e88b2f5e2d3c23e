import time
from datetime import datetime, timezone

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth.hashers import MD5PasswordHasher

from apps.accounts.models import Session
from conftest import PASSWORD, UserFactory, refused

URL = "/api/v1/auth/login/"


def test_it_works(client, alice):
    response = client.post(URL, {"username": "alice", "password": PASSWORD})

    assert response.status_code == 200
    assert set(response.json()) == {"access", "user"}
    assert response.json()["user"]["id"] == str(alice.pk)
    assert Session.objects.get().user == alice


@pytest.mark.parametrize("name", ["ALICE", "alice@example.com", "Alice@EXAMPLE.com", " alice ", "ａｌｉｃｅ"])
def test_name_or_address_in_any_case(client, alice, bob, name):
    response = client.post(URL, {"username": name, "password": PASSWORD})

    assert response.json()["user"]["username"] == "alice"


def test_the_cookie(client, alice, cookie, settings):
    response = client.post(URL, {"username": "alice", "password": PASSWORD})

    refresh = cookie(response)
    assert refresh["httponly"] is True
    assert refresh["secure"] is True
    assert refresh["samesite"] == "Strict"
    assert refresh["path"] == "/api/v1/auth/"
    assert refresh["max-age"] == 7 * 24 * 3600
    assert refresh["domain"] == ""
    assert refresh.value not in response.content.decode()
    assert response["Cache-Control"] == "no-store"

    settings.DEBUG = True
    assert not cookie(client.post(URL, {"username": "alice", "password": PASSWORD}))["secure"]


def test_when_it_was(client, alice):
    with time_machine.travel(datetime(2026, 11, 25, 12, tzinfo=timezone.utc), tick=False):
        client.post(URL, {"username": "alice", "password": PASSWORD})

    alice.refresh_from_db()
    assert alice.last_login == datetime(2026, 11, 25, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("alice", "tomato-9-umbrell"),
        ("alice", f"{PASSWORD} "),
        ("alice", PASSWORD.upper()),
        ("alice", "x" * 10_000),
        ("bob", PASSWORD),
        ("bob@example.com", PASSWORD),
        ("ali", PASSWORD),
        ("@", PASSWORD),
        ("%", PASSWORD),
    ],
)
def test_a_wrong_name_or_password(client, alice, name, password):
    response = client.post(URL, {"username": name, "password": password})

    refused(response, 401, "AUTH_004")
    assert not response.cookies
    assert not Session.objects.exists()


def test_a_disabled_account_looks_like_a_wrong_password(client, alice):
    alice.is_active = False
    alice.save()

    refused(client.post(URL, {"username": "alice", "password": PASSWORD}), 401, "AUTH_004")


@pytest.mark.parametrize("name", ["alice", "nobody", "disabled", "passwordless"])
def test_a_refusal_takes_the_same_work_whoever_it_is(client, alice, monkeypatch, name):
    UserFactory(username="disabled", is_active=False)
    passwordless = UserFactory(username="passwordless")
    passwordless.set_unusable_password()
    passwordless.save()
    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda self, *given: hashed.append(given) or encode(self, *given))

    client.post(URL, {"username": name, "password": "wrong"})

    assert len(hashed) == 1


@pytest.mark.parametrize("name", ["alice", "alice@example.com", "disabled"])
def test_a_refusal_takes_the_processor_as_long_whoever_it_is(client, alice, settings, name):
    """With the hasher of production; once more or less of it would be twice as much or nothing."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    alice.set_password(PASSWORD)
    alice.save()
    UserFactory(username="disabled", is_active=False, password=alice.password)
    seconds = {name: [], "nobody": []}
    for _ in range(5):
        for tried, taken in seconds.items():
            AccessAttempt.objects.all().delete()
            began = time.process_time()
            client.post(URL, {"username": tried, "password": "wrong"})
            taken.append(time.process_time() - began)

    known, unknown = (min(taken) for taken in seconds.values())
    assert abs(known - unknown) < 0.7 * unknown


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"password": PASSWORD}, "VAL_001", "username"),
        ({"username": "alice"}, "VAL_001", "password"),
        ({"username": "alice", "password": ""}, "VAL_001", "password"),
        ({"username": "x" * 255, "password": PASSWORD}, "VAL_003", "username"),
        ({"username": "alice\0", "password": PASSWORD}, "VAL_002", "username"),
        ({"username": "alice", "password": {"$ne": ""}}, "VAL_002", "password"),
        ({"username": "alice", "password": 5}, "VAL_002", "password"),
    ],
)
def test_what_is_refused(client, db, body, code, field):
    refused(client.post(URL, body), 422, code, field)


def test_json_only(client, db):
    body = {"username": "alice", "password": PASSWORD}

    refused(client.post(URL, body, format="multipart"), 415, "REQ_002")
    refused(client.generic("POST", URL, "[", content_type="application/json"), 400, "VAL_002")
    refused(client.get(URL), 405, "REQ_001")


def test_a_token_that_is_not_valid_does_not_get_in_the_way(client, alice):
    body = {"username": "alice", "password": PASSWORD}

    assert client.post(URL, body, headers={"Authorization": "Bearer nonsense"}).status_code == 200
