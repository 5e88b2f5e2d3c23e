from datetime import timedelta
from uuid import uuid4

import jwt
import pytest
import time_machine
from django.conf import settings as django_settings
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from apps.accounts.models import Session
from conftest import refused

URL = "/api/v1/auth/me/"
KEY = django_settings.JWT_SECRET_KEY


@pytest.fixture
def ask(client):
    return lambda token, scheme="Bearer": client.get(URL, headers={"Authorization": f"{scheme} {token}"})


def forged(pair, key=KEY, algorithm="HS256", **changes):
    """The access token with other claims, or signed otherwise; None takes a claim away."""
    claims = {**jwt.decode(pair.access, options={"verify_signature": False}), **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm)


def test_it_works(ask, pair):
    assert ask(pair.access).json()["username"] == "alice"


def test_what_a_token_carries(alice, pair):
    access, refresh = (
        jwt.decode(token, KEY, algorithms=["HS256"], audience="thinkring", issuer="thinkring") for token in pair
    )

    assert access["session"] == refresh["session"] == str(Session.objects.get().pk)
    assert access["user_id"] == refresh["user_id"] == str(alice.pk)
    assert access["exp"] - access["iat"] == 15 * 60
    assert refresh["exp"] - refresh["iat"] == 7 * 24 * 3600


def test_forged_as_it_was_it_is_accepted(ask, pair):
    """Or the refusals below would prove nothing."""
    assert ask(forged(pair)).status_code == 200


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_in_any_case(ask, pair, scheme):
    assert ask(pair.access, scheme).status_code == 200


def test_without_a_token(client, db):
    response = client.get(URL)

    refused(response, 401, "AUTH_001")
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["", " ", "Bearer", "Bearer ", "Bearer a b", "Basic YTpi", "nonsense", "Bearer,x"])
def test_a_malformed_header(client, db, header):
    refused(client.get(URL, headers={"Authorization": header}), 401, "AUTH_002")


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "é", "eyJhbGciOiJIUzI1NiJ9.e30.x", "x" * 8000])
def test_nonsense(ask, db, token):
    refused(ask(token), 401, "AUTH_002")


def test_a_header_nested_too_deeply(ask, db):
    nested = jwt.utils.base64url_encode(b"[" * 5000).decode()

    refused(ask(f"{nested}.e30.x"), 401, "AUTH_002")


def test_an_expired_token(ask, pair):
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1)):
        refused(ask(pair.access), 401, "AUTH_003")


def test_a_token_about_to_expire(ask, pair):
    with time_machine.travel(timezone.now() + timedelta(minutes=14, seconds=50)):
        assert ask(pair.access).status_code == 200


def test_a_refresh_token(ask, pair):
    refused(ask(pair.refresh), 401, "AUTH_002")


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "another-key-of-at-least-32-characters"},
        {"key": "", "algorithm": "none"},
        {"algorithm": "HS384"},
        {"aud": "another"},
        {"aud": None},
        {"iss": "another"},
        {"iss": None},
        {"exp": None},
        {"exp": 10**20},
        {"jti": None},
        {"token_type": None},
        {"token_type": "refresh"},
        {"session": None},
        {"session": "x"},
        {"session": 5},
        {"session": str(uuid4())},
    ],
)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_forged_token(ask, pair, changes):
    refused(ask(forged(pair, **changes)), 401, "AUTH_002")


def test_a_changed_token(ask, pair):
    header, claims, signature = pair.access.split(".")
    other = jwt.utils.base64url_encode(b'{"session": "x"}').decode()

    refused(ask(f"{header}.{other}.{signature}"), 401, "AUTH_002")
    refused(ask(f"{header}.{claims}."), 401, "AUTH_002")


def test_a_token_that_belongs_to_no_session(ask, alice):
    refused(ask(AccessToken.for_user(alice)), 401, "AUTH_002")


def test_an_ended_session(ask, pair):
    Session.objects.all().end()

    refused(ask(pair.access), 401, "AUTH_002")


def test_a_disabled_account(ask, alice, pair):
    alice.is_active = False
    alice.save()

    refused(ask(pair.access), 401, "AUTH_002")


def test_a_deleted_account(ask, alice, pair):
    alice.delete()

    refused(ask(pair.access), 401, "AUTH_002")
