"""The one shape in which the API says that something went wrong."""

import logging
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from django.core.exceptions import DisallowedHost, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from apps.core.renderers import JSONRenderer
from apps.core.requests import current_request_id

logger = logging.getLogger("thinkring.errors")

# Seconds after which a client may ask again when the database is away.
RETRY_AFTER = 5

# PostgreSQL's name for it.
FOREIGN_KEY_VIOLATION = "23503"


class Kind(NamedTuple):
    status: int
    type: str
    message: Any


KINDS = {
    "AUTH_001": Kind(401, "authentication_error", _("You are not logged in. Log in to go on.")),
    "AUTH_002": Kind(401, "authentication_error", _("This login is no longer valid. Log in again.")),
    "AUTH_003": Kind(401, "authentication_error", _("This login has expired. Log in again.")),
    "AUTH_004": Kind(
        401, "authentication_error", _("The name or the password is not right. Check both and try again.")
    ),
    "AUTH_005": Kind(403, "permission_error", _("This is not permitted. Nothing was changed.")),
    "VAL_001": Kind(
        422,
        "validation_error",
        _("Something required is missing, so nothing was saved. Fill it in and send it again."),
    ),
    "VAL_002": Kind(
        422,
        "validation_error",
        _("Something is not in the right format, so nothing was saved. Correct it and send it again."),
    ),
    "VAL_003": Kind(
        422, "validation_error", _("Something is too long, so nothing was saved. Shorten it and send it again.")
    ),
    "VAL_004": Kind(
        422, "validation_error", _("Something is too short, so nothing was saved. Add to it and send it again.")
    ),
    "VAL_005": Kind(
        422,
        "validation_error",
        _("A value is not allowed here, so nothing was saved. Choose another and send it again."),
    ),
    "REQ_001": Kind(405, "request_error", _("This address does not take this method.")),
    "REQ_002": Kind(415, "request_error", _("This was sent in a format that is not taken here.")),
    "REQ_003": Kind(413, "request_error", _("The request is too large, so nothing was saved. Send less at once.")),
    "RES_001": Kind(404, "not_found_error", _("This project is not there. It may have been deleted.")),
    "RES_002": Kind(404, "not_found_error", _("This round is not there. It may have been deleted.")),
    "RES_003": Kind(404, "not_found_error", _("This step is not there. It may have been deleted.")),
    "RES_004": Kind(404, "not_found_error", _("This node is not there. It may have been deleted.")),
    "RES_006": Kind(404, "not_found_error", _("There is nothing at this address.")),
    "BIZ_001": Kind(400, "business_error", _("This is not possible now. Nothing was changed.")),
    "BIZ_002": Kind(
        409,
        "conflict_error",
        _("This was changed elsewhere in the meantime. Nothing was overwritten; look at both and decide."),
    ),
    "SRV_001": Kind(
        500,
        "server_error",
        _("Something went wrong on the server. Nothing you wrote is lost. Try again shortly."),
    ),
    "SRV_002": Kind(
        503, "server_error", _("The database cannot answer right now. Nothing you wrote is lost. Try again shortly.")
    ),
    "SRV_003": Kind(
        503,
        "server_error",
        _("The service cannot answer right now. Nothing you wrote is lost. Try again shortly."),
    ),
    "SRV_004": Kind(429, "server_error", _("Too many requests. Nothing you wrote is lost. Try again shortly.")),
}

VALIDATION_CODES = {
    "required": "VAL_001",
    "null": "VAL_001",
    "blank": "VAL_001",
    "empty": "VAL_001",
    "max_length": "VAL_003",
    "max_string_length": "VAL_003",
    "min_length": "VAL_004",
    "password_too_short": "VAL_004",
    "invalid_choice": "VAL_005",
    "not_allowed": "VAL_005",
    "unique": "VAL_005",
    "max_value": "VAL_005",
    "min_value": "VAL_005",
    "password_too_similar": "VAL_005",
    "password_too_common": "VAL_005",
    "password_entirely_numeric": "VAL_005",
}


class ApiError(Exception):
    """An error with its code from KINDS; `message` replaces the code's own, `current` is the object as it is."""

    def __init__(self, code: str, message=None, current: dict | None = None, details: list[dict] | None = None):
        super().__init__(code)
        self.code, self.message, self.current, self.details = code, message, current, details or []


class StoreUnavailable(Exception):
    """The store that uploads are kept in did not do what it was asked."""


class RuleBroken(ApiError):
    """A rule of the product does not allow this now (BIZ_001)."""

    def __init__(self, message):
        super().__init__("BIZ_001", message)


def invalid(field: str, reason, code: str = "invalid") -> exceptions.ValidationError:
    """A validation error of one field; `code` is one of VALIDATION_CODES, or anything else for VAL_002."""
    return exceptions.ValidationError({field: [exceptions.ErrorDetail(reason, code=code)]})


def body(code: str, message=None, details: list[dict] | None = None, current: dict | None = None) -> dict:
    error: dict[str, Any] = {
        "code": code,
        "type": KINDS[code].type,
        "message": str(message or KINDS[code].message),
        "details": details or [],
        "request_id": current_request_id.get(),
        "timestamp": timezone.now().isoformat(),
    }
    if current is not None:
        error["current"] = current
    return {"error": error}


def exception_handler(exc: Exception, context: dict) -> Response:
    """Turns whatever a view raised into the error shape (REST_FRAMEWORK["EXCEPTION_HANDLER"])."""
    headers: dict[str, str] = {}
    details: list[dict] = []
    message = current = status = None
    match exc:
        case ApiError():
            code, message, current, details = exc.code, exc.message, exc.current, exc.details
        case exceptions.ValidationError():
            flat = list(_flatten(exc.detail))
            details = [{"field": field, "reason": reason} for field, reason, _code in flat]
            code = VALIDATION_CODES.get(flat[0][2], "VAL_002") if flat else "VAL_002"
        case exceptions.ParseError():
            code, status = "VAL_002", 400
            details = [{"field": "", "reason": _encodable(exc.detail)}]
        case exceptions.NotAuthenticated():
            code = "AUTH_001"
        case exceptions.AuthenticationFailed():
            code = "AUTH_002"
        case exceptions.PermissionDenied() | PermissionDenied():
            code = "AUTH_005"
        case exceptions.NotFound() | Http404():
            code = not_found_code(context)
        case DatabaseError() if _is_of_deleted(exc):
            code = not_found_code(context)
        case exceptions.MethodNotAllowed():
            code = "REQ_001"
            headers["Allow"] = ", ".join(context["view"].allowed_methods)
        case exceptions.UnsupportedMediaType():
            code = "REQ_002"
        case RequestDataTooBig():
            code = "REQ_003"
        case SuspiciousOperation():
            # Such as more parameters than Django takes.
            code, status = "VAL_002", 400
        case exceptions.Throttled():
            code = "SRV_004"
            headers["Retry-After"] = str(int(exc.wait or 1) + 1)
        case OperationalError() | InterfaceError():
            logger.error("the database did not answer: %s", exc)
            code = "SRV_002"
            headers["Retry-After"] = str(RETRY_AFTER)
        case StoreUnavailable():
            logger.error("the store did not answer: %s", exc)
            code = "SRV_003"
            headers["Retry-After"] = str(RETRY_AFTER)
        case DataError():
            # PostgreSQL refused a value that the serializers let through: the client's, not ours.
            logger.warning("the database refused a value: %s", exc)
            code = "VAL_002"
        case _:
            logger.exception("unhandled error in %s", type(context["view"]).__name__)
            code = "SRV_001"
    if KINDS[code].status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    # An error is JSON whatever the view's own format is.
    context["request"].accepted_renderer = JSONRenderer()
    context["request"].accepted_media_type = JSONRenderer.media_type
    return Response(body(code, message, details, current), status=status or KINDS[code].status, headers=headers)


def not_found_code(context: dict) -> str:
    return getattr(context["view"], "not_found_code", "RES_006")


def _is_of_deleted(error: DatabaseError) -> bool:
    """Whether what was to be saved, or what it refers to, was deleted for good after it was looked up."""
    # Not one of its subclasses: Django's save() found no row to update.
    return type(error) is DatabaseError or getattr(error.__cause__, "sqlstate", "") == FOREIGN_KEY_VIOLATION


def _flatten(detail, path: str = "") -> Iterator[tuple[str, str, str]]:
    """(field, reason, code) for each leaf of a DRF error, with nested fields joined by dots."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            step = "" if key == "non_field_errors" else str(key)
            yield from _flatten(value, f"{path}.{step}".strip("."))
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            # A list of dicts is about the items of a list; a list of messages is about one field.
            yield from _flatten(value, f"{path}.{index}".strip(".") if isinstance(value, dict) else path)
    else:
        yield _encodable(path), _encodable(detail), detail.code


def _encodable(text) -> str:
    """A lone surrogate that a client sent cannot be sent back."""
    return str(text).encode("utf-8", "replace").decode()


def json_error(code: str, status: int | None = None, message=None) -> JsonResponse:
    """The error shape outside of DRF's views."""
    return JsonResponse(
        body(code, message), status=status or KINDS[code].status, json_dumps_params={"ensure_ascii": False}
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, DisallowedHost):
        _name_host(request.META.get("HTTP_HOST", "")[:253])
        return json_error("VAL_002", 400, _("This server does not answer to this host name (ALLOWED_HOSTS)."))
    return _answer(request, defaults.bad_request, "VAL_002", exception, status=400)


@lru_cache(maxsize=100)
def _name_host(host: str) -> None:
    """Once a host, so that the robots that ask for an address do not fill the log."""
    logger.warning("host %r is not in ALLOWED_HOSTS", host)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, defaults.permission_denied, "AUTH_005", exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, defaults.page_not_found, "RES_006", exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django has logged the exception."""
    return _answer(request, defaults.server_error, "SRV_001")


def _answer(request: HttpRequest, page, code: str, *exception: Exception, status: int | None = None):
    """The error shape; people in the admin get Django's own page."""
    if request.path.startswith("/admin/"):
        return page(request, *exception)
    return json_error(code, status)
