import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest

from apps.accounts.models import Session, User
from conftest import PASSWORD, UserFactory


def test_it_works(alice):
    assert User.objects.get_by_natural_key("ALICE") == alice
    assert User.objects.get_by_natural_key("alice@EXAMPLE.com") == alice
    assert authenticate(HttpRequest(), username="Alice", password=PASSWORD) == alice


@pytest.mark.parametrize(
    "other",
    [
        {"username": "ALICE"},
        {"email": "ALICE@example.com"},
        {"username": "alice@home"},
        {"language": "fr"},
        {"theme": "pink"},
    ],
)
def test_what_the_database_refuses(alice, other):
    with pytest.raises(IntegrityError):
        UserFactory(**other)


@pytest.mark.parametrize(("field", "value"), [("username", "ALICE"), ("email", "Alice@example.com")])
def test_what_a_form_says_of_what_is_taken(alice, field, value):
    user = User(**{"username": "other", "email": "other@example.com", "password": "x", field: value})

    with pytest.raises(ValidationError) as caught:
        user.full_clean()

    assert "すでに" in str(caught.value.messages)


def test_ending_sessions(alice, bob):
    mine = Session.objects.create(user=alice)
    hers = Session.objects.create(user=bob)

    assert Session.objects.filter(user=alice).end() == 1
    assert Session.objects.filter(user=alice).end() == 0

    mine.refresh_from_db()
    hers.refresh_from_db()
    assert mine.ended_at is not None
    assert hers.ended_at is None
