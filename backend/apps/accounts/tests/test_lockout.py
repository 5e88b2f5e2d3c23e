"""Who guesses at passwords is locked out for a while, in the API and in the admin alike."""

import time
from datetime import timedelta

import pyotp
import pytest
import time_machine
from axes.models import AccessAttempt
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts import lockout
from apps.accounts.models import SecondFactor
from apps.core.models import CallCount
from conftest import PASSWORD, UserFactory, refused, signed_in

pytestmark = pytest.mark.django_db

LOGIN = "/api/v1/auth/login/"
WRONG = "a wrong password"
ME = "/api/v1/auth/me/"


def login(name="alice", password=WRONG, address="203.0.113.1", code=""):
    return APIClient().post(LOGIN, {"username": name, "password": password, "code": code}, REMOTE_ADDR=address)


def guess(times, **given):
    return [login(**given).status_code for _ in range(times)]


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_ten_wrong_passwords(alice, name):
    """Whether there is such an account shows in no answer."""
    assert guess(10, name=name) == [401] * 9 + [429]

    response = login(name, PASSWORD)
    error = refused(response, 429, "SRV_004")
    assert error["message"] == "パスワードの間違いが続きました。15分後にもう一度お試しください。"
    assert 890 <= int(response["Retry-After"]) <= 900
    assert response["Cache-Control"] == "no-store"


def test_in_every_spelling(alice):
    names = ["alice", "ALICE", " alice ", "ａｌｉｃｅ"]

    assert [login(names[number % 4]).status_code for number in range(10)] == [401] * 9 + [429]


@pytest.mark.parametrize("names", [("alice", "alice@example.com"), ("nobody", "nobody@example.com")])
def test_a_name_and_an_address_do_not_show_that_they_are_of_one_account(alice, names):
    name, address = names
    assert guess(10, name=name) == [401] * 9 + [429]

    assert guess(10, name=address) == [401] * 9 + [429]


@pytest.mark.limits
@pytest.mark.usefixtures("no_redis")
def test_beyond_the_limit_of_a_minute_too(alice):
    """Who is locked out is told when that ends, and not that a minute is enough."""
    for _ in range(2):
        guess(5)
        CallCount.objects.all().delete()
    assert guess(6) == [429] * 6

    assert int(login()["Retry-After"]) > 890


def test_a_new_password_ends_it(alice):
    guess(10)
    alice.set_password("another-9-umbrella")
    alice.save()

    assert login(password="another-9-umbrella").status_code == 200


def test_nobody_else_is(alice, bob):
    guess(10)

    assert login("bob", PASSWORD).status_code == 200
    assert login("alice", PASSWORD, address="203.0.113.2").status_code == 200


@pytest.mark.usefixtures("no_redis")
def test_until_fifteen_minutes_later(alice):
    guess(10)

    with time_machine.travel(timezone.now() + timedelta(minutes=14), tick=False):
        response = login(password=PASSWORD)
        refused(response, 429, "SRV_004")
        assert int(response["Retry-After"]) <= 61
    with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=False):
        assert login(password=PASSWORD).status_code == 200


def test_the_right_password_begins_anew(alice):
    assert guess(9) == [401] * 9
    assert login(password=PASSWORD).status_code == 200

    assert guess(9) == [401] * 9
    assert login(password=PASSWORD).status_code == 200


def test_guessing_at_codes(alice):
    """With the right password."""
    SecondFactor.objects.create(user=alice, secret=pyotp.random_base32(), confirmed_at=timezone.now())

    assert guess(10, password=PASSWORD, code="000000") == [401] * 9 + [429]


@pytest.mark.usefixtures("no_redis")
def test_guessing_at_codes_from_many_addresses(alice):
    """Whoever does that knows the password, so that no stranger can lock anybody out."""
    totp = pyotp.TOTP(pyotp.random_base32())
    SecondFactor.objects.create(user=alice, secret=totp.secret, confirmed_at=timezone.now())
    addresses = [f"203.0.113.{number}" for number in range(1, 13)]

    answers = [login(password=PASSWORD, code="000000", address=address) for address in addresses]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert 890 <= int(answers[-1]["Retry-After"]) <= 900
    refused(login(password=PASSWORD, code=totp.now(), address="198.51.100.1"), 429, "SRV_004")
    with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=False):
        assert login(password=PASSWORD, code=totp.now(), address="198.51.100.1").status_code == 200


def test_the_right_code_begins_anew(alice):
    totp = pyotp.TOTP(pyotp.random_base32())
    SecondFactor.objects.create(user=alice, secret=totp.secret, confirmed_at=timezone.now())
    for number in range(9):
        login(password=PASSWORD, code="000000", address=f"203.0.113.{number}")
    assert login(password=PASSWORD, code=totp.now()).status_code == 200

    assert guess(9, password=PASSWORD, code="000000", address="198.51.100.1") == [401] * 9


def test_a_network_of_ipv6_is_one_address(alice):
    addresses = [f"2001:db8:1:2::{number:x}" for number in range(1, 11)]

    assert [login(address=address).status_code for address in addresses] == [401] * 9 + [429]
    assert login(password=PASSWORD, address="2001:db8:1:3::1").status_code == 200


def test_a_code_that_is_asked_for_is_no_failure(alice):
    SecondFactor.objects.create(user=alice, secret=pyotp.random_base32(), confirmed_at=timezone.now())

    assert guess(11, password=PASSWORD) == [401] * 11


def test_with_a_stolen_token(alice):
    """The password that deletes an account cannot be guessed where nobody has to log in."""
    thief = signed_in(alice)
    body = {"old": WRONG, "new": "another-9-umbrella"}

    answers = [thief.post("/api/v1/auth/password/change/", body).status_code for _ in range(5)]
    answers += [thief.delete(ME, {"password": WRONG}).status_code for _ in range(5)]

    assert answers == [422] * 9 + [429]
    refused(thief.delete(ME, {"password": PASSWORD}), 429, "SRV_004")


def test_in_the_admin(alice):
    UserFactory(username="root", is_staff=True, is_superuser=True)

    def log_in(password):
        return Client().post("/admin/login/", {"username": "root", "password": password, "code": "123456"})

    assert [log_in(WRONG).status_code for _ in range(10)] == [200] * 9 + [429]
    response = log_in(PASSWORD)
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert '<p class="errornote">パスワードの間違いが続きました。15分後' in response.content.decode()


def test_guessing_at_codes_in_the_admin():
    root = UserFactory(username="root", is_staff=True, is_superuser=True)
    SecondFactor.objects.create(user=root, secret=pyotp.random_base32(), confirmed_at=timezone.now())

    form = {"username": "root", "password": PASSWORD, "code": "000000"}
    assert [Client().post("/admin/login/", form).status_code for _ in range(10)] == [200] * 9 + [429]


@pytest.mark.limits
def test_the_admin_has_the_limits_of_the_log_in():
    UserFactory(username="root", is_staff=True, is_superuser=True)
    form = {"username": "root", "password": WRONG}
    for _ in range(5):
        Client().post("/admin/login/", form)

    page = Client(headers={"Accept-Language": "en"}).post("/admin/login/", {**form, "password": PASSWORD})

    assert page.status_code == 429
    assert 1 <= int(page["Retry-After"]) <= 61
    assert "Too many requests." in page.content.decode()
    assert Client().get("/admin/login/").status_code == 200


@pytest.mark.usefixtures("no_redis")
def test_what_is_kept_of_a_guess(alice):
    Client().post("/admin/login/", {"username": "alice", "password": "a-secret-of-mine", "code": "123456"})
    login(password="a-secret-of-mine")

    login(name="a-secret-in-the-wrong-field")

    assert AccessAttempt.objects.count() == 3
    kept = str(list(AccessAttempt.objects.values()))
    assert "alice" not in kept
    assert "a-secret" not in kept
    assert "123456" not in kept


@pytest.mark.usefixtures("redis")
class TestInRedis:
    """What of it ends after a quarter of an hour says its server, whose clock does not travel."""

    @pytest.fixture(autouse=True)
    def short(self, settings, monkeypatch):
        settings.AXES_COOLOFF_TIME = timedelta(seconds=2)
        monkeypatch.setattr(lockout, "COOLOFF_SECONDS", 2)

    def test_until_it_is_over(self, alice):
        guess(10)
        response = login(password=PASSWORD)
        refused(response, 429, "SRV_004")
        assert 1 <= int(response["Retry-After"]) <= 2

        time.sleep(2.1)
        assert login(password=PASSWORD).status_code == 200

    def test_guessing_at_codes_from_many_addresses(self, alice):
        totp = pyotp.TOTP(pyotp.random_base32())
        SecondFactor.objects.create(user=alice, secret=totp.secret, confirmed_at=timezone.now())
        addresses = [f"203.0.113.{number}" for number in range(1, 13)]

        answers = [login(password=PASSWORD, code="000000", address=address) for address in addresses]

        assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
        time.sleep(3)
        assert login(password=PASSWORD, code=totp.now(), address="198.51.100.1").status_code == 200

    def test_nothing_is_asked_of_the_database(self, alice):
        guess(3)

        assert not AccessAttempt.objects.exists()
        assert not CallCount.objects.exists()
