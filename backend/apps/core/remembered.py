"""Answers that Redis keeps, where there is one, until something that the account has is changed.

The mark of the last change is the database's own (thinking/migrations/0007), and is read with the session: before what
is answered. So an answer that is kept under it is never older, and what was changed since, or undone by a restore, is
asked for under another one. TRUNCATE and what is written with triggers off draws none: Redis is to be emptied then.
"""

import hashlib
import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.utils.translation import get_language
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.cache import RedisCache, in_redis

# Seconds.
KEPT_FOR = 3600
# Of Redis's memory, which answers may fill: the rest is for what is counted there, so that nobody can push it out.
SHARE = 0.6


class Rendered(Response):
    """An answer in the bytes that it was given in before."""

    @property
    def rendered_content(self) -> bytes:
        self["Content-Type"] = "application/json"
        return self.data


def remembered(read: Callable[..., Response]) -> Callable[..., Response]:
    """Of a view's method that reads nothing but what the account has."""

    @wraps(read)
    def answer(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        # What nobody has changed has no mark yet, and an image that was not told its commit may be of any release.
        if not settings.REDIS_HOST or request.auth.mark is None or settings.COMMIT == "unknown":
            return read(self, request, *args, **kwargs)
        key = _key(request)
        kept = in_redis(lambda redis: redis.get(key))
        if kept is not None:
            etag, _, body = kept.partition("\n")
            return Rendered(body.encode(), headers={"ETag": etag} if etag else None)
        response = read(self, request, *args, **kwargs)

        def keep(rendered: Response) -> None:
            if rendered.status_code == 200:
                text = f"{rendered.get('ETag', '')}\n{rendered.content.decode()}"
                if in_redis(_has_room):
                    in_redis(lambda redis: redis.set(key, text, KEPT_FOR))

        response.add_post_render_callback(keep)
        return response

    return answer


def _key(request: Request) -> str:
    # The address with its host, which stands in the links to other pages.
    address = hashlib.sha256(request.build_absolute_uri().encode()).hexdigest()
    return f"{settings.COMMIT}:{request.user.pk}:{request.auth.mark}:{get_language()}:{address}"


def _has_room(redis: RedisCache) -> bool:
    memory: Any = redis._cache.get_client(None, write=True).info("memory")
    # Without a limit it is 0.
    return memory["used_memory"] < SHARE * (memory["maxmemory"] or math.inf)
