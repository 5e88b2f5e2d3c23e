import os
import subprocess
import sys
from pathlib import Path

import factory
import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient

from apps.accounts import tokens
from apps.accounts.models import User

PASSWORD = "tomato-9-umbrella"
SECRET = "nobody-knows-this-secret-of-sixty-four-characters-0123456789abcd"

# How long an example takes says nothing on a machine that does other things too.
hypothesis_settings.register_profile("thinkring", deadline=None)
hypothesis_settings.load_profile("thinkring")


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User

    username = factory.Sequence(lambda number: f"user{number}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    password = factory.LazyFunction(lambda: make_password(PASSWORD))


@pytest.fixture(autouse=True)
def fast_hasher(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def postgresql():
    """For what only PostgreSQL does: `pytest.mark.usefixtures("postgresql")`."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL")


@pytest.fixture
def alice(db):
    return UserFactory(username="alice")


@pytest.fixture
def bob(db):
    return UserFactory(username="bob")


def signed_in(user: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.start_session(user).access}")
    return client


@pytest.fixture
def client():
    """Somebody who is not logged in."""
    return APIClient()


@pytest.fixture
def alice_client(alice):
    return signed_in(alice)


@pytest.fixture
def bob_client(bob):
    return signed_in(bob)


@pytest.fixture(scope="session")
def production():
    """The least that a server in production has to be told."""
    return {
        "DEBUG": "False",
        "ALLOWED_HOSTS": "thinkring.example.com",
        "SECRET_KEY": SECRET,
        "JWT_SECRET_KEY": SECRET[::-1],
        "DB_HOST": "db",
        "DB_PASSWORD": "a-password-of-a-database",
    }


@pytest.fixture(scope="session")
def manage():
    """`manage.py` in a process of its own, which knows of the environment only what it is given here."""

    def run(*arguments, **environment):
        return subprocess.run(  # noqa: S603
            [sys.executable, "manage.py", *arguments],
            cwd=Path(__file__).parent,
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run
