import concurrent.futures

import pytest
import time_machine
from django.conf import settings as configured
from django.db import connection, connections
from rest_framework.settings import api_settings
from rest_framework.test import APIClient

from apps.core import throttling
from apps.core.models import AuditEvent
from conftest import PASSWORD, refused, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.limits]

LOGIN = "/api/v1/auth/login/"
WRONG = "a wrong password"
REFRESH = "/api/v1/auth/refresh/"
ME = "/api/v1/auth/me/"


def login(name="nobody", password=WRONG, address="203.0.113.1"):
    return APIClient().post(LOGIN, {"username": name, "password": password}, REMOTE_ADDR=address)


def statuses(ask, number):
    return [ask().status_code for _ in range(number)]


def test_the_limits_of_the_contract():
    assert configured.CALL_LIMITS == {"login_name": 5, "login_address": 20, "anonymous": 60, "signed_in": 600}


def test_log_in_of_one_name(alice):
    """Also with the right password, in another spelling, and by the other log-in."""
    assert statuses(lambda: login("alice"), 5) == [401] * 5

    response = login(" ＡＬＩＣＥ", PASSWORD)
    refused(response, 429, "SRV_004")
    assert 1 <= int(response["Retry-After"]) <= 61
    body = {"username": "alice", "password": PASSWORD}
    assert APIClient().post("/api/v1/auth/token/", body, REMOTE_ADDR="203.0.113.1").status_code == 429
    assert login("alice", PASSWORD, address="203.0.113.2").status_code == 200


def test_log_in_of_many_names_from_one_address(alice):
    names = iter(f"name{number}" for number in range(20))
    assert statuses(lambda: login(next(names)), 20) == [401] * 20

    refused(login("alice", PASSWORD), 429, "SRV_004")


@pytest.mark.usefixtures("no_redis")
def test_a_minute_later(alice):
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        statuses(lambda: login("alice"), 6)
        clock.shift(59)
        response = login("alice", PASSWORD)
        assert (response.status_code, response["Retry-After"]) == (429, "2")
        clock.shift(2)
        assert login("alice", PASSWORD).status_code == 200


@pytest.mark.usefixtures("no_redis")
def test_a_clock_that_was_wrong_locks_nobody_out(alice):
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        statuses(lambda: login("alice"), 6)
        clock.shift(-6 * 3600)
        assert login("alice", PASSWORD).status_code == 200


def test_other_anonymous_calls(settings):
    settings.CALL_LIMITS = {**settings.CALL_LIMITS, "anonymous": 3}

    assert statuses(lambda: APIClient().post(REFRESH, {}), 4) == [401, 401, 401, 429]
    reset = APIClient().post("/api/v1/auth/password/reset/", {"email": "a@example.com"})
    refused(reset, 429, "SRV_004")
    register = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
    refused(APIClient().post("/api/v1/auth/register/", register), 429, "SRV_004")


def test_an_account(alice, bob, settings):
    settings.CALL_LIMITS = {**settings.CALL_LIMITS, "signed_in": 3}
    first, second = signed_in(alice), signed_in(alice)

    assert statuses(lambda: first.get(ME), 2) == [200, 200]
    assert statuses(lambda: second.get(ME), 2) == [200, 429]
    assert signed_in(bob).get(ME).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/health/", "/api/v1/health/ready/", "/api/v1/version/"])
def test_monitoring_is_never_limited(settings, path):
    settings.CALL_LIMITS = dict.fromkeys(settings.CALL_LIMITS, 1)

    assert statuses(lambda: APIClient().get(path), 3) == [200] * 3


@pytest.mark.parametrize(
    ("proxies", "counted"),
    [
        (0, ["10.0.0.9", "10.0.0.9", "10.0.0.9"]),
        (1, ["203.0.113.1", "203.0.113.1", "203.0.113.2"]),
    ],
    ids=["behind none", "behind one"],
)
def test_whose_address_it_is(rf, proxies, counted, monkeypatch):
    """Without a proxy the header is the client's invention; behind one the last entry is what nginx has seen."""
    monkeypatch.setattr(api_settings, "NUM_PROXIES", proxies)
    forwarded = ["203.0.113.1", "198.51.100.7, 203.0.113.1", ",127.0.0.1, 203.0.113.2"]

    found = [
        throttling.network(rf.get("/", REMOTE_ADDR="10.0.0.9", HTTP_X_FORWARDED_FOR=header)) for header in forwarded
    ]

    assert found == counted


def test_an_address_of_ipv6_is_that_of_its_network(rf):
    networks = {
        throttling.network(rf.get("/", REMOTE_ADDR=address))
        for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::1", "2001:db8:1:3::1")
    }

    assert networks == {"2001:db8:1:2::/64", "2001:db8:1:3::/64"}


@pytest.mark.usefixtures("no_redis")
def test_names_and_addresses_are_not_stored(alice):
    login("alice", address="203.0.113.77")

    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM core_callcount")
        keys = str(cursor.fetchall())
    assert "alice" not in keys
    assert "203.0.113" not in keys


def test_a_flood_is_told_once():
    statuses(lambda: login("alice"), 8)

    assert [event.details for event in AuditEvent.objects.filter(event="limited")] == [{"limit": "login_name"}]


@pytest.mark.parametrize("body", ["[]", "[", '"x"', "{}", '{"username": {"a": 1}}', '{"username": "\\ud800"}'])
def test_nonsense_is_counted_and_answered(body):
    response = APIClient().generic("POST", LOGIN, body, content_type="application/json")

    assert response.status_code in (400, 422)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
def test_at_once(alice):
    """Of forty at the same moment five get through, whichever."""

    def ask(_number):
        status = login("alice").status_code
        connections.close_all()
        return status

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        found = list(pool.map(ask, range(40)))

    assert (found.count(401), found.count(429)) == (5, 35)


def test_refusing_a_foreign_page_writes_no_more_than_the_limit(db):
    headers = {"Origin": "https://evil.example"}
    answers = statuses(lambda: APIClient().post(REFRESH, headers=headers), 65)

    assert answers == [403] * 60 + [429] * 5
    assert AuditEvent.objects.filter(event="refused").count() == 60


class TestManyAtOnce:
    """A high limit is counted ten at a time."""

    @pytest.fixture(autouse=True)
    def limit(self, settings, monkeypatch):
        settings.CALL_LIMITS = {**settings.CALL_LIMITS, "signed_in": 305}
        monkeypatch.setattr(throttling, "in_hand", {})

    def test_it_is_exact_in_one_process(self, alice):
        limit = throttling.SignedInLimit()

        assert [limit.allows("alice") for _ in range(307)] == [True] * 305 + [False] * 2
        assert 0 < limit.wait() <= 60
        assert AuditEvent.objects.filter(event="limited").count() == 1

    def test_processes_together_let_no_more_through(self, alice, monkeypatch):
        limit, hands = throttling.SignedInLimit(), [{}, {}, {}]
        allowed = 0
        for number in range(400):
            monkeypatch.setattr(throttling, "in_hand", hands[number % 3])
            allowed += limit.allows("alice")

        assert 305 - 2 * (throttling.AT_ONCE - 1) <= allowed <= 305

    @pytest.mark.usefixtures("no_redis")
    def test_the_database_is_asked_once_for_ten(self, alice, django_assert_num_queries):
        limit = throttling.SignedInLimit()

        with django_assert_num_queries(2):
            assert all(limit.allows("alice") for _ in range(20))

    @pytest.mark.usefixtures("no_redis")
    def test_what_is_in_hand_ends_with_its_minute(self, alice):
        limit = throttling.SignedInLimit()
        with time_machine.travel(1_800_000_000, tick=False) as clock:
            assert all(limit.allows("alice") for _ in range(301))
            clock.shift(61)
            assert sum(limit.allows("alice") for _ in range(400)) == 305

    @pytest.mark.usefixtures("no_redis")
    def test_nor_is_it_kept_by_a_clock_that_was_wrong(self, alice):
        limit = throttling.SignedInLimit()
        with time_machine.travel(1_800_000_000, tick=False) as clock:
            limit.allows("alice")
            clock.shift(-6 * 3600)
            assert sum(limit.allows("alice") for _ in range(400)) == 305
