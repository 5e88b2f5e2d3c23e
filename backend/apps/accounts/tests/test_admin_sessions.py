"""A log-in to the admin, as a session among the person's others."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apps.core.models import AuditEvent
from conftest import PASSWORD, UserFactory, signed_in

SESSIONS = "/api/v1/auth/sessions/"


@pytest.fixture
def root(db):
    return UserFactory(username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def admin(root):
    client = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"})
    assert client.post("/admin/login/", {"username": "root", "password": PASSWORD}).status_code == 302
    return client


def is_in(admin):
    return admin.get("/admin/").status_code == 200


def test_it_is_listed_and_can_be_ended(admin, root):
    page = signed_in(root)
    sessions = page.get(SESSIONS, headers={"Accept-Language": "en"}).json()["results"]
    (listed,) = [session for session in sessions if not session["current"]]
    assert listed["device"] == "Firefox on Linux"
    assert is_in(admin)

    assert page.delete(f"{SESSIONS}{listed['id']}/").status_code == 204

    assert not is_in(admin)


def test_it_ends_with_all_others(admin, root):
    signed_in(root).delete(SESSIONS)

    assert not is_in(admin)


def test_it_ends_when_the_account_is_disabled(admin, root):
    root.is_active = False
    root.save()
    root.is_active = True
    root.save()

    assert not is_in(admin)


def test_logging_out_ends_it(admin, root):
    assert admin.post("/admin/logout/").status_code == 200

    assert not root.sessions.open().exists()
    assert AuditEvent.objects.filter(event="logout", account=root.pk).exists()


@pytest.mark.parametrize(("minutes", "inside"), [(59, True), (61, False)])
def test_an_hour_without_use(admin, minutes, inside):
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False):
        assert is_in(admin) == inside


@pytest.mark.parametrize(("half_hours", "inside"), [(23, True), (24, False)])
def test_half_a_day(admin, half_hours, inside):
    now = timezone.now()
    for number in range(1, half_hours):
        with time_machine.travel(now + timedelta(minutes=30 * number), tick=False):
            assert is_in(admin)
    with time_machine.travel(now + timedelta(minutes=30 * half_hours, seconds=1), tick=False):
        assert is_in(admin) == inside


def test_a_log_in_to_the_page_is_none_of_the_admin(admin, root):
    """Both in one browser: one session each."""
    admin.post("/api/v1/auth/login/", {"username": "root", "password": PASSWORD}, "application/json")

    assert root.sessions.open().count() == 2
    assert is_in(admin)
