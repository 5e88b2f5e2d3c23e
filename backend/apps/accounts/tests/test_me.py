from threading import Barrier, Thread

import pytest
from django.apps import apps
from django.contrib.auth.tokens import default_token_generator
from django.core import mail
from django.db import connections
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from apps.accounts import registration, tokens
from apps.accounts.models import Session, User
from apps.accounts.tests.mails import html_that_says_the_same
from conftest import PASSWORD, UserFactory, refused, signed_in

URL = "/api/v1/auth/me/"


def test_it_works(alice, alice_client):
    response = alice_client.get(URL)

    assert response.status_code == 200
    assert response.json() == {
        "id": str(alice.pk),
        "username": "alice",
        "email": "alice@example.com",
        "language": "ja",
        "theme": "system",
    }


def test_one_query_finds_session_and_user(alice_client, django_assert_num_queries):
    with django_assert_num_queries(1):
        alice_client.get(URL)


def test_changes(alice, alice_client):
    response = alice_client.patch(URL, {"email": "alice@EXAMPLE.org", "language": "en", "theme": "dark"})

    assert response.status_code == 200
    assert response.json() == {
        "id": str(alice.pk),
        "username": "alice",
        "email": "alice@example.org",
        "language": "en",
        "theme": "dark",
    }
    assert alice_client.get(URL).json() == response.json()


def test_what_is_not_sent_stays(alice_client):
    alice_client.patch(URL, {"theme": "light"})

    assert alice_client.get(URL).json()["email"] == "alice@example.com"
    assert alice_client.patch(URL, {}).json()["theme"] == "light"


def test_what_is_nobodys_to_change(alice, alice_client):
    alice_client.patch(URL, {"username": "mallory", "id": "x", "is_staff": True, "password": "x", "is_active": False})

    alice.refresh_from_db()
    assert (alice.username, alice.is_staff, alice.is_active) == ("alice", False, True)
    assert alice.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("email", "", "VAL_001"),
        ("email", None, "VAL_001"),
        ("email", "nowhere", "VAL_002"),
        ("email", "a" * 250 + "@example.com", "VAL_003"),
        ("language", "fr", "VAL_005"),
        ("theme", "", "VAL_005"),
        ("theme", ["dark"], "VAL_005"),
    ],
)
def test_what_is_refused(alice, alice_client, field, value, code):
    refused(alice_client.patch(URL, {field: value}), 422, code, field)


@pytest.mark.parametrize("address", ["bob@example.com", "BOB@example.com"])
def test_an_address_that_is_taken(alice_client, bob, address):
    refused(alice_client.patch(URL, {"email": address}), 422, "VAL_005", "email")

    assert alice_client.get(URL).json()["email"] == "alice@example.com"


def test_ones_own_address_in_another_case(alice_client):
    assert alice_client.patch(URL, {"email": "Alice@example.com"}).json()["email"] == "Alice@example.com"


@pytest.fixture
def change(alice_client, immediately, django_capture_on_commit_callbacks, settings):
    """Changes alice's account, and answers with the mails that went out for it."""
    settings.PAGE_URL = "https://thinkring.example.com"

    def send(**values):
        mail.outbox.clear()
        with django_capture_on_commit_callbacks(execute=True):
            assert alice_client.patch(URL, values).status_code == 200
        return list(mail.outbox)

    return send


def test_the_old_address_is_told_of_a_new_one(alice, change):
    alice.language = "en"
    alice.save()

    # In the language of before, whoever has changed both.
    [message] = change(email="mallory@example.com", language="ja")

    assert message.to == ["alice@example.com"]
    assert message.subject == "The e-mail address of your thinkRing account was changed"
    assert message.extra_headers == {"Auto-Submitted": "auto-generated"}
    assert message.body == (
        "Hello alice,\n\n"
        "this is no longer the e-mail address of your thinkRing account: from now on its mails go to another one.\n\n"
        "If you have changed it, you need not do anything.\n\n"
        "If it was not you, somebody else is using your account. Log in with your user name and your password, and "
        "change the password in the settings. That ends every other log-in:\n\n"
        "https://thinkring.example.com/settings\n\n"
        "Then, or if your password does not work any more, ask whoever runs this thinkRing to set your address back."
        "\n\nthinkRing\nhttps://thinkring.example.com\n"
    )


def test_the_old_address_is_told_in_japanese(change):
    [message] = change(email="mallory@example.com")

    assert message.subject == "thinkRing のアカウントのメールアドレスが変わりました"
    assert message.body == (
        "alice さん\n\n"
        "このアドレスは、thinkRing のアカウントのメールアドレスではなくなりました。"
        "これからのメールは別のアドレスに届きます。\n\n"
        "ご本人が変えたのでしたら、何もする必要はありません。\n\n"
        "お心当たりがなければ、ほかの人がアカウントを使っています。"
        "ユーザー名とパスワードでログインし、設定でパスワードを変えてください。"
        "変えると、ほかの端末ではすべてログアウトします。\n\n"
        "https://thinkring.example.com/settings\n\n"
        "そのあとで、またはパスワードが使えなくなっているときは、"
        "この thinkRing を管理している人に、アドレスを元に戻すよう頼んでください。\n\n"
        "thinkRing\nhttps://thinkring.example.com\n"
    )


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_html_of_that_mail_says_the_same(language):
    message = registration.address_mail("alice", "alice@example.com", language)

    html_that_says_the_same(message, language)


@pytest.mark.parametrize("values", [{"theme": "dark"}, {"email": "Alice@example.com"}, {"email": "alice@EXAMPLE.com"}])
def test_who_keeps_the_address_gets_no_mail(change, values):
    assert change(**values) == []


def test_who_had_no_address_gets_no_mail(alice, change):
    alice.email = ""
    alice.save()

    assert change(email="alice@example.org") == []


def test_to_and_fro_fills_no_mailbox(change):
    sent = [change(email=f"{name}@example.com") for name in ("bob", "alice", "carol")]

    assert [[message.to for message in messages] for messages in sent] == [
        [["alice@example.com"]],
        [["bob@example.com"]],
        [],
    ]


def test_an_address_that_was_refused_is_told_to_nobody(
    alice_client, bob, immediately, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        assert alice_client.patch(URL, {"email": bob.email}).status_code == 422

    assert mail.outbox == []


def test_a_link_to_a_new_password_is_worth_nothing_after_a_change_of_address(client, alice, change):
    token = default_token_generator.make_token(alice)
    change(email="alice@example.org")

    confirm = {"uid": str(alice.pk), "token": token, "new": "lantern-7-harbour"}
    refused(client.post("/api/v1/auth/password/reset/confirm/", confirm), 422, "VAL_005", "token")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql", "immediately")
def test_two_take_an_address_at_once():
    clients = [signed_in(UserFactory()) for _ in range(2)]
    barrier = Barrier(2)
    statuses = []

    def change(client):
        barrier.wait()
        statuses.append(client.patch(URL, {"email": "wanted@example.com"}).status_code)
        connections.close_all()

    threads = [Thread(target=change, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 422]


def test_other_methods_are_not_taken(alice_client):
    refused(alice_client.put(URL, {}), 405, "REQ_001")
    refused(alice_client.post(URL, {}), 405, "REQ_001")


def test_deleting_the_account(alice, alice_client, bob, cookie):
    response = alice_client.delete(URL, {"password": PASSWORD})

    assert response.status_code == 204
    assert cookie(response)["max-age"] == 0
    assert list(User.objects.all()) == [bob]


def test_nothing_of_a_deleted_account_stays(alice, alice_client, bob, client):
    pair = tokens.start_session(alice)
    client.post("/api/v1/auth/refresh/", {"refresh": pair.refresh})
    kept = tokens.start_session(bob)

    alice_client.delete(URL, {"password": PASSWORD})

    assert [session.user for session in Session.objects.all()] == [bob]
    assert not OutstandingToken.objects.exists()
    for model in apps.get_models():
        owners = [field for field in model._meta.fields if field.related_model is User]
        for field in owners:
            assert not model._default_manager.filter(**{f"{field.name}_id": alice.pk}).exists(), model
    assert client.get(URL, headers={"Authorization": f"Bearer {kept.access}"}).status_code == 200


def test_tokens_of_a_deleted_account(alice, alice_client, client):
    pair = tokens.start_session(alice)
    alice_client.delete(URL, {"password": PASSWORD})

    refused(alice_client.get(URL), 401, "AUTH_002")
    refused(client.post("/api/v1/auth/refresh/", {"refresh": pair.refresh}), 401, "AUTH_002")


@pytest.mark.parametrize(
    ("body", "code"),
    [({"password": "wrong"}, "VAL_005"), ({"password": ""}, "VAL_001"), ({}, "VAL_001"), (None, "VAL_001")],
)
def test_deleting_wants_the_password(alice, alice_client, body, code):
    """Not 401, which a browser takes for the end of its session."""
    response = alice_client.delete(URL, body)

    refused(response, 422, code, "password")
    assert not response.cookies
    assert User.objects.get() == alice


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
def test_two_changes_at_once_are_both_kept(alice):
    """The menu stores language and colours one by one; neither may take the other back."""
    access = tokens.start_session(alice).access
    for round in range(5):
        language, theme = ("en", "dark") if round % 2 == 0 else ("ja", "light")
        barrier = Barrier(2)

        def change(data, barrier=barrier):
            client = APIClient(headers={"Authorization": f"Bearer {access}"})
            barrier.wait()
            client.patch(URL, data)
            connections.close_all()

        threads = [Thread(target=change, args=[data]) for data in ({"language": language}, {"theme": theme})]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        alice.refresh_from_db()
        assert (alice.language, alice.theme) == (language, theme)
