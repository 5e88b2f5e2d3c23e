import uuid
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts import tokens
from apps.accounts.models import Session
from conftest import PASSWORD, refused, signed_in

URL = "/api/v1/auth/sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def firefox(alice):
    return tokens.start_session(alice, FIREFOX)


def is_open(pair):
    client = APIClient()
    return client.get("/api/v1/auth/me/", headers={"Authorization": f"Bearer {pair.access}"}).status_code == 200


def test_it_works(alice_client, firefox):
    page = alice_client.get(URL, headers={"Accept-Language": "en"}).json()

    assert page["count"] == 2
    other, current = page["results"]
    session = Session.objects.get(user_agent=FIREFOX)
    assert other == {
        "id": str(session.pk),
        "device": "Firefox on Linux",
        "created_at": other["created_at"],
        "last_used_at": other["last_used_at"],
        "current": False,
    }
    assert current["current"] is True
    assert current["device"] == "Unknown device"


def test_in_japanese(alice_client, firefox):
    page = alice_client.get(URL, headers={"Accept-Language": "ja"}).json()

    assert [session["device"] for session in page["results"]] == ["Linux の Firefox", "不明な端末"]


@pytest.mark.parametrize("url", ["/api/v1/auth/login/", "/api/v1/auth/token/"])
def test_the_device_is_that_of_the_log_in(client, alice, url):
    client.post(url, {"username": "alice", "password": PASSWORD}, headers={"User-Agent": FIREFOX})

    assert Session.objects.get().user_agent == FIREFOX


def test_the_device_is_that_of_the_sign_up(client, db):
    body = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
    client.post("/api/v1/auth/register/", body, headers={"User-Agent": f"{FIREFOX} {'x' * 1000}"})

    assert Session.objects.get().user_agent == f"{FIREFOX} {'x' * 1000}"[:300]


def test_the_last_used_comes_first(client, alice, alice_client, firefox):
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        tokens.start_session(alice, "curl/8.5.0")
    with time_machine.travel(timezone.now() + timedelta(minutes=10)):
        client.post("/api/v1/auth/refresh/", {"refresh": firefox.refresh})

    sessions = alice_client.get(URL, headers={"Accept-Language": "en"}).json()["results"]

    assert [session["device"] for session in sessions] == ["Firefox on Linux", "curl", "Unknown device"]


def test_only_those_that_can_still_be_used(client, alice, alice_client, firefox):
    Session.objects.filter(user_agent=FIREFOX).end()
    with time_machine.travel(timezone.now() - timedelta(days=7, minutes=1)):
        tokens.start_session(alice, "expired")

    [session] = alice_client.get(URL).json()["results"]

    assert session["current"] is True


def test_only_ones_own(alice_client, bob, bob_client):
    tokens.start_session(bob)

    assert alice_client.get(URL).json()["count"] == 1
    assert bob_client.get(URL).json()["count"] == 2


def test_pages(alice, alice_client):
    for _number in range(3):
        tokens.start_session(alice)

    page = alice_client.get(URL, {"page_size": 3}).json()

    assert (page["count"], len(page["results"])) == (4, 3)
    assert page["next"].endswith("?page=2&page_size=3")


def test_ending_all_others(alice, alice_client, firefox, bob_client):
    response = alice_client.delete(URL)

    assert (response.status_code, response.content) == (204, b"")
    assert not is_open(firefox)
    assert bob_client.get(URL).status_code == 200
    [session] = alice_client.get(URL).json()["results"]
    assert session["current"] is True


def test_ending_one(alice, alice_client, firefox, client):
    kept = tokens.start_session(alice)

    response = alice_client.delete(f"{URL}{Session.objects.get(user_agent=FIREFOX).pk}/")

    assert (response.status_code, response.content) == (204, b"")
    assert not response.cookies
    assert not is_open(firefox)
    assert is_open(kept)
    refused(client.post("/api/v1/auth/refresh/", {"refresh": firefox.refresh}), 401, "AUTH_002")


def test_ending_the_one_that_asks_is_a_log_out(alice_client, cookie):
    response = alice_client.delete(f"{URL}{Session.objects.get().pk}/")

    assert cookie(response)["max-age"] == 0
    refused(alice_client.get(URL), 401, "AUTH_002")


def test_what_is_not_there(alice, alice_client, bob):
    signed_in(bob)
    ended = Session.objects.create(user=alice, ended_at=timezone.now())

    for id in [Session.objects.get(user=bob).pk, ended.pk, uuid.uuid4(), alice.pk, "none"]:
        refused(alice_client.delete(f"{URL}{id}/"), 404, "RES_006")

    assert Session.objects.get(user=bob).ended_at is None


@pytest.mark.parametrize("url", [URL, f"{URL}{uuid.UUID(int=1)}/"])
def test_who_is_not_logged_in(client, db, url):
    refused(client.delete(url), 401, "AUTH_001")
