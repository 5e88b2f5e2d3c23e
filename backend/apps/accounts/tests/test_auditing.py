"""What stands in the audit log afterwards, by the API and in the admin."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.test import Client
from django.test.client import MULTIPART_CONTENT as MULTIPART
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts import passwords, second_factor, tokens
from apps.accounts.models import Session, User
from apps.core.models import AuditEvent
from apps.thinking.models import Node
from conftest import PASSWORD, UserFactory, signed_in

pytestmark = pytest.mark.django_db

NEW = "another-9-umbrella"


def told(account=None):
    events = AuditEvent.objects.order_by("pk")
    return [event.event for event in (events.filter(account=account.pk) if account else events)]


def post(path, body=None, client=None, **headers):
    return (client or APIClient()).post(f"/api/v1/auth/{path}/", body or {}, headers=headers)


def test_coming_and_going():
    carol = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
    post("register", carol)
    account = User.objects.get()
    pair = post("token", carol).json()
    post("login", {**carol, "password": "wrong"})
    post("logout", {"refresh": pair["refresh"]})
    assert set(AuditEvent.objects.values_list("address", flat=True)) == {"127.0.0.1"}
    signed_in(account).delete("/api/v1/auth/me/", {"password": PASSWORD})

    assert told() == ["registered", "login", "login", "login.refused", "logout", "account.deleted"]
    assert set(AuditEvent.objects.values_list("account", flat=True)) == {account.pk}
    assert set(AuditEvent.objects.values_list("address", flat=True)) == {"127.0.0.0/24"}
    assert all(event.request_id for event in AuditEvent.objects.all())


def test_a_name_that_there_is_not():
    """It may be a password, typed into the wrong field."""
    post("login", {"username": "my-secret-password", "password": "wrong"})

    event = AuditEvent.objects.get()
    assert (event.event, event.account) == ("login.refused", None)
    assert "my-secret-password" not in str(event.details)


def test_a_token_that_is_used_again(alice):
    pair = tokens.start_session(alice)
    post("refresh", {"refresh": pair.refresh})
    with time_machine.travel(timezone.now() + timedelta(seconds=11), tick=False):
        post("refresh", {"refresh": pair.refresh})

    assert told(alice) == ["session.reused"]


def test_a_foreign_origin(alice):
    post("refresh", {}, origin="https://evil.example")

    event = AuditEvent.objects.get()
    assert (event.event, event.details["origin"]) == ("refused", "https://evil.example")


def test_passwords_and_addresses(alice):
    client = signed_in(alice)
    post("password/change", {"old": PASSWORD, "new": NEW}, client)
    alice.refresh_from_db()
    client = signed_in(alice)
    client.patch("/api/v1/auth/me/", {"email": "new@example.com"})
    client.patch("/api/v1/auth/me/", {"theme": "dark"})
    alice.refresh_from_db()
    token = passwords.default_token_generator.make_token(alice)
    post("password/reset/confirm", {"uid": str(alice.pk), "token": token, "new": PASSWORD})

    post("password/reset/confirm", {"uid": str(alice.pk), "token": token, "new": NEW})

    assert told(alice) == ["password.changed", "email.changed", "password.changed"]
    assert told()[-1] == "reset.refused"


def test_sessions(alice):
    client, other = signed_in(alice), tokens.start_session(alice)
    session = tokens.session_of(other.access)
    client.delete(f"/api/v1/auth/sessions/{session.pk}/")
    client.delete("/api/v1/auth/sessions/")

    assert told(alice) == ["session.ended", "sessions.ended"]


def test_the_second_factor(alice):
    totp = second_factor.begin(alice)
    second_factor.confirm(alice, totp.now())
    second_factor.turn_off(alice)

    assert told(alice) == ["second_factor.on", "second_factor.off"]


def test_exports_and_deletions(alice):
    client = signed_in(alice)
    project = client.post("/api/v1/projects/", {"title": "秘密の計画"}).json()["id"]
    client.get("/api/v1/account/export/?as=json")
    client.get(f"/api/v1/projects/{project}/export/?as=obsidian")
    client.delete(f"/api/v1/projects/{project}/")
    client.delete(f"/api/v1/trash/{project}/")

    assert told(alice) == ["exported", "exported", "deleted"]
    assert [event.details.get("form") for event in AuditEvent.objects.all()].count("obsidian") == 1
    assert "秘密" not in str(list(AuditEvent.objects.values()))


@pytest.fixture
def root(db):
    return UserFactory(username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def admin(root):
    client = Client()
    client.post("/admin/login/", {"username": "root", "password": PASSWORD})
    return client


def change(admin, user, **form):
    known = {"username": user.username, "email": user.email, "language": "en", "theme": "dark"}
    assert admin.post(f"/admin/accounts/user/{user.pk}/change/", {**known, **form}).status_code == 302


@pytest.mark.parametrize("wanted", ["ALICE", "pk"])
def test_looking_for_somebody_in_the_admin(admin, alice, bob, wanted):
    for account in (alice, bob):
        post("login", {"username": account.username, "password": PASSWORD})

    page = admin.get("/admin/core/auditevent/", {"q": str(alice.pk) if wanted == "pk" else wanted}).content.decode()

    assert ">alice<" in page
    assert ">bob<" not in page


def test_several_at_once_in_the_admin(admin, root, alice, bob):
    form = {"action": "delete_selected", "_selected_action": [alice.pk, bob.pk], "post": "yes"}
    admin.post("/admin/accounts/user/", form)

    deleted = AuditEvent.objects.filter(event="admin.deleted", account=root.pk)
    assert {event.details["object"] for event in deleted} == {str(alice.pk), str(bob.pk)}
    assert not LogEntry.objects.filter(object_repr__in=["alice", "bob"]).exists()


def test_the_trash_in_the_admin(admin, root, alice):
    node = Node.objects.create(owner=alice, title="a")
    for action in ["move_to_trash", "restore"]:
        admin.post("/admin/thinking/node/", {"action": action, "_selected_action": [node.pk]})

    assert told(root) == ["administrator.made", "login", "admin.trashed", "admin.restored"]
    assert AuditEvent.objects.last().details == {"model": "node", "object": str(node.pk)}


def test_the_admin(admin, root, alice):
    change(admin, alice, is_active="on")
    admin.post("/admin/accounts/user/", {"action": "delete_selected", "_selected_action": [alice.pk], "post": "yes"})

    assert told(root) == ["administrator.made", "login", "admin.changed", "admin.deleted"]
    # Which fields, not what was in them.
    fields = AuditEvent.objects.get(event="admin.changed").details["fields"]
    assert fields
    assert "alice" not in str(fields)
    assert AuditEvent.objects.get(event="admin.deleted").details == {"model": "user", "object": str(alice.pk)}
    assert AuditEvent.objects.filter(event="account.deleted", account=alice.pk).exists()


def test_disabling_an_account_ends_its_sessions(admin, alice):
    pair = tokens.start_session(alice)

    change(admin, alice)
    change(admin, alice, is_active="on")

    assert Session.objects.get(user=alice).ended_at is not None
    assert post("refresh", {"refresh": pair.refresh}).status_code == 401


def test_a_password_that_an_operator_sets_ends_all_sessions(admin, alice, monkeypatch):
    tokens.start_session(alice)
    form = {"set-password": "", "password1": NEW, "password2": NEW}
    assert admin.post(f"/admin/accounts/user/{alice.pk}/password/", form).status_code == 302
    assert not alice.sessions.open().exists()

    alice.refresh_from_db()
    tokens.start_session(alice)
    monkeypatch.setattr("getpass.getpass", lambda prompt: PASSWORD)
    call_command("changepassword", "alice")

    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert not alice.sessions.open().exists()
    assert told(alice) == ["password.changed", "password.changed"]


def test_the_log_is_looked_at_and_by_nobody_changed(admin, root):
    event = AuditEvent.objects.last()

    assert "login" in admin.get("/admin/core/auditevent/").content.decode()
    assert admin.get("/admin/core/auditevent/add/").status_code == 403
    assert admin.post(f"/admin/core/auditevent/{event.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin.post(f"/admin/core/auditevent/{event.pk}/change/", {"event": "x"}).status_code == 403


def test_a_year_later_it_is_forgotten(alice):
    tokens.start_session(alice)
    post("login", {"username": "alice", "password": PASSWORD})
    AuditEvent.objects.create(event="login", at=timezone.now() - timedelta(days=366))

    call_command("delete_old_sessions")

    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("path", ["/api/v1/auth/login/", "/admin/login/"])
def test_a_code_that_is_missing(alice, path):
    """Whoever has the password has it, if it is not the person, from somewhere."""
    User.objects.update(is_staff=True)
    second_factor.confirm(alice, second_factor.begin(alice).now())
    Client().post(path, {"username": "alice", "password": PASSWORD}, "application/json" if "api" in path else MULTIPART)

    assert told(alice) == ["second_factor.on", "login.code_wanted"]


def test_somebody_who_has_no_place_in_the_admin(alice):
    Client().post("/admin/login/", {"username": "alice", "password": PASSWORD})

    assert told(alice) == ["login.refused"]


def test_a_link_that_is_asked_for(alice, immediately):
    post("password/reset", {"email": "alice@example.com"})
    post("password/reset", {"email": "nobody@example.com"})

    events = AuditEvent.objects.filter(event="reset.asked").order_by("pk")
    assert [event.account for event in events] == [alice.pk, None]
    assert {event.address for event in events} == {"127.0.0.1"}


def test_a_code_that_is_wrong(alice):
    second_factor.confirm(alice, second_factor.begin(alice).now())
    post("login", {"username": "alice", "password": PASSWORD, "code": "000000"})

    assert told(alice) == ["second_factor.on", "login.refused"]
