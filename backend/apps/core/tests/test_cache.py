import time

import pytest
from django.core.cache import cache, caches
from redis import Redis, RedisError

from apps.core.cache import breaker, in_redis

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


@pytest.fixture
def away(settings, monkeypatch):
    """Another server, which nobody has started."""
    here = settings.CACHES["default"]["LOCATION"]
    settings.CACHES = {**settings.CACHES, "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1"}}
    monkeypatch.setattr("apps.core.breaker.PAUSE", 0.5)
    return here


@pytest.mark.parametrize("value", [0, 7, "誤差", "7 of them", ""])
def test_what_is_kept_comes_back(value):
    cache.set("key", value)

    assert cache.get("key") == value


def test_nothing_of_it_is_run_when_it_is_read(settings):
    """As pickled objects would be, by whoever can write there."""
    options = settings.CACHES["default"]["OPTIONS"]
    client = Redis.from_url(settings.CACHES["default"]["LOCATION"], password=options["password"])
    cache.set("key", "text")
    (name,) = client.keys("*key*")

    assert client.get(name) == b"text"


def test_it_counts():
    assert cache.add("key", 1)
    assert not cache.add("key", 5)
    assert cache.incr("key", 3) == 4
    assert cache.touch("key", 10)
    assert cache.delete("key")
    assert cache.get("key", "nothing") == "nothing"


def test_what_was_counted_and_is_gone_is_begun_anew():
    """As by django-axes, which counts on after it was told that there is something."""
    assert cache.incr("key", 3) == 3
    assert cache.incr("key") == 4


def test_while_it_is_away_the_database_does_it(away, caplog):
    cache.set("key", "kept meanwhile")

    assert cache.get("key") == "kept meanwhile"
    assert caches["database"].get("key") == "kept meanwhile"
    assert cache.add("counted", 1)
    assert cache.incr("counted") == 2
    # Once, not for each call.
    assert [record.message[:25] for record in caplog.records] == ["Redis does not answer (Er"]


def test_it_is_not_asked_again_for_a_while(away, monkeypatch):
    asked = []
    monkeypatch.setattr(Redis, "execute_command", lambda *arguments, **options: asked.append(1))
    cache.get("key")
    assert asked == [1]
    breaker.failed(RedisError("away"))

    assert in_redis(lambda redis: redis.get("key")) is None
    assert asked == [1]


def test_it_is_found_again(away, settings, caplog):
    cache.set("key", "in the database")
    caplog.clear()
    caplog.set_level("INFO")
    settings.CACHES = {**settings.CACHES, "default": {**settings.CACHES["default"], "LOCATION": away}}
    assert cache.get("key") == "in the database"

    time.sleep(0.6)

    assert cache.get("key") is None
    assert [record.message for record in caplog.records] == ["Redis answers again"]
