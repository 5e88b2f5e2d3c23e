import pytest
from django.core.cache import cache
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

URL = "/api/v1/health/ready/"


@pytest.mark.django_db
def test_it_works(client):
    response = client.get(URL)

    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "cache": "ok"},
    }


@pytest.mark.django_db
def test_a_pending_migration_is_named(client):
    MigrationRecorder(connection).record_unapplied("core", "0002_limits_and_audit")

    response = client.get(URL)

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert response.json() == {
        "status": "unavailable",
        "checks": {"database": "ok", "migrations": "pending: core.0002_limits_and_audit", "cache": "ok"},
    }


@pytest.mark.django_db
@pytest.mark.usefixtures("no_redis")
def test_a_cache_without_its_table(client):
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE core_cache")

    response = client.get(URL)

    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "ok", "migrations": "ok", "cache": "unreachable"}


@pytest.mark.django_db
def test_a_cache_that_keeps_nothing(client, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

    response = client.get(URL)

    assert response.status_code == 503
    assert response.json()["checks"]["cache"] == "forgetful"
    assert cache.get("readiness") is None


@pytest.mark.django_db
def test_other_methods_are_not_taken(client):
    assert client.post(URL).json()["error"]["code"] == "REQ_001"
