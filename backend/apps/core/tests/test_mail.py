import logging

import pytest
from django.core.mail import EmailMessage


@pytest.fixture
def send():
    return EmailMessage("Set a new password", "secret", to=["alice@example.com"]).send


def test_without_a_mail_server_it_says_what_to_set(send, settings, caplog):
    settings.EMAIL_BACKEND = "apps.core.mail.UnsentBackend"

    with caplog.at_level(logging.ERROR, "thinkring.mail"):
        assert send() == 0

    assert caplog.messages == [
        "A mail was not sent (Set a new password): no mail server is set. Set EMAIL_HOST, EMAIL_HOST_USER and "
        "EMAIL_HOST_PASSWORD in .env.production."
    ]


def test_in_development_it_is_written_where_the_log_goes(send, settings, capsys):
    settings.EMAIL_BACKEND = "apps.core.mail.ConsoleBackend"

    assert send() == 1

    output = capsys.readouterr()
    assert output.out == ""
    assert "To: alice@example.com" in output.err
