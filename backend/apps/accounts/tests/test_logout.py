from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.accounts import tokens
from apps.accounts.models import Session
from conftest import refused

URL = "/api/v1/auth/logout/"
ME = "/api/v1/auth/me/"


def test_it_works(client, pair, cookie, settings):
    client.cookies[settings.REFRESH_COOKIE] = pair.refresh

    response = client.post(URL)

    assert response.status_code == 204
    assert response.content == b""
    assert Session.objects.get().ended_at is not None
    assert (cookie(response).value, cookie(response)["max-age"], cookie(response)["path"]) == ("", 0, "/api/v1/auth/")


def test_the_cookie_is_deleted_in_production_too(client, pair, settings):
    """A browser takes a cookie of this name, its deletion included, with Secure only."""
    settings.REFRESH_COOKIE = "__Secure-refresh"
    client.cookies[settings.REFRESH_COOKIE] = pair.refresh

    response = client.post(URL)

    assert response.cookies["__Secure-refresh"]["secure"] is True
    assert response.cookies["__Secure-refresh"]["max-age"] == 0


def test_by_body(client, pair):
    assert client.post(URL, {"refresh": pair.refresh}).status_code == 204
    assert Session.objects.get().ended_at is not None


def test_tokens_of_the_session_are_not_accepted_any_more(client, pair):
    client.post(URL, {"refresh": pair.refresh})

    refused(client.get(ME, headers={"Authorization": f"Bearer {pair.access}"}), 401, "AUTH_002")
    refused(client.post("/api/v1/auth/refresh/", {"refresh": pair.refresh}), 401, "AUTH_002")


def test_with_an_expired_access_token(client, pair):
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        response = client.post(URL, {"refresh": pair.refresh}, headers={"Authorization": f"Bearer {pair.access}"})

    assert response.status_code == 204
    assert Session.objects.get().ended_at is not None


def test_with_a_used_token(client, pair):
    """A tab that slept through the last refresh logs out."""
    client.post("/api/v1/auth/refresh/", {"refresh": pair.refresh})

    assert client.post(URL, {"refresh": pair.refresh}).status_code == 204
    assert Session.objects.get().ended_at is not None


def test_other_sessions_go_on(client, alice, pair):
    other = tokens.start_session(alice)

    client.post(URL, {"refresh": pair.refresh})

    assert client.get(ME, headers={"Authorization": f"Bearer {other.access}"}).status_code == 200


def test_twice(client, pair):
    client.post(URL, {"refresh": pair.refresh})
    ended_at = Session.objects.get().ended_at

    assert client.post(URL, {"refresh": pair.refresh}).status_code == 204
    assert Session.objects.get().ended_at == ended_at


@pytest.mark.parametrize("body", [None, {}, {"refresh": ""}, {"refresh": "nonsense"}])
def test_without_a_token_that_is_valid(client, alice, pair, cookie, body):
    response = client.post(URL, body)

    assert response.status_code == 204
    assert cookie(response)["max-age"] == 0
    assert Session.objects.get().ended_at is None


def test_an_access_token_is_not_enough(client, pair):
    assert client.post(URL, {"refresh": pair.access}).status_code == 204
    assert Session.objects.get().ended_at is None


def test_json_only(client, db):
    refused(client.post(URL, {"refresh": "x"}, format="multipart"), 415, "REQ_002")
    refused(client.generic("POST", URL, "{", content_type="application/json"), 400, "VAL_002")
