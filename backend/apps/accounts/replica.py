"""Heavy reads from a replica, where there is one and it has all that the one who asks has written."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from psycopg.errors import QueryCanceled
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import ChangeCount
from apps.core.breaker import Breaker
from apps.core.replica import REPLICA, reading_from_replica

breaker = Breaker("the replica", "the database does")


def from_replica(read: Callable[..., Response]) -> Callable[..., Response]:
    """Of a view's method that writes nothing, and has read all that it answers when it returns.

    What the account has was changed so often as the session says, which was read from the server that is written to
    (`request.auth.changes`); a replica that has not counted as far is behind, and is not read. One that fails costs
    the request that found it out the time it took; the server answers it.
    """

    @wraps(read)
    def answer(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        if REPLICA in settings.DATABASES and not breaker.is_open:
            try:
                with reading_from_replica():
                    if _knows_all(request):
                        found = read(self, request, *args, **kwargs)
                        breaker.answered()
                        return found
            except (InterfaceError, DatabaseError) as error:
                # What takes too long there would take too long here.
                if isinstance(error.__cause__, QueryCanceled):
                    raise
                # Also one that has not made the tables yet that a migration has made here.
                breaker.failed(error)
        return read(self, request, *args, **kwargs)

    return answer


def _knows_all(request: Request) -> bool:
    counted = ChangeCount.objects.filter(user=request.user.pk).values_list("changes", flat=True).first()
    return (counted or 0) >= (request.auth.changes or 0)
