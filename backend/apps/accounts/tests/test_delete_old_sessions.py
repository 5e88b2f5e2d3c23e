from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from apps.accounts import tokens
from apps.accounts.models import Session


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

    assert run() == "Deleted 2 old sessions and 0 expired tokens.\n"
    assert not Session.objects.exists()


def test_what_stays(alice, ago):
    with ago(29):
        tokens.start_session(alice, "ended 29 days ago")
        Session.objects.end()
    with ago(36):
        tokens.start_session(alice, "expired 29 days ago")
    tokens.start_session(alice, "open")

    assert run() == "Deleted 0 old sessions and 0 expired tokens.\n"
    assert Session.objects.count() == 3


def test_used_tokens(alice, ago):
    with ago(8):
        tokens.rotate(tokens.start_session(alice).refresh)
    pair = tokens.start_session(alice)
    tokens.rotate(pair.refresh)

    assert run() == "Deleted 0 old sessions and 1 expired tokens.\n"
    assert OutstandingToken.objects.get().token == pair.refresh
    assert BlacklistedToken.objects.count() == 1
