import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta
from datetime import timezone as zone
from threading import Barrier, Thread
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import time_machine
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import RecoveryCode, SecondFactor, Session
from conftest import PASSWORD, refused

URL = "/api/v1/auth/totp/"
CONFIRM = "/api/v1/auth/totp/confirm/"
LOGINS = ["/api/v1/auth/login/", "/api/v1/auth/token/"]


@pytest.fixture(autouse=True)
def clock():
    """Stands still at the middle of a half minute."""
    with time_machine.travel(datetime(2026, 11, 25, 12, 0, 15, tzinfo=zone.utc), tick=False) as clock:
        yield clock


def code_of(secret, half_minutes=0):
    """What the app shows now, or some half minutes from now."""
    return pyotp.TOTP(secret).at(timezone.now() + timedelta(seconds=30 * half_minutes))


@pytest.fixture
def secret(alice_client):
    return alice_client.post(URL).json()["secret"]


@pytest.fixture
def recovery_codes(alice_client, secret, clock):
    """Of alice, whose log-in wants a code from now on; the app shows another one by now."""
    codes = alice_client.post(CONFIRM, {"code": code_of(secret)}).json()["recovery_codes"]
    clock.shift(60)
    return codes


def log_in(code=None, url=LOGINS[0], password=PASSWORD):
    body = {"username": "alice", "password": password}
    return APIClient().post(url, body if code is None else {**body, "code": code}, headers={"Accept-Language": "en"})


def test_it_works(alice_client):
    assert alice_client.get(URL).json() == {"enabled": False, "recovery_codes_left": 0}

    begun = alice_client.post(URL)

    assert begun.status_code == 201
    assert set(begun.json()) == {"secret", "uri", "qr"}
    assert begun["Cache-Control"] == "no-store"
    assert alice_client.get(URL).json() == {"enabled": False, "recovery_codes_left": 0}
    assert log_in().status_code == 200

    confirmed = alice_client.post(CONFIRM, {"code": code_of(begun.json()["secret"])})

    assert confirmed.status_code == 200
    assert confirmed["Cache-Control"] == "no-store"
    assert alice_client.get(URL).json() == {"enabled": True, "recovery_codes_left": 10}


def test_what_an_app_reads(alice_client):
    begun = alice_client.post(URL).json()

    address = urlsplit(begun["uri"])
    assert (address.scheme, address.netloc, address.path) == ("otpauth", "totp", "/thinkRing:alice")
    assert parse_qs(address.query) == {"secret": [begun["secret"]], "issuer": ["thinkRing"]}
    assert len(begun["secret"]) == 32


def test_the_qr_code_is_a_picture_without_anything_that_a_page_would_refuse(alice_client):
    svg = ElementTree.fromstring(alice_client.post(URL).json()["qr"])  # noqa: S314

    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert "viewBox" in svg.attrib
    assert not {"style", "class"} & {name for element in svg.iter() for name in element.attrib}


@pytest.mark.parametrize("url", LOGINS)
def test_log_in_wants_a_code(recovery_codes, secret, url):
    sessions = Session.objects.count()

    said = refused(log_in(url=url), 401, "AUTH_004", "code")

    assert (
        said["message"]
        == said["details"][0]["reason"]
        == ("This account wants a code too. Type the one that your authenticator app shows, or a recovery code.")
    )
    refused(log_in("", url), 401, "AUTH_004", "code")
    assert Session.objects.count() == sessions
    assert log_in(code_of(secret), url).status_code == 200
    assert Session.objects.count() == sessions + 1


@pytest.mark.parametrize("url", LOGINS)
@pytest.mark.parametrize("code", ["000000", "12345", "abcdef", "x" * 40, "aaaa-bbbb-cccc-dddd"])
def test_a_wrong_code(recovery_codes, url, code):
    said = refused(log_in(code, url), 401, "AUTH_004", "code")

    assert said["message"].startswith("The code is not right, or was used already.")


def test_a_wrong_password_does_not_tell_that_a_code_is_wanted(recovery_codes, secret):
    for code in (None, "000000", code_of(secret)):
        assert refused(log_in(code, password="wrong"), 401, "AUTH_004")["details"] == []
    # And has not used up the code.
    assert log_in(code_of(secret)).status_code == 200


def test_a_code_is_accepted_once(recovery_codes, secret, clock):
    code = code_of(secret)

    assert log_in(code).status_code == 200
    refused(log_in(code), 401, "AUTH_004", "code")
    clock.shift(30)
    refused(log_in(code), 401, "AUTH_004", "code")
    assert log_in(code_of(secret)).status_code == 200


def test_the_code_that_confirmed_is_used_up(alice_client, secret):
    code = code_of(secret)
    alice_client.post(CONFIRM, {"code": code})

    refused(log_in(code), 401, "AUTH_004", "code")


@pytest.mark.parametrize(("half_minutes", "status"), [(-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401)])
def test_a_clock_that_is_half_a_minute_wrong(recovery_codes, secret, half_minutes, status):
    assert log_in(code_of(secret, half_minutes)).status_code == status


def test_an_older_code_after_a_newer_one(recovery_codes, secret):
    assert log_in(code_of(secret, 1)).status_code == 200

    refused(log_in(code_of(secret, 0)), 401, "AUTH_004", "code")


def test_a_code_as_people_type_it(recovery_codes, secret):
    code = code_of(secret)
    full_width = "".join(chr(ord(digit) + 0xFEE0) for digit in code)

    assert log_in(f" {full_width[:3]}　{full_width[3:]} ").status_code == 200


def test_recovery_codes(alice_client, recovery_codes):
    assert len(set(recovery_codes)) == 10
    assert log_in(recovery_codes[0]).status_code == 200
    assert log_in(recovery_codes[1].replace("-", " ").upper()).status_code == 200

    refused(log_in(recovery_codes[0]), 401, "AUTH_004", "code")
    assert alice_client.get(URL).json() == {"enabled": True, "recovery_codes_left": 8}


def test_no_recovery_code_is_stored(recovery_codes):
    stored = str(list(RecoveryCode.objects.values()))

    for code in recovery_codes:
        assert code not in stored
        assert code.replace("-", "").upper() not in stored


def test_the_codes_of_somebody_else(recovery_codes, secret, bob, bob_client, clock):
    theirs = bob_client.post(URL).json()["secret"]
    bobs_codes = bob_client.post(CONFIRM, {"code": code_of(theirs)}).json()["recovery_codes"]
    clock.shift(60)

    refused(log_in(bobs_codes[0]), 401, "AUTH_004", "code")
    refused(log_in(code_of(theirs)), 401, "AUTH_004", "code")
    assert bob_client.get(URL).json()["recovery_codes_left"] == 10


def test_others_log_in_as_before(client, recovery_codes, bob):
    assert client.post(LOGINS[0], {"username": "bob", "password": PASSWORD}).status_code == 200
    assert client.post(LOGINS[0], {"username": "bob", "password": PASSWORD, "code": "1"}).status_code == 200


def test_confirming_wants_the_code_of_the_app(alice_client, secret):
    """Not 401, which a browser takes for the end of its session."""
    refused(alice_client.post(CONFIRM, {"code": "000000"}), 422, "VAL_005", "code")

    assert alice_client.get(URL).json()["enabled"] is False
    assert not RecoveryCode.objects.exists()


@pytest.mark.parametrize(
    ("body", "code"), [({}, "VAL_001"), ({"code": ""}, "VAL_001"), ({"code": "1" * 41}, "VAL_003")]
)
def test_what_confirming_refuses(alice_client, secret, body, code):
    refused(alice_client.post(CONFIRM, body), 422, code, "code")


def test_beginning_anew_forgets_the_secret_before(alice_client, secret):
    assert alice_client.post(URL).json()["secret"] != secret

    refused(alice_client.post(CONFIRM, {"code": code_of(secret)}), 422, "VAL_005", "code")


def test_nothing_is_begun_or_confirmed_out_of_turn(alice_client, bob_client, recovery_codes, secret):
    refused(alice_client.post(URL), 400, "BIZ_001")
    refused(alice_client.post(CONFIRM, {"code": code_of(secret)}), 400, "BIZ_001")
    refused(bob_client.post(CONFIRM, {"code": code_of(secret)}), 400, "BIZ_001")

    assert log_in(code_of(secret)).status_code == 200


def test_turning_it_off(alice_client, recovery_codes):
    response = alice_client.delete(URL, {"password": PASSWORD})

    assert (response.status_code, response.content) == (204, b"")
    assert alice_client.get(URL).json() == {"enabled": False, "recovery_codes_left": 0}
    assert not RecoveryCode.objects.exists()
    assert log_in().status_code == 200


@pytest.mark.parametrize(("body", "code"), [({"password": "wrong"}, "VAL_005"), ({}, "VAL_001")])
def test_turning_it_off_wants_the_password(alice_client, recovery_codes, body, code):
    refused(alice_client.delete(URL, body), 422, code, "password")

    assert alice_client.get(URL).json()["enabled"] is True


def test_turning_off_what_is_not_on(alice_client):
    assert alice_client.delete(URL, {"password": PASSWORD}).status_code == 204


def test_a_refresh_wants_no_code(client, recovery_codes, secret):
    refresh = log_in(code_of(secret), LOGINS[1]).json()["refresh"]

    assert client.post("/api/v1/auth/refresh/", {"refresh": refresh}).status_code == 200


def test_it_goes_with_the_account(alice_client, recovery_codes):
    alice_client.delete("/api/v1/auth/me/", {"password": PASSWORD})

    assert not SecondFactor.objects.exists()


@pytest.mark.parametrize(("method", "url"), [("get", URL), ("post", URL), ("delete", URL), ("post", CONFIRM)])
def test_who_is_not_logged_in(client, db, method, url):
    refused(getattr(client, method)(url), 401, "AUTH_001")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_a_code_sent_twice_at_once_is_accepted_once(recovery_codes, secret, kind):
    code = code_of(secret) if kind == "app" else recovery_codes[0]
    barrier = Barrier(2)
    statuses = []

    def use():
        barrier.wait()
        statuses.append(log_in(code).status_code)
        connections.close_all()

    threads = [Thread(target=use) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 401]
