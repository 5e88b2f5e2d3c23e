from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from axes.models import AccessAttempt
from django.core.management import call_command
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from apps.accounts import tokens
from apps.accounts.models import Session
from apps.core.models import AuditEvent, CallCount


def run():
    output = StringIO()
    call_command("delete_old_sessions", stdout=output)
    return output.getvalue()


@pytest.fixture
def ago():
    return lambda days: time_machine.travel(timezone.now() - timedelta(days=days, minutes=1))


def test_it_works(alice, ago):
    with ago(31):
        tokens.start_session(alice, "ended 30 days ago")
        Session.objects.end()
    with ago(38):
        tokens.start_session(alice, "expired 30 days ago")

    assert run().startswith("Deleted 2 old sessions, 0 expired tokens,")
    assert not Session.objects.exists()


def test_what_stays(alice, ago):
    with ago(29):
        tokens.start_session(alice, "ended 29 days ago")
        Session.objects.end()
    with ago(36):
        tokens.start_session(alice, "expired 29 days ago")
    tokens.start_session(alice, "open")

    assert run().startswith("Deleted 0 old sessions, 0 expired tokens,")
    assert Session.objects.count() == 3


def test_used_tokens(alice, ago):
    with ago(8):
        tokens.rotate(tokens.start_session(alice).refresh)
    pair = tokens.start_session(alice)
    tokens.rotate(pair.refresh)

    assert run().startswith("Deleted 0 old sessions, 1 expired tokens,")
    assert OutstandingToken.objects.get().token == pair.refresh
    assert BlacklistedToken.objects.count() == 1


def test_what_guarded_and_recorded(db, ago):
    now = timezone.now()
    for event, days in [("login", 366), ("logout", 364)]:
        AuditEvent.objects.create(event=event, at=now - timedelta(days=days))
    for key, seconds in [("over", -1), ("counting", 30)]:
        CallCount.objects.create(key=key, calls=1, ends_at=now.timestamp() + seconds)
    for name, minutes in [("a while ago", 16), ("just now", 14)]:
        attempt = AccessAttempt.objects.create(username=name, ip_address="203.0.113.1", failures_since_start=1)
        # The column writes its own time when a row is made.
        AccessAttempt.objects.filter(pk=attempt.pk).update(attempt_time=now - timedelta(minutes=minutes))

    assert run().endswith("1 events of the audit log, 1 counts of calls and 1 of wrong log-ins.\n")
    assert AuditEvent.objects.get().event == "logout"
    assert CallCount.objects.get().key == "counting"
    assert AccessAttempt.objects.get().username == "just now"
