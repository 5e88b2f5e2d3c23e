"""A log-in to the admin is a session like any other: it stands in the person's list and can be ended there."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.utils import timezone

from apps.accounts.models import Session
from apps.accounts.tokens import USER_AGENT_LENGTH
from apps.core import audit

IDLE = timedelta(hours=1)
# In Django's own session: the id of ours.
KEY = "session"


@receiver(user_logged_in)
def begin(request, user, **kwargs) -> None:
    if request.path.startswith("/api/"):
        return
    session = Session.objects.create(user=user, user_agent=request.headers.get("User-Agent", "")[:USER_AGENT_LENGTH])
    request.session[KEY] = str(session.pk)


@receiver(user_logged_out)
def end(request, user, **kwargs) -> None:
    id = request.session.get(KEY)
    if id and Session.objects.filter(pk=id).end():
        audit.record("logout", account=user.pk, session=id)


class AdminSessionMiddleware:
    """Logs out whose session was ended, or is over."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path.startswith("/admin/") and request.user.is_authenticated:
            now = timezone.now()
            session = request.user.sessions.open().filter(
                pk=request.session.get(KEY),
                last_used_at__gt=now - IDLE,
                created_at__gt=now - timedelta(seconds=settings.SESSION_COOKIE_AGE),
            )
            if not session.update(last_used_at=now):
                logout(request)
        return self.get_response(request)
