import logging
import re
import sys
import time
import uuid
from contextvars import ContextVar

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_finished
from django.dispatch import receiver
from django.utils.http import parse_header_parameters
from rest_framework.throttling import BaseThrottle

logger = logging.getLogger("thinkring.requests")

current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")
current_address: ContextVar[str] = ContextVar("current_address", default="")

ACCEPTABLE = re.compile(r"[A-Za-z0-9-]{8,64}")
# Asked every few seconds by Docker and by monitoring.
QUIET_PATHS = ("/api/v1/health/", "/api/v1/health/ready/")


class Utf8Request(WSGIRequest):
    """A request is UTF-8 whatever its charset says.

    Django takes every codec, and one that is not for texts (zlib) fails before there is anything to catch it.
    """

    def _set_content_type_params(self, meta):
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))


def client_address(request) -> str:
    """The address that the last of our own proxies saw (TRUSTED_PROXIES), whatever a client writes into its headers."""
    # An address of IPv6 has at most 45 characters; without a proxy in front a client may have sent anything.
    return (BaseThrottle().get_ident(request) or "")[:45]


class RequestIdMiddleware:
    """Gives each request the id that nginx chose (or a new one), in its logs and in its answer's X-Request-ID.

    Whoever writes something down about a request finds its id and its client's address in the context.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        given = request.headers.get("X-Request-ID", "")
        request_id = given if ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex
        current_request_id.set(request_id)
        current_address.set(client_address(request))
        started = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        if settings.STAGING:
            response["X-Robots-Tag"] = "noindex, nofollow"
        if request.path not in QUIET_PATHS:
            logger.info(
                "%s %s %s",
                request.method,
                request.path,
                response.status_code,
                extra={"duration_ms": round((time.perf_counter() - started) * 1000, 1)},
            )
        return response


@receiver(request_finished)
def forget_request(**kwargs):
    """What the thread logs between two requests belongs to neither."""
    # An answer that breaks off half-way is closed first, and its exception is logged by gunicorn after that.
    if sys.exc_info()[0] is None:
        current_request_id.set("")
        current_address.set("")
