import pyotp
import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import Client
from django.utils import timezone

from apps.accounts import tokens
from apps.accounts.models import SecondFactor, Session, User
from apps.core.models import AuditEvent
from conftest import PASSWORD, UserFactory


@pytest.fixture
def admin(db):
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(UserFactory(username="root", is_staff=True, is_superuser=True))
    return client


def act(client, model, action, rows):
    url = f"/admin/accounts/{model}/"
    return client.post(url, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)


def test_it_works(admin, alice):
    page = admin.get("/admin/accounts/user/").content.decode()

    assert "alice@example.com" in page
    assert "root" in page


@pytest.mark.parametrize("query", ["alic", "ALICE@", "example.com"])
def test_finding_users(admin, alice, query):
    assert "alice" in admin.get("/admin/accounts/user/", {"q": query, "is_staff__exact": 0}).content.decode()


def test_making_a_user(admin):
    page = admin.get("/admin/accounts/user/add/").content.decode()
    assert 'name="email"' in page

    form = {"username": "carol", "email": "carol@example.com", "language": "en", "usable_password": "true"}
    response = admin.post("/admin/accounts/user/add/", {**form, "password1": PASSWORD, "password2": PASSWORD})

    assert response.status_code == 302, response.context["errors"]
    carol = User.objects.get(username="carol")
    assert carol.check_password(PASSWORD)
    assert carol.language == "en"


@pytest.mark.parametrize(
    "taken", [{"username": "ALICE"}, {"email": "ALICE@example.com"}, {"username": "carol@home"}, {"email": ""}]
)
def test_making_a_user_that_there_cannot_be(admin, alice, taken):
    form = {"username": "carol", "email": "carol@example.com", "language": "en", "usable_password": "true"}

    response = admin.post("/admin/accounts/user/add/", {**form, "password1": PASSWORD, "password2": PASSWORD, **taken})

    assert response.status_code == 200
    assert response.context["errors"]
    assert not User.objects.filter(username__startswith="carol").exists()


def test_changing_a_user(admin, alice):
    url = f"/admin/accounts/user/{alice.pk}/change/"
    form = {"username": "alice", "email": "new@example.com", "language": "en", "theme": "dark", "is_active": "on"}

    assert admin.post(url, form).status_code == 302

    alice.refresh_from_db()
    assert (alice.email, alice.language, alice.theme) == ("new@example.com", "en", "dark")
    assert alice.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("email", "told"),
    [("new@example.com", ["alice@example.com"]), ("Alice@example.com", []), ("alice@example.com", [])],
)
def test_the_old_address_is_told_of_a_new_one(
    admin, alice, immediately, django_capture_on_commit_callbacks, email, told
):
    form = {"username": "alice", "email": email, "language": "en", "theme": "dark", "is_active": "on"}

    with django_capture_on_commit_callbacks(execute=True):
        assert admin.post(f"/admin/accounts/user/{alice.pk}/change/", form).status_code == 302

    assert [address for message in mail.outbox for address in message.to] == told
    # In the language of before, as when the change comes through the API.
    assert {message.subject for message in mail.outbox} <= {"thinkRing のアカウントのメールアドレスが変わりました"}


def test_nobody_is_told_of_a_new_user(admin, immediately, django_capture_on_commit_callbacks):
    form = {"username": "carol", "email": "carol@example.com", "language": "en", "usable_password": "true"}

    with django_capture_on_commit_callbacks(execute=True):
        admin.post("/admin/accounts/user/add/", {**form, "password1": PASSWORD, "password2": PASSWORD})

    assert User.objects.filter(username="carol").exists()
    assert mail.outbox == []


def test_no_page_shows_a_password(admin, alice):
    algorithm, _salt, digest = alice.password.split("$")

    for url in ("/admin/accounts/user/", f"/admin/accounts/user/{alice.pk}/change/"):
        assert digest not in admin.get(url).content.decode()


def test_sessions(admin, alice, bob):
    tokens.start_session(alice)
    tokens.start_session(bob)

    page = admin.get("/admin/accounts/session/", {"q": "alice", "ended_at__isempty": 1}).content.decode()

    assert "1 session" in page
    assert admin.get(f"/admin/accounts/session/{Session.objects.get(user=alice).pk}/change/").status_code == 200


def test_sessions_are_not_made_or_changed_by_hand(admin, alice):
    tokens.start_session(alice)
    session = Session.objects.get(user=alice)

    assert admin.get("/admin/accounts/session/add/").status_code == 403
    assert admin.post(f"/admin/accounts/session/{session.pk}/change/", {"user": alice.pk}).status_code == 403


def test_ending_a_session(admin, alice, bob):
    tokens.start_session(alice)
    tokens.start_session(bob)

    page = act(admin, "session", "end", Session.objects.filter(user=alice)).content.decode()

    assert "1 sessions were ended." in page
    assert Session.objects.get(user=alice).ended_at is not None
    assert Session.objects.get(user=bob).ended_at is None
    event = AuditEvent.objects.get(event="admin.session.ended")
    assert event.account == User.objects.get(username="root").pk
    assert event.details == {"object": str(Session.objects.get(user=alice).pk)}


def test_ending_all_sessions_of_a_user(admin, alice, bob):
    for user in (alice, alice, bob):
        tokens.start_session(user)

    page = act(admin, "user", "end_sessions", [alice]).content.decode()

    assert "2 sessions were ended." in page
    assert not Session.objects.open().filter(user=alice).exists()
    assert Session.objects.open().filter(user=bob).exists()
    event = AuditEvent.objects.get(event="admin.sessions.ended")
    assert event.account == User.objects.get(username="root").pk
    assert event.details == {"object": str(alice.pk)}


def test_who_may_only_look_cannot_end_sessions(alice, bob):
    bob.is_staff = True
    bob.save()
    bob.user_permissions.add(Permission.objects.get(content_type__app_label="accounts", codename="view_session"))
    tokens.start_session(alice)
    client = Client()
    client.force_login(bob)

    act(client, "session", "end", Session.objects.filter(user=alice))

    assert Session.objects.get(user=alice).ended_at is None


def test_tokens_are_not_shown(admin):
    assert "token_blacklist" not in admin.get("/admin/").content.decode()
    assert admin.get("/admin/token_blacklist/outstandingtoken/").status_code == 404


def test_logging_in_by_address(alice):
    alice.is_staff = True
    alice.save()

    response = Client().post("/admin/login/?next=/admin/", {"username": "alice@example.com", "password": PASSWORD})

    assert response.status_code == 302


def test_it_speaks_japanese(admin, alice):
    page = admin.get("/admin/accounts/user/", headers={"Accept-Language": "ja"}).content.decode()

    assert "選択したユーザーのセッションを終了する" in page


@pytest.fixture
def factor(alice):
    alice.is_staff = alice.is_superuser = True
    alice.save()
    return SecondFactor.objects.create(user=alice, secret=pyotp.random_base32(), confirmed_at=timezone.now())


def log_in(**form):
    form = {"username": "alice", "password": PASSWORD, **form}
    return Client(headers={"Accept-Language": "en"}).post("/admin/login/?next=/admin/", form)


def test_logging_in_wants_the_second_factor(factor):
    """The admin would otherwise be the way around it."""
    assert "This account wants a code too." in log_in().content.decode()
    assert "This account wants a code too." in log_in(code="000000").content.decode()
    assert "wants a code too" not in log_in(password="wrong").content.decode()

    code = pyotp.TOTP(factor.secret).now()
    assert log_in(code=code).status_code == 302
    assert log_in(code=code).status_code == 200


def test_the_form_asks_for_the_code(client, db):
    page = client.get("/admin/login/", headers={"Accept-Language": "ja"}).content.decode()

    assert 'name="code"' in page
    assert "コード（必要なアカウントのみ）" in page


def test_a_second_factor_is_taken_away_but_not_shown(admin, factor):
    url = f"/admin/accounts/secondfactor/{factor.pk}/"
    for page in ("/admin/accounts/secondfactor/", f"{url}change/"):
        assert "alice" in admin.get(page).content.decode()
        assert factor.secret not in admin.get(page).content.decode()
    assert admin.get("/admin/accounts/secondfactor/add/").status_code == 403

    admin.post(f"{url}delete/", {"post": "yes"})

    assert not SecondFactor.objects.exists()


def test_the_device_of_a_session(admin, alice):
    tokens.start_session(alice, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")

    assert "Firefox on Linux" in admin.get("/admin/accounts/session/").content.decode()
