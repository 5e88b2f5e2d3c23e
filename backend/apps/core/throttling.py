"""Limits on how often somebody may ask in a minute. All workers and containers count together, in the database."""

import hashlib
import ipaddress
import time
import uuid

from django.conf import settings
from django.db import connection
from rest_framework.throttling import BaseThrottle

from apps.core import audit
from apps.core.requests import client_address

MINUTE = 60.0

# One statement, so that calls at the same moment are each counted. A window that ends far ahead was begun while a clock
# was wrong, and does not count; somewhat ahead it may be, for a call that was overtaken on its way here.
COUNT = """
    INSERT INTO core_callcount AS known (key, calls, ends_at) VALUES (%(key)s, 1, %(ends_at)s)
    ON CONFLICT (key) DO UPDATE SET
        calls = CASE WHEN known.ends_at BETWEEN %(now)s AND %(latest)s THEN known.calls + 1 ELSE 1 END,
        ends_at = CASE WHEN known.ends_at BETWEEN %(now)s AND %(latest)s THEN known.ends_at ELSE %(ends_at)s END
    RETURNING calls, ends_at
"""


def count(key: str, seconds: float = MINUTE) -> tuple[int, float]:
    """How many calls there were under this key in its present window, this one included, and the seconds left of it.

    The first call begins a window of so many `seconds`.
    """
    now = time.time()
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": key, "now": now, "ends_at": now + seconds, "latest": now + 2 * seconds})
        calls, ends_at = cursor.fetchone()
    return calls, ends_at - now


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
        digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
        calls, self.seconds_left = count(f"{self.name}:{digest}")
        limit = settings.CALL_LIMITS[self.name]
        if calls == limit + 1:
            # The first of them; a flood does not fill the log.
            audit.record("limited", account=account, limit=self.name)
        return calls <= limit

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
