"""Against those who guess at passwords: the limits of log-ins in a minute, and what django-axes asks of us.

That locks out who was wrong too often (AXES_… in the settings).
"""

import hashlib
import math
import time
import unicodedata
from functools import partial

from axes.handlers.cache import AxesCacheHandler
from axes.helpers import get_client_cache_keys
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.signals import user_login_failed
from django.core.cache import cache
from django.db.models import Max, Sum
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from apps.accounts import second_factor
from apps.accounts.models import User, password_set
from apps.core import audit, throttling
from apps.core.errors import KINDS, json_error
from apps.core.throttling import Limit, network

COOLOFF_SECONDS = int(settings.AXES_COOLOFF_TIME.total_seconds())


class CacheHandler(AxesCacheHandler):
    """What django-axes counts, in Redis, together with when it was tried last."""

    def user_login_failed(self, sender, credentials, request=None, **kwargs):
        # Who is locked out already does not stay so by trying.
        if request is not None and not request.axes_locked_out:
            last = _last(name_kept(request, credentials), address_kept(request))
            self.cache.set(last, int(time.time()), COOLOFF_SECONDS)
        super().user_login_failed(sender, credentials, request, **kwargs)


class LoginAddressLimit(Limit):
    name = "login_address"

    def key(self, request):
        return network(request)


class LoginNameLimit(Limit):
    """Of a name that is tried at an address."""

    name = "login_name"

    def key(self, request):
        given = request.data if hasattr(request, "data") else request.POST
        tried = str(given.get("username")) if isinstance(given, dict) else ""
        self.seconds_locked = partial(_seconds_locked, request, {"username": tried})
        return f"{network(request)} {compared(tried)}"

    def wait(self):
        """Not before the end of a lock-out, should there be one as well."""
        return max(super().wait(), self.seconds_locked())


def compared(name: str) -> str:
    """A name as the log-in compares it."""
    return unicodedata.normalize("NFKC", name).strip().lower()


def name_tried(request: HttpRequest, credentials: dict | None) -> str:
    name = (credentials or {}).get("username") or request.POST.get("username", "")
    return compared(name).replace("\0", "")


def name_kept(request: HttpRequest, credentials: dict | None) -> str:
    """As django-axes writes it down, a digest: now and then somebody types a password there.

    An account's name and its address are counted apart: together they would tell that they are of one account.
    """
    digest = _digest(name_tried(request, credentials))
    # In Redis nothing can be found by the name alone, and what was tried before an `unlock` is left behind.
    return f"{digest}{cache.get(_unlocked(digest), '')}" if settings.REDIS_HOST else digest


@receiver(password_set)
def unlock(user: User, **kwargs) -> None:
    """Who tried the password of before is not locked out any more."""
    names = [_digest(compared(name)) for name in (user.username, user.email) if name]
    if settings.REDIS_HOST:
        for name in names:
            cache.set(_unlocked(name), time.time_ns(), COOLOFF_SECONDS)
    AccessAttempt.objects.filter(username__in=names).delete()


def forget(user: User) -> None:
    """What is kept of those who tried to log in to this account."""
    unlock(user)
    throttling.forget(_guesses(user))


def address_kept(request: HttpRequest) -> str:
    """As django-axes counts it: of IPv6 a provider gives a whole network to one customer."""
    return network(request).partition("/")[0]


def accepts_code(request: HttpRequest, user: User, name: str, code: str) -> bool:
    """Whether this code of the second factor lets the account in under this name.

    A wrong one counts as a wrong password does, and besides for the account, from all addresses together: who types it
    knows the password.
    """
    if code:
        guesses, seconds_left = throttling.count(_guesses(user), COOLOFF_SECONDS)
        if guesses > settings.AXES_FAILURE_LIMIT:
            audit.record("login.refused", account=user.pk, path=request.path, locked=True)
            # With these django-axes has `answer` answer.
            request.axes_locked_out, request.locked_for = True, seconds_left  # type: ignore[attr-defined]
            return False
    if second_factor.passes(user, code):
        throttling.forget(_guesses(user))
        return True
    if code:
        user_login_failed.send(__name__, credentials={"username": name}, request=request)
    else:
        audit.record("login.code_wanted", account=user.pk, path=request.path)
    return False


def refusal(request: HttpRequest) -> HttpResponse | None:
    """Of a log-in that is one too many in its minute; it is counted."""
    over = [limit for limit in (LoginAddressLimit(), LoginNameLimit()) if not limit.allow_request(request, None)]
    if not over:
        return None
    return _too_many(request, str(KINDS["SRV_004"].message), math.ceil(max(limit.wait() for limit in over)))


def answer(request: HttpRequest, response: HttpResponse | None, credentials: dict | None) -> HttpResponse:
    """Instead of what the log-in would have said."""
    seconds = getattr(request, "locked_for", None)
    if seconds is None:
        seconds = _seconds_locked(request, credentials)
    seconds = max(1, math.ceil(seconds))
    minutes = math.ceil(seconds / 60)
    message = ngettext(
        "Too many wrong passwords. Try again in %(minutes)d minute.",
        "Too many wrong passwords. Try again in %(minutes)d minutes.",
        minutes,
    ) % {"minutes": minutes}
    return _too_many(request, message, seconds)


def _too_many(request: HttpRequest, message: str, seconds: int) -> HttpResponse:
    if request.path.startswith("/admin/"):
        context = {**admin.site.each_context(request), "title": gettext("Log in"), "message": message}
        refused = render(request, "accounts/admin_refused.html", context, status=429)
    else:
        refused = json_error("SRV_004", message=message)
    refused["Retry-After"] = str(seconds)
    refused["Cache-Control"] = "no-store"
    return refused


def _seconds_locked(request: HttpRequest, credentials: dict | None) -> float:
    """Until who tries this name from this address is not locked out any more; 0 for who is not."""
    name, address = name_kept(request, credentials), address_kept(request)
    if settings.REDIS_HOST:
        (key,) = get_client_cache_keys(AccessAttempt(username=name, ip_address=address))
        if cache.get(key, 0) < settings.AXES_FAILURE_LIMIT:
            return 0
        return cache.get(_last(name, address), 0) + COOLOFF_SECONDS - time.time()
    begun = timezone.now() - settings.AXES_COOLOFF_TIME
    attempts = AccessAttempt.objects.filter(username=name, ip_address=address, attempt_time__gt=begun)
    found = attempts.aggregate(failures=Sum("failures_since_start"), last=Max("attempt_time"))
    if (found["failures"] or 0) < settings.AXES_FAILURE_LIMIT:
        return 0
    return (found["last"] - begun).total_seconds()


def _unlocked(name: str) -> str:
    return f"unlocked:{name}"


def _last(name: str, address: str) -> str:
    return f"tried:{name}:{address}"


def _guesses(user: User) -> str:
    return f"code:{user.pk}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
