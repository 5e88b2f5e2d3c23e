"""Redis, which may be away or empty at any time.

https://docs.djangoproject.com/en/5.2/topics/cache/#redis
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.redis import RedisCache

from apps.core.breaker import Breaker

Found = TypeVar("Found")

# Each thread has a cache of its own.
breaker = Breaker("Redis", "the database does what it did")


class Serializer:
    """Numbers, which Redis itself can add to, and text; Django's own would run what it reads."""

    def dumps(self, value: int | str) -> int | bytes:
        return value.encode() if isinstance(value, str) else value

    def loads(self, kept: bytes) -> int | str:
        try:
            return int(kept)
        except ValueError:
            return kept.decode()


class Cache(BaseCache):
    """Redis; while it does not answer, the cache in the database, where nothing of it is known."""

    def __init__(self, server: str, params: dict[str, Any]):
        # Here, so that who has no Redis does not load it.
        from redis import RedisError

        super().__init__(params)
        self.error = RedisError
        self.redis = RedisCache(server, params)

    def in_redis(self, ask: Callable[[RedisCache], Found]) -> Found | None:
        """What is found by asking Redis; None while it does not answer."""
        if breaker.is_open:
            return None
        try:
            found = ask(self.redis)
        except self.error as error:
            breaker.failed(error)
            return None
        breaker.answered()
        return found

    def _ask(self, method: str, *arguments: Any) -> Any:
        answered = self.in_redis(lambda redis: (getattr(redis, method)(*arguments),))
        return answered[0] if answered else getattr(caches["database"], method)(*arguments)

    def add(self, key, value, timeout=DEFAULT_TIMEOUT, version=None):
        return self._ask("add", key, value, timeout, version)

    def get(self, key, default=None, version=None):
        return self._ask("get", key, default, version)

    def set(self, key, value, timeout=DEFAULT_TIMEOUT, version=None):
        return self._ask("set", key, value, timeout, version)

    def touch(self, key, timeout=DEFAULT_TIMEOUT, version=None):
        return self._ask("touch", key, timeout, version)

    def delete(self, key, version=None):
        return self._ask("delete", key, version)

    def incr(self, key, delta=1, version=None):
        try:
            return self._ask("incr", key, delta, version)
        except ValueError:
            # It was there a moment ago, in Redis or before its time was over.
            self.set(key, delta, version=version)
            return delta

    def clear(self):
        return self._ask("clear")


def in_redis(ask: Callable[[RedisCache], Found]) -> Found | None:
    """What is found by asking Redis; None where there is none, and while it does not answer."""
    cache: Any = caches["default"]
    return cache.in_redis(ask) if settings.REDIS_HOST else None
