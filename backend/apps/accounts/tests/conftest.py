import pytest

from apps.accounts import mails, tokens


@pytest.fixture
def pair(alice):
    return tokens.start_session(alice)


@pytest.fixture
def cookie(settings):
    """The refresh cookie that a response set, with its attributes."""
    return lambda response: response.cookies[settings.REFRESH_COOKIE]


class Immediately:
    """An outbox that does not wait until the request was answered."""

    def submit(self, function, *arguments):
        function(*arguments)


@pytest.fixture
def immediately(monkeypatch):
    monkeypatch.setattr(mails, "outbox", Immediately())
    # The test's own connection stays, as it does in Django's test client.
    monkeypatch.setattr(mails, "close_old_connections", lambda: None)
