import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import factory
import psycopg
import pytest
import requests
from botocore.exceptions import EndpointConnectionError
from django.contrib.auth.hashers import make_password
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connection
from django.utils import translation
from hypothesis import settings as hypothesis_settings
from moto.server import ThreadedMotoServer
from rest_framework.test import APIClient

from apps.accounts import mails, tokens
from apps.accounts.models import User
from apps.core import throttling
from apps.core.cache import breaker, in_redis
from apps.core.errors import KINDS

PASSWORD = "tomato-9-umbrella"
SECRET = "nobody-knows-this-secret-of-sixty-four-characters-0123456789abcd"

# How long an example takes says nothing on a machine that does other things too.
hypothesis_settings.register_profile("thinkring", deadline=None, stateful_step_count=20)
# `make torture`.
hypothesis_settings.register_profile("torture", deadline=None, max_examples=2000, stateful_step_count=50)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "thinkring"))


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User

    username = factory.Sequence(lambda number: f"user{number}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    password = factory.LazyFunction(lambda: make_password(PASSWORD))


@pytest.fixture(autouse=True)
def fast_hasher(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def default_language():
    """A request leaves its language behind in the process, and the next test would answer in it."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def no_limits(request, monkeypatch):
    """What a test asks is not counted, unless limits are what it is about: `pytest.mark.limits`."""
    if not request.node.get_closest_marker("limits"):
        monkeypatch.setattr(throttling.Limit, "allow_request", lambda *arguments: True)
        monkeypatch.setattr(throttling.Limit, "allows", lambda *arguments: True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """With UPGRADE_FROM, the dump of an earlier release, the tests run on its database, migrated to this one."""
    dump = os.environ.get("UPGRADE_FROM")
    if not dump:
        return
    settings = connection.settings_dict
    server = {name: settings[name.upper()] for name in ("host", "port", "user", "password")}
    template = settings["TEST"]["TEMPLATE"] = f"upgrade_{settings['TEST']['NAME'] or 'test'}"
    with psycopg.connect(**server, dbname=settings["NAME"], autocommit=True) as maintenance:
        maintenance.execute(f"DROP DATABASE IF EXISTS {template}")
        maintenance.execute(f"CREATE DATABASE {template}")
    with psycopg.connect(**server, dbname=template) as earlier:
        earlier.execute(Path(dump).read_text())


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """That rows survive is for tests/upgrades/ to see; here they would be in the way of tests that count theirs."""
    if os.environ.get("UPGRADE_FROM"):
        with django_db_blocker.unblock():
            call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def postgresql():
    """For what only PostgreSQL does: `pytest.mark.usefixtures("postgresql")`."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL")


@pytest.fixture(autouse=True)
def empty_redis(settings):
    """With tests/with-redis.sh: no test finds there what another one has left."""
    if settings.REDIS_HOST:
        breaker.answered()
        in_redis(lambda redis: redis.clear())


@pytest.fixture
def redis(settings):
    """For what only Redis does, or only the database where there is none: `pytest.mark.usefixtures("redis")`."""
    if not settings.REDIS_HOST:
        pytest.skip("needs Redis")
    settings.COMMIT = "a-commit"


@pytest.fixture
def no_redis(settings):
    if settings.REDIS_HOST:
        pytest.skip("is about the database, which has nothing to do here where Redis answers")


@pytest.fixture(scope="session")
def s3():
    """The address of a server that speaks as Amazon's store does."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def buckets(s3, settings, tmp_path):
    """Uploads and static files are kept there, in two empty buckets; says what is in one, by name."""
    requests.post(f"{s3}/moto-api/reset", timeout=10).raise_for_status()
    keys = {"endpoint_url": s3, "region_name": "us-east-1", "access_key": "a-key", "secret_key": "a-secret"}
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_BUCKET, settings.STATIC_BUCKET = "uploads", "static"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "apps.core.store.MediaStore", "OPTIONS": {**keys, "bucket_name": "uploads"}},
        "static_bucket": {"BACKEND": "apps.core.store.Store", "OPTIONS": {**keys, "bucket_name": "static"}},
    }
    for bucket in (settings.MEDIA_BUCKET, settings.STATIC_BUCKET):
        requests.put(f"{s3}/{bucket}", timeout=10).raise_for_status()

    def contents(alias):
        store: Any = storages[alias]
        return {file.key: file.get()["Body"].read() for file in store.bucket.objects.all()}

    return contents


@pytest.fixture
def store_is_away(monkeypatch):
    """From then on; it refuses to be connected to, as one that is down does."""

    def leave():
        monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", refuse)

    def refuse(session, request):
        raise EndpointConnectionError(endpoint_url=request.url)

    return leave


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


def refused(response, status: int, code: str, field: str | None = None) -> dict:
    """The error of an answer that has to be one, in the one shape."""
    assert response["Content-Type"].startswith("application/json"), response.content
    assert list(response.json()) == ["error"]
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, code), error
    keys = [key for key in error if key != "current"]
    assert keys == ["code", "type", "message", "details", "request_id", "timestamp"]
    assert error["type"] == KINDS[code].type
    assert error["request_id"] == response["X-Request-ID"]
    assert datetime.fromisoformat(error["timestamp"]).utcoffset() is not None
    if field is not None:
        assert field in [detail["field"] for detail in error["details"]], error["details"]
    return error


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


class Immediately:
    """An outbox that does not wait until the request was answered."""

    def submit(self, function, *arguments):
        function(*arguments)


@pytest.fixture
def immediately(monkeypatch):
    monkeypatch.setattr(mails, "outbox", Immediately())
    # The test's own connection stays, as it does in Django's test client.
    monkeypatch.setattr(mails, "close_old_connections", lambda: None)
