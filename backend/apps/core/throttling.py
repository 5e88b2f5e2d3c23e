"""Limits on how often somebody may ask in a minute.

All workers and containers count together: in Redis where there is one and it answers, else in the database.
"""

import hashlib
import ipaddress
import time
import uuid
from threading import Lock

from django.conf import settings
from django.core.cache.backends.redis import RedisCache
from django.db import connection
from rest_framework.throttling import BaseThrottle

from apps.core import audit
from apps.core.cache import in_redis
from apps.core.models import CallCount
from apps.core.requests import client_address

MINUTE = 60.0
# A limit of so many calls and more is counted ten at a time: a process has some in hand, and asks the database again
# when they are used up. All together they let no more through; whoever is at the limit may be refused with a few in
# hand elsewhere.
MANY = 300
AT_ONCE = 10
# Keys of which calls are in hand, in a process.
REMEMBERED = 10_000

# One statement, so that calls at the same moment are each counted. A window that ends far ahead was begun while a clock
# was wrong, and does not count; somewhat ahead it may be, for a call that was overtaken on its way here.
COUNT = """
    INSERT INTO core_callcount AS known (key, calls, ends_at) VALUES (%(key)s, %(more)s, %(ends_at)s)
    ON CONFLICT (key) DO UPDATE SET
        calls = %(more)s + CASE WHEN known.ends_at BETWEEN %(now)s AND %(latest)s THEN known.calls ELSE 0 END,
        ends_at = CASE WHEN known.ends_at BETWEEN %(now)s AND %(latest)s THEN known.ends_at ELSE %(ends_at)s END
    RETURNING calls, ends_at
"""

# Of each key the calls in hand, and when their window ends.
in_hand: dict[str, tuple[int, float]] = {}
_lock = Lock()


def count(key: str, seconds: float = MINUTE, more: int = 1) -> tuple[int, float]:
    """How many calls there were under this key in its present window, these included, and the seconds left of it.

    The first call begins a window of so many `seconds`.
    """
    now = time.time()
    if counted := in_redis(lambda redis: _count_in(redis, key, more, now, seconds)):
        return counted
    values: dict[str, str | float] = {
        "key": key,
        "more": more,
        "now": now,
        "ends_at": now + seconds,
        "latest": now + 2 * seconds,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, values)
        calls, ends_at = cursor.fetchone()
    return calls, ends_at - now


def _count_in(redis: RedisCache, key: str, more: int, now: float, seconds: float) -> tuple[int, float]:
    # In milliseconds, since whole numbers are what Redis keeps as they are.
    ends_at = int((now + seconds) * 1000)
    redis.add(key, ends_at, seconds)
    ends_at = redis.get(key, ends_at)
    # Its own key for each window, so that none can end between the two.
    window = f"{key}:{ends_at}"
    redis.add(window, 0, 2 * seconds)
    # It was another clock that said when it ends.
    return redis.incr(window, more), max(0.0, ends_at / 1000 - now)


def forget(key: str) -> None:
    """The calls under this key; the next one begins a window."""
    in_redis(lambda redis: redis.delete(key))
    CallCount.objects.filter(key=key).delete()


def take_in_hand(key: str) -> float | None:
    """Uses up one of the calls in hand, and says how many seconds are left of their window; None if there are none."""
    with _lock:
        calls, ends_at = in_hand.pop(key, (0, 0.0))
        left = ends_at - time.time()
        # As in COUNT: a window that ends far ahead was begun while the clock was wrong.
        if not calls or not 0 <= left <= 2 * MINUTE:
            return None
        if calls > 1:
            in_hand[key] = calls - 1, ends_at
        return left


def put_in_hand(key: str, calls: int, left: float) -> None:
    ends_at = time.time() + left
    with _lock:
        if len(in_hand) >= REMEMBERED:
            in_hand.clear()
        held, until = in_hand.get(key, (0, 0.0))
        # Those of another window are not added to.
        in_hand[key] = (held if abs(until - ends_at) < 1 else 0) + calls, ends_at


class Limit(BaseThrottle):
    """At most CALL_LIMITS[name] calls a minute; what makes calls the same say the subclasses."""

    name: str

    def key(self, request) -> str | None:
        """None for a call that this limit is not about."""
        raise NotImplementedError

    def allow_request(self, request, view) -> bool:
        key = self.key(request)
        return key is None or self.allows(key, request.user.pk)

    def allows(self, key: str, account: uuid.UUID | None = None) -> bool:
        """Whether one more call is within the limit; it is counted in either case."""
        # A digest: names and addresses are nobody's business here.
        digest = f"{self.name}:{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()}"
        limit = settings.CALL_LIMITS[self.name]
        at_once = AT_ONCE if limit >= MANY else 1
        if at_once > 1 and (left := take_in_hand(digest)) is not None:
            self.seconds_left = left
            return True
        calls, self.seconds_left = count(digest, more=at_once)
        allowed = min(at_once, limit - (calls - at_once))
        if allowed > 1:
            put_in_hand(digest, allowed - 1, self.seconds_left)
        elif -at_once < allowed <= 0:
            # The first of them; a flood does not fill the log.
            audit.record("limited", account=account, limit=self.name)
        return allowed > 0

    def wait(self) -> float:
        return self.seconds_left


class SignedInLimit(Limit):
    name = "signed_in"

    def key(self, request):
        return str(request.user.pk) if request.user.pk else None


class AnonymousLimit(Limit):
    name = "anonymous"

    def key(self, request):
        return None if request.user.pk else network(request)


def network(request) -> str:
    """The client's address; of IPv6 the half that a provider gives to one customer."""
    address = client_address(request)
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
