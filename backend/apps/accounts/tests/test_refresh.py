from datetime import timedelta
from threading import Barrier, Thread

import pytest
import time_machine
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from apps.accounts import tokens
from apps.accounts.models import Session
from conftest import refused

URL = "/api/v1/auth/refresh/"
ME = "/api/v1/auth/me/"


def by_cookie(client, settings, refresh):
    client.cookies[settings.REFRESH_COOKIE] = refresh
    return client.post(URL)


def later(seconds):
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds), tick=False)


def is_accepted(access):
    return APIClient().get(ME, headers={"Authorization": f"Bearer {access}"}).status_code == 200


def test_it_works(client, pair, cookie, settings):
    """By cookie, as a browser does it."""
    response = by_cookie(client, settings, pair.refresh)

    assert response.status_code == 200
    assert set(response.json()) == {"access"}
    assert is_accepted(response.json()["access"])
    assert cookie(response).value != pair.refresh
    assert cookie(response)["httponly"] is True
    assert cookie(response)["max-age"] == 7 * 24 * 3600
    assert response["Cache-Control"] == "no-store"


def test_by_body(client, pair):
    """As a program does it."""
    response = client.post(URL, {"refresh": pair.refresh})

    assert response.status_code == 200
    assert set(response.json()) == {"access", "refresh"}
    assert not response.cookies
    assert client.post(URL, {"refresh": response.json()["refresh"]}).status_code == 200


def test_the_body_counts_before_the_cookie(client, pair, bob, settings):
    client.cookies[settings.REFRESH_COOKIE] = tokens.start_session(bob).refresh

    response = client.post(URL, {"refresh": pair.refresh})

    assert set(response.json()) == {"access", "refresh"}
    me = client.get(ME, headers={"Authorization": f"Bearer {response.json()['access']}"})
    assert me.json()["username"] == "alice"


def test_a_used_token_is_on_the_blacklist(client, pair):
    client.post(URL, {"refresh": pair.refresh})

    assert BlacklistedToken.objects.get().token.token == pair.refresh


def test_a_token_that_still_works_is_not_stored(client, pair):
    refresh = client.post(URL, {"refresh": pair.refresh}).json()["refresh"]

    assert not OutstandingToken.objects.filter(token=refresh).exists()


def test_when_the_session_was_last_used(client, pair):
    with later(60):
        client.post(URL, {"refresh": pair.refresh})
        assert Session.objects.get().last_used_at == timezone.now()


def test_a_token_used_again_ends_the_session(client, pair):
    first = client.post(URL, {"refresh": pair.refresh}).json()

    with later(11):
        refused(client.post(URL, {"refresh": pair.refresh}), 401, "AUTH_002")

        assert Session.objects.get().ended_at is not None
        assert not is_accepted(first["access"])
        refused(client.post(URL, {"refresh": first["refresh"]}), 401, "AUTH_002")


def test_a_token_used_again_leaves_other_sessions_alone(client, alice, pair):
    other = tokens.start_session(alice)
    client.post(URL, {"refresh": pair.refresh})

    with later(11):
        client.post(URL, {"refresh": pair.refresh})

        assert is_accepted(other.access)


def test_a_request_sent_again_within_ten_seconds(client, pair):
    """Its answer got lost, or another tab was as quick."""
    first = client.post(URL, {"refresh": pair.refresh}).json()

    with later(9):
        second = client.post(URL, {"refresh": pair.refresh})

        assert second.status_code == 200
        assert second.json()["refresh"] != first["refresh"]
        for refresh in (first["refresh"], second.json()["refresh"]):
            assert client.post(URL, {"refresh": refresh}).status_code == 200


def test_the_ten_seconds_count_from_the_first_use(client, pair):
    client.post(URL, {"refresh": pair.refresh})
    with later(8):
        assert client.post(URL, {"refresh": pair.refresh}).status_code == 200

    with later(16):
        refused(client.post(URL, {"refresh": pair.refresh}), 401, "AUTH_002")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
def test_two_at_once(pair):
    """Two tabs wake up together: both go on, and one after the other."""
    barrier = Barrier(2)
    answers = []

    def refresh():
        client = APIClient()
        barrier.wait()
        answers.append(client.post(URL, {"refresh": pair.refresh}))
        connections.close_all()

    threads = [Thread(target=refresh) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [200, 200]
    assert BlacklistedToken.objects.count() == 1
    assert Session.objects.get().ended_at is None
    for answer in answers:
        assert is_accepted(answer.json()["access"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
def test_two_at_once_with_a_stolen_token(pair):
    """After the grace none of the two gets anything."""
    APIClient().post(URL, {"refresh": pair.refresh})
    BlacklistedToken.objects.update(blacklisted_at=timezone.now() - timedelta(seconds=11))
    statuses = []

    def refresh():
        statuses.append(APIClient().post(URL, {"refresh": pair.refresh}).status_code)
        connections.close_all()

    threads = [Thread(target=refresh) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [401, 401]
    assert Session.objects.get().ended_at is not None


def test_without_any_token(client, db):
    refused(client.post(URL), 401, "AUTH_001")
    refused(client.post(URL, {}), 401, "AUTH_001")
    refused(client.post(URL, {"refresh": ""}), 401, "AUTH_001")


def test_an_empty_cookie(client, db, settings):
    refused(by_cookie(client, settings, ""), 401, "AUTH_001")


def test_an_expired_token(client, pair, settings):
    with later(7 * 24 * 3600 + 1):
        refused(client.post(URL, {"refresh": pair.refresh}), 401, "AUTH_003")
        refused(by_cookie(client, settings, pair.refresh), 401, "AUTH_003")


@pytest.mark.parametrize("nonsense", ["x", "a.b.c", "あ", "x" * 100_000, "." * 10_000])
def test_nonsense(client, db, settings, nonsense):
    refused(client.post(URL, {"refresh": nonsense}), 401, "AUTH_002")


def test_an_access_token(client, pair):
    refused(client.post(URL, {"refresh": pair.access}), 401, "AUTH_002")


def test_an_ended_session(client, pair):
    Session.objects.all().end()

    refused(client.post(URL, {"refresh": pair.refresh}), 401, "AUTH_002")


def test_a_disabled_account(client, alice, pair):
    alice.is_active = False
    alice.save()

    refused(client.post(URL, {"refresh": pair.refresh}), 401, "AUTH_002")


def test_a_deleted_account(client, alice, pair):
    alice.delete()

    refused(client.post(URL, {"refresh": pair.refresh}), 401, "AUTH_002")


@pytest.mark.parametrize(
    ("body", "code"), [({"refresh": None}, "VAL_001"), ({"refresh": []}, "VAL_002"), ([], "VAL_002")]
)
def test_what_is_refused(client, db, body, code):
    refused(client.post(URL, body, format="json"), 422, code)


def test_json_only(client, pair):
    refused(client.post(URL, {"refresh": pair.refresh}, format="multipart"), 415, "REQ_002")
    refused(client.get(URL), 405, "REQ_001")


def test_a_session_ends_for_good_after_thirty_days(client, pair):
    """However often its tokens are renewed."""
    refresh = pair.refresh
    for day in range(6, 30, 6):
        with later(day * 24 * 3600):
            refresh = client.post(URL, {"refresh": refresh}).json()["refresh"]

    with later(30 * 24 * 3600 - 60):
        answer = client.post(URL, {"refresh": refresh}).json()
        assert is_accepted(answer["access"])
    with later(30 * 24 * 3600 + 1):
        refused(client.post(URL, {"refresh": answer["refresh"]}), 401, "AUTH_003")
        assert not is_accepted(answer["access"])
        assert not Session.objects.usable().exists()
