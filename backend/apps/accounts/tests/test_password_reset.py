import logging
import re
import time
from datetime import timedelta
from threading import Barrier, Event, Thread

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.core.mail.backends.locmem import EmailBackend
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts import mails, passwords
from apps.accounts.models import Session
from apps.accounts.tests.mails import html_that_says_the_same
from conftest import PASSWORD, UserFactory, refused

URL = "/api/v1/auth/password/reset/"
CONFIRM = "/api/v1/auth/password/reset/confirm/"
NEW = "lantern-7-harbour"
PAGE = "https://thinkring.example.com"


@pytest.fixture(autouse=True)
def page(immediately, settings):
    settings.PAGE_URL = PAGE


def ask(client, email="alice@example.com"):
    response = client.post(URL, {"email": email})
    assert (response.status_code, response.content) == (204, b"")


@pytest.fixture
def link(client, alice):
    """What the mailed link to alice's new password is made of."""
    ask(client)
    uid, token = re.search(rf"^{PAGE}/reset/([^/]+)/([^/\s]+)$", mail.outbox.pop().body, re.MULTILINE).groups()
    return {"uid": uid, "token": token}


def log_in(password):
    return APIClient().post("/api/v1/auth/login/", {"username": "alice", "password": password})


def test_it_works(client, alice, link):
    response = client.post(CONFIRM, {**link, "new": NEW})

    assert (response.status_code, response.content) == (204, b"")
    assert log_in(NEW).status_code == 200
    assert log_in(PASSWORD).status_code == 401


def test_the_mail_in_english(client, alice):
    alice.language = "en"
    alice.save()
    # The account's language counts, not that of whoever asks.
    client.post(URL, {"email": "alice@example.com"}, headers={"Accept-Language": "ja"})

    [message] = mail.outbox
    link = re.search(r"https://\S+/reset/\S+", message.body)[0]
    assert message.subject == "Set a new password for thinkRing"
    assert message.to == ["alice@example.com"]
    assert message.extra_headers == {"Auto-Submitted": "auto-generated"}
    assert message.body == (
        "Hello alice,\n\n"
        "somebody asked for a new password for your thinkRing account. If that was you, open this page and choose one:"
        f"\n\n{link}\n\n"
        "The link works once, and for 60 minutes. The new password ends every log-in, on all devices.\n\n"
        "If it was not you, you need not do anything: your password stays as it is.\n\n"
        "thinkRing\nhttps://thinkring.example.com\n"
    )


def test_the_mail_in_japanese(client, alice):
    client.post(URL, {"email": "alice@example.com"}, headers={"Accept-Language": "en"})

    [message] = mail.outbox
    link = re.search(r"https://\S+/reset/\S+", message.body)[0]
    assert message.subject == "thinkRing の新しいパスワードの設定"
    assert message.body == (
        "alice さん\n\n"
        "thinkRing のアカウントで、パスワードの再設定の申し込みがありました。"
        "ご本人でしたら、次のページを開いて新しいパスワードを設定してください。"
        f"\n\n{link}\n\n"
        "このリンクは一度だけ、60分間使えます。新しいパスワードを設定すると、すべての端末でログアウトされます。\n\n"
        "お心当たりがなければ、何もする必要はありません。パスワードは今のままです。\n\n"
        "thinkRing\nhttps://thinkring.example.com\n"
    )


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_html_says_the_same_as_the_text(client, alice, language):
    alice.language = language
    alice.save()
    ask(client)

    [message] = mail.outbox
    html = html_that_says_the_same(message, language)
    link = re.search(r"https://\S+/reset/\S+", message.body)[0]
    assert f'href="{link}"' in html
    # Nothing is fetched from anywhere when it is read.
    assert not re.search(r"src=|url\(|<link|<script", html)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_mail_as_it_is_sent(alice, language):
    alice.language = language

    message = passwords.link_mail(alice).message()

    text, html = message.get_payload()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert "alice" in text.get_payload(decode=True).decode()
    assert "\n" not in message["Subject"].replace("\n ", "")


@pytest.mark.parametrize("email", ["ALICE@example.com", "Alice@EXAMPLE.COM", " alice@example.com "])
def test_an_address_in_any_case(client, alice, email):
    ask(client, email)

    assert mail.outbox[0].to == ["alice@example.com"]


@pytest.mark.parametrize("email", ["nobody@example.com", "%@example.com", "alice@example.org"])
def test_an_unknown_address_is_answered_alike(client, alice, email):
    ask(client, email)

    assert mail.outbox == []


def test_accounts_that_no_password_opens(client, db):
    UserFactory(username="disabled", is_active=False)
    passwordless = UserFactory(username="passwordless")
    passwordless.set_unusable_password()
    passwordless.save()

    ask(client, "disabled@example.com")
    ask(client, "passwordless@example.com")

    assert mail.outbox == []


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_the_answer_waits_for_nothing_that_tells_whether_there_is_an_account(
    client, alice, monkeypatch, email, django_assert_num_queries
):
    submitted = []
    monkeypatch.setattr(mails.outbox, "submit", lambda *call: submitted.append(call))

    with django_assert_num_queries(0):
        ask(client, email)

    assert len(submitted) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
def test_the_answer_comes_before_the_mail(client, alice, monkeypatch):
    monkeypatch.undo()
    cache.clear()
    sending, answered = Event(), Event()

    def send(self, messages):
        sending.set()
        assert answered.wait(10)
        return real(self, messages)

    real = EmailBackend.send_messages
    monkeypatch.setattr(EmailBackend, "send_messages", send)
    ask(client)
    assert sending.wait(10)
    assert mail.outbox == []
    answered.set()
    mails.outbox.submit(connections.close_all).result(10)

    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_away(client, alice, monkeypatch, caplog):
    def fail(self, messages):
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailBackend, "send_messages", fail)

    with caplog.at_level(logging.ERROR, "thinkring.mail"):
        ask(client)

    assert "A mail was not sent." in caplog.text
    assert "alice" not in caplog.messages[0]


def test_who_asks_again_and_again_fills_no_mailbox(client, alice):
    ask(client)
    ask(client)
    assert len(mail.outbox) == 1

    with time_machine.travel(time.time() + mails.PAUSE + 1):
        ask(client)
    assert len(mail.outbox) == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, "VAL_001"), ({"email": ""}, "VAL_001"), ({"email": "alice"}, "VAL_002"), ({"email": ["a"]}, "VAL_002")],
)
def test_what_is_refused(client, db, body, code):
    refused(client.post(URL, body), 422, code, "email")


def test_all_sessions_end(client, alice, alice_client, bob_client, link, cookie):
    response = client.post(CONFIRM, {**link, "new": NEW})

    assert response.status_code == 204
    assert cookie(response)["max-age"] == 0
    refused(alice_client.get("/api/v1/auth/me/"), 401, "AUTH_002")
    assert bob_client.get("/api/v1/auth/me/").status_code == 200
    assert not Session.objects.filter(user=alice, ended_at=None).exists()


def test_a_link_works_once(client, link):
    client.post(CONFIRM, {**link, "new": NEW})

    refused(client.post(CONFIRM, {**link, "new": PASSWORD}), 422, "VAL_005", "token")
    assert log_in(NEW).status_code == 200


def test_a_link_works_for_an_hour(client, link):
    with time_machine.travel(timezone.now() + timedelta(minutes=59)):
        refused(client.post(CONFIRM, {**link, "new": "short"}), 422, "VAL_004", "new")
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        refused(client.post(CONFIRM, {**link, "new": NEW}), 422, "VAL_005", "token")

    assert log_in(PASSWORD).status_code == 200


def test_a_link_is_worth_nothing_after_a_log_in(client, alice, link):
    """Who can log in does not need it, and it may lie in a mailbox that others read."""
    log_in(PASSWORD)

    refused(client.post(CONFIRM, {**link, "new": NEW}), 422, "VAL_005", "token")


def test_a_link_is_worth_nothing_after_a_change_of_address(client, alice, link):
    alice.email = "new@example.com"
    alice.save()

    refused(client.post(CONFIRM, {**link, "new": NEW}), 422, "VAL_005", "token")


@pytest.mark.parametrize("uid", ["nobody", "00000000-0000-4000-8000-000000000000", "1\0", "１２"])
def test_a_link_of_nobody(client, link, uid):
    response = client.post(CONFIRM, {**link, "uid": uid, "new": NEW})

    refused(response, 422, "VAL_002" if "\0" in uid else "VAL_005", "uid" if "\0" in uid else "token")


def test_a_link_of_somebody_else(client, link, bob):
    refused(client.post(CONFIRM, {**link, "uid": str(bob.pk), "new": NEW}), 422, "VAL_005", "token")

    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)


def test_a_link_of_an_account_that_was_disabled_since(client, alice, link):
    alice.is_active = False
    alice.save()

    refused(client.post(CONFIRM, {**link, "new": NEW}), 422, "VAL_005", "token")


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("", "VAL_001"),
        ("short-1", "VAL_004"),
        ("x" * 129, "VAL_003"),
        ("1234567890", "VAL_005"),
        ("alice@example.com", "VAL_005"),
    ],
)
def test_a_password_that_is_refused_leaves_the_link_as_it_is(client, link, new, code):
    refused(client.post(CONFIRM, {**link, "new": new}), 422, code, "new")

    assert client.post(CONFIRM, {**link, "new": NEW}).status_code == 204


@pytest.mark.parametrize("missing", ["uid", "token", "new"])
def test_what_is_missing(client, link, missing):
    body = {**link, "new": NEW}
    del body[missing]

    refused(client.post(CONFIRM, body), 422, "VAL_001", missing)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
def test_a_link_used_twice_at_once_works_once(client, link):
    barrier = Barrier(2)
    statuses = []

    def use(new):
        barrier.wait()
        statuses.append(APIClient().post(CONFIRM, {**link, "new": new}).status_code)
        connections.close_all()

    threads = [Thread(target=use, args=[f"{NEW}-{number}"]) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [204, 422]
