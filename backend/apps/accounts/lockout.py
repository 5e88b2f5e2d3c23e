"""What django-axes asks of us about those who guess at passwords (AXES_… in the settings)."""

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.errors import json_error
from apps.core.throttling import compared


def name_of(request: HttpRequest, credentials: dict | None) -> str:
    """The name that is tried."""
    name = (credentials or {}).get("username") or request.POST.get("username", "")
    return compared(name)[:255].replace("\0", "")


def forget(user) -> None:
    """What is kept of those who tried this account's names."""
    AccessAttempt.objects.filter(username__in=[compared(user.username), compared(user.email)]).delete()


def answer(request: HttpRequest, response: HttpResponse | None, credentials: dict | None) -> HttpResponse:
    """Instead of what the log-in would have said."""
    attempts = AxesProxyHandler.get_implementation().get_user_attempts(request, credentials)[0]
    last = attempts.aggregate(last=Max("attempt_time"))["last"] or timezone.now()
    seconds = max(1, round((last + settings.AXES_COOLOFF_TIME - timezone.now()).total_seconds()))
    message = _("Too many wrong passwords. Try again in %(minutes)d minutes.") % {"minutes": -(-seconds // 60)}
    if request.path.startswith("/admin/"):
        locked = HttpResponse(message, status=429, content_type="text/plain; charset=utf-8")
    else:
        locked = json_error("SRV_004", message=message)
    locked["Retry-After"] = str(seconds)
    locked["Cache-Control"] = "no-store"
    return locked
