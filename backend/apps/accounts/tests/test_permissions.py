"""Refresh and logout, which take a cookie: asked by pages of other sites."""

import pytest

from apps.accounts import tokens
from apps.accounts.models import Session
from conftest import refused

URLS = ["/api/v1/auth/refresh/", "/api/v1/auth/logout/"]
OWN = "https://thinkring.example.com"

pytestmark = pytest.mark.parametrize("url", URLS)


@pytest.fixture
def ask(client, alice, settings):
    settings.ALLOWED_HOSTS = ["api.thinkring.example.com"]
    settings.CORS_ALLOWED_ORIGINS = [OWN]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    client.cookies[settings.REFRESH_COOKIE] = tokens.start_session(alice).refresh

    def post(url, headers):
        return client.post(url, headers={"Host": "api.thinkring.example.com", "X-Forwarded-Proto": "https", **headers})

    return post


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": OWN},
        {"Origin": OWN, "Sec-Fetch-Site": "same-site"},
        {"Origin": "https://api.thinkring.example.com"},
        {"Origin": "https://api.thinkring.example.com", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_it_works(ask, url, headers):
    assert ask(url, headers).status_code in (200, 204)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.com"},
        {"Origin": "http://thinkring.example.com"},
        {"Origin": "https://thinkring.example.com:8443"},
        {"Origin": "https://thinkring.example.com.evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "something-new"},
        {"Origin": OWN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://other.example.com", "Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.com", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_foreign_pages(ask, url, headers):
    response = ask(url, headers)

    refused(response, 403, "AUTH_005")
    assert not response.cookies
    assert Session.objects.get().ended_at is None
