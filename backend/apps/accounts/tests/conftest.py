import pytest

from apps.accounts import mails


@pytest.fixture
def error():
    """Reads what an error says, once it is clear that it is the expected one."""

    def read(response, status, code, field=None):
        assert response.status_code == status, response.content
        body = response.json()["error"]
        assert body["code"] == code, body
        if field is not None:
            assert body["details"][0]["field"] == field
        return body

    return read


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
