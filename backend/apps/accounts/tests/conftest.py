import pytest

from apps.accounts import tokens


@pytest.fixture
def pair(alice):
    return tokens.start_session(alice)


@pytest.fixture
def cookie(settings):
    """The refresh cookie that a response set, with its attributes."""
    return lambda response: response.cookies[settings.REFRESH_COOKIE]
